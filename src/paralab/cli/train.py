"""`paralab train`: one run, or a grid of them, by Hydra's own words."""

from __future__ import annotations

import signal
from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import typer

if TYPE_CHECKING:
    from hydra._internal.config_loader_impl import ConfigLoaderImpl
    from omegaconf import DictConfig

    from paralab.record.plan import Plan
    from paralab.sweep.drain import Outcome
    from paralab.tune.result import Tuned


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
    with _signals() as stop:
        code = _grid(load, config, overrides, asked, stop) if grid else _run(freeze(config, asked.trust), asked, stop)
    raise typer.Exit(code)


def _run(plan: Plan, asked: Namespace, stop: Stop) -> int:
    from paralab.cli.progress import Display, show
    from paralab.run import run

    with Display(quiet=asked.quiet or asked.json, stop=stop) as display:
        display.begin(plan)
        result = run(plan, trust=asked.trust, tell=display.tell, say=display.say)
    return show(result, asked.json)


def _grid(load: ConfigLoaderImpl, config: DictConfig, overrides: list[str], asked: Namespace, stop: Stop) -> int:
    """Through Hydra's door for sweepers, whose class `guard` has checked."""
    from hydra._internal.callbacks import Callbacks
    from hydra.core.plugins import Plugins
    from hydra.types import HydraContext

    from paralab.cli.summary import summarise
    from paralab.cli.sweep_display import SweepDisplay
    from paralab.cli.tuned import summarise_tuned
    from paralab.errors import Interrupted

    context = HydraContext(config_loader=load, callbacks=Callbacks())
    with SweepDisplay(quiet=asked.quiet or asked.json, stop=stop, trust=asked.trust) as display:
        sweeper = Plugins.instance().instantiate_sweeper(
            hydra_context=context, task_function=cast(Any, display), config=config
        )
        interrupted: Interrupted | None = None
        try:
            outcomes: Sequence[Outcome] | Tuned = sweeper.sweep(overrides)
        except Interrupted as error:
            outcomes, interrupted = display.outcomes, error
    if not isinstance(outcomes, Sequence):
        return summarise_tuned(outcomes, asked.json)
    code = summarise(outcomes, asked.json, max(display.board.total, len(outcomes)))
    if interrupted:
        raise interrupted
    return code


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
