"""`paralab train`: one run, or a grid of them, by Hydra's own words."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from paralab.errors import Interrupted

if TYPE_CHECKING:
    from hydra._internal.config_loader_impl import ConfigLoaderImpl
    from omegaconf import DictConfig

    from paralab.cli.progress import Display
    from paralab.record.plan import Plan
    from paralab.run import Result
    from paralab.sweep.sweeper import Outcome


def train(context: typer.Context) -> None:
    """Train one model, a grid of them, or run an experiment.

    Example: paralab train problem=digits trainer=supervised/mlp labels=100

    Takes Hydra's overrides and options; `paralab train --help` shows every key and choice.
    """
    from paralab.cli.options import parse, show_config

    asked = parse(context.args)
    from paralab.compose import loader
    from paralab.sweep.plan import compose_any, freeze

    overrides = [*asked.overrides, *(["hydra.mode=MULTIRUN"] if asked.multirun else [])]
    load = loader(asked.config_dir)
    if asked.help or asked.cfg or asked.info:
        show_config(asked, load, overrides)
        return
    config, grid = compose_any(load, overrides)
    from paralab.cli.progress import Display, show, summarise

    with _signals() as stop, Display(quiet=asked.quiet or asked.json, stop=stop) as display:
        runner = Runner(display, asked.trust)
        ended = _grid(load, config, overrides, runner) if grid else runner(freeze(config, asked.trust))
    raise typer.Exit(summarise(ended, asked.json) if isinstance(ended, list) else show(ended, asked.json))


@dataclass(frozen=True)
class Runner:
    """Runs plans under a display: what the sweeper calls for each point."""

    display: Display
    trust: Sequence[str]

    def expect(self, total: int) -> None:
        self.display.total = total

    def __call__(self, plan: Plan) -> Result:
        from paralab.run import run

        if signal_number := self.display.stop.signal:  # a run of one step ends before it can be stopped
            raise Interrupted("stopped between two runs; the same command goes on from there", signal_number)
        self.display.begin(plan)
        return run(plan, trust=self.trust, tell=self.display.tell, say=self.display.say)

    def end(self, outcome: Outcome) -> None:
        self.display.end(outcome)


def _grid(load: ConfigLoaderImpl, config: DictConfig, overrides: list[str], runner: Runner) -> list[Outcome]:
    """Through Hydra's door for sweepers, whose class `guard` has checked."""
    from hydra._internal.callbacks import Callbacks
    from hydra.core.plugins import Plugins
    from hydra.types import HydraContext

    context = HydraContext(config_loader=load, callbacks=Callbacks())
    sweeper = Plugins.instance().instantiate_sweeper(hydra_context=context, task_function=runner, config=config)
    outcomes: list[Outcome] = sweeper.sweep(overrides)
    return outcomes


class Stop:
    """Set by the first signal; the loop sees it at the next snapshot."""

    signal: int = 0


@contextmanager
def _signals() -> Iterator[Stop]:
    """SIGINT or SIGTERM once: checkpoint and stop; twice: at once."""
    stop = Stop()

    def handle(number: int, frame: object) -> None:
        if stop.signal:
            raise KeyboardInterrupt
        stop.signal = number

    old = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
