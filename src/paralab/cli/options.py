"""The options of `paralab train` and `paralab plan`: Hydra's that mean something, three of ours, what only shows."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, NoReturn

from paralab.catalog import folders, names
from paralab.errors import Refused

if TYPE_CHECKING:
    from hydra._internal.config_loader_impl import ConfigLoaderImpl
    from omegaconf import DictConfig

ABOUT = {
    "train": """\
Train on a problem, seen in the view that the trainer learns from.

  paralab train problem=digits trainer=semi_supervised/label_spreading labels=50
  paralab train problem=cartpole trainer=reinforcement/ppo 'seed=range(10)' -m
  paralab train experiment=label_efficiency""",
    "plan": """\
Say what paralab train of the same words would run, what is there, and its cost.

  paralab plan problem=cartpole trainer=reinforcement/ppo 'seed=range(10)'
  paralab plan experiment=label_efficiency --json""",
}


class Parser(ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise Refused(f"{message}; see {self.prog} --help")


def _parser(verb: str) -> Parser:
    parser = Parser(f"paralab {verb}", "%(prog)s [options] [key=value ...]", ABOUT[verb], add_help=False,
                    formatter_class=RawDescriptionHelpFormatter, allow_abbrev=False)  # fmt: skip
    add = parser.add_argument
    add("overrides", nargs="*", metavar="key=value", help="any key of the config below; key=a,b is a grid (-m)")
    if verb == "train":
        add("-m", "--multirun", action="store_true", help="a grid: run every combination of the values given")
        add("-q", "--quiet", action="store_true", help="no progress display")
    else:
        add("-m", "--multirun", action="store_true", help="a grid, which words of several values are without it")
    add("--json", action="store_true", help="print the result as JSON")
    add("--trust", action="append", default=[], metavar="PREFIX", help="also build classes below PREFIX (mypkg.)")
    add("-cd", "--config-dir", type=Path, metavar="DIR", help="a conf folder of your own, beside ./conf")
    add("-c", "--cfg", choices=["job", "hydra", "all"], help="show the config and do not run (a grid: its first point)")
    add("--resolve", action="store_true", help="with --cfg: references resolved")
    add("-p", "--package", metavar="KEY", help="with --cfg: only what is below KEY")
    add("-i", "--info", nargs="?", const="all", metavar="WHAT",
        choices=["all", "config", "defaults", "defaults-tree", "plugins", "searchpath"],
        help="how the config is found and composed")  # fmt: skip
    add("-h", "--help", action="store_true", help="this page; with overrides: their config")
    return parser


def parse(arguments: Sequence[str], verb: str = "train") -> Namespace:
    """The options, anywhere among the overrides; raises Refused for one that is not known."""
    return _parser(verb).parse_intermixed_args(arguments, Namespace(verb=verb))


def show_config(asked: Namespace, load: ConfigLoaderImpl, overrides: list[str]) -> None:
    """Hydra's own --cfg and --info and our --help, once the guard has passed the config."""
    from hydra._internal.hydra import Hydra

    from paralab.sweep.plan import compose_any

    if asked.help:
        print(_help(asked, load, overrides))
        return
    hydra = Hydra("paralab", load)
    config, grid = compose_any(load, overrides)
    if grid:
        own = [word for word in overrides if word.startswith(("hydra.", "hydra/"))]
        overrides = [*own, "hydra.mode=RUN", *_first(load, config, overrides, asked.trust)]
    if asked.info:
        hydra.show_info(asked.info, "config", overrides)
    else:
        hydra.show_cfg("config", overrides, asked.cfg, asked.package, asked.resolve)


def _first(load: ConfigLoaderImpl, config: DictConfig, overrides: list[str], trust: Sequence[str]) -> Sequence[str]:
    """What the first run of a grid says, or of a study."""
    if config.hydra.sweeper.n_trials is None:
        from paralab.sweep.points import points

        return points(config, overrides, load).points[0].said
    from paralab.tune.points import Points

    return Points(load, config, overrides, trust).examples[0].said


def _help(asked: Namespace, load: ConfigLoaderImpl, overrides: list[str]) -> str:
    from hydra.types import RunMode
    from omegaconf import OmegaConf

    from paralab.compose import compose

    config = compose(load, overrides, RunMode.MULTIRUN)
    ours = OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"])
    paths = folders(asked.config_dir)
    choices = [
        fill(f"{group}: {', '.join(names(group, paths))}", 80, subsequent_indent="  ", break_on_hyphens=False)
        for group in ("problem", "trainer", "experiment")
    ]
    return "\n".join([_parser(asked.verb).format_help(), "choices:", *choices, "", "config:", OmegaConf.to_yaml(ours)])
