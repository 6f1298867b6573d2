"""`paralab plan`: what `paralab train` of the same words would run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from argparse import Namespace

    from hydra._internal.config_loader_impl import ConfigLoaderImpl
    from omegaconf import DictConfig
    from rich.console import Console
    from rich.table import Table

    from paralab.record.plan import Plan
    from paralab.sweep.estimate import Estimate, Records, Status

STATUSES: tuple[Status, ...] = ("finished", "failed", "interrupted", "running", "missing")
BASES = {"config": "runs of the same settings", "steps": "runs of the same problem, trainer and labels, by steps"}


def plan(context: typer.Context) -> None:
    """Say what a grid would run, what is there, and what it would cost.

    Example: paralab plan problem=digits trainer=supervised/mlp 'seed=range(10)' labels=20,100

    Takes the words of `paralab train`, trains nothing and writes nothing.
    """
    from paralab.cli.options import parse, show_config

    asked = parse(context.args, "plan")
    from paralab.compose import loader
    from paralab.sweep.estimate import Records, estimate, workers_of
    from paralab.sweep.plan import compose_any, freeze, is_grid, plan_grid

    load = loader(asked.config_dir)
    overrides = [*asked.overrides]
    if asked.multirun or is_grid(overrides):
        overrides.append("hydra.mode=MULTIRUN")
    if asked.help or asked.cfg or asked.info:
        show_config(asked, load, overrides)
        return
    config, grid = compose_any(load, overrides)
    if grid and config.hydra.sweeper.n_trials is not None:
        _show_study(load, config, overrides, asked)
        return
    plans = plan_grid(load, config, overrides, asked.trust, _notice) if grid else [freeze(config, asked.trust)]
    records = Records(plans)
    todo = [each for each in plans if _is_to_run(each, records, config)]
    cost = estimate(todo, records, min(workers_of(config.executor, plans), max(len(todo), 1)))
    if asked.json:
        import json

        typer.echo(json.dumps(_plain(plans, records, cost), indent=1))
    else:
        from rich.console import Console

        _show(plans, records, cost, Console(highlight=False))


def _show_study(load: ConfigLoaderImpl, config: DictConfig, overrides: list[str], asked: Namespace) -> None:
    """How large a study is; what it costs follows from what it samples."""
    from paralab.tune.options import tuning_of
    from paralab.tune.points import Points
    from paralab.tune.sampling import total

    tuning = tuning_of(config)
    space = Points(load, config, overrides, asked.trust).space
    trials = total(space, tuning)
    most = trials * tuning.seeds + tuning.report_seeds
    if asked.json:
        import json

        sizes = {"trials": trials, "seeds": tuning.seeds, "report_seeds": tuning.report_seeds, "runs_at_most": most}
        typer.echo(json.dumps({**sizes, "space": list(space)}, indent=1))
        return
    typer.echo(f"a study of {config.name}: {trials} trials of {', '.join(space)}")
    typer.echo(
        f"runs      at most {most}: {tuning.seeds} a trial, and the winner on {tuning.report_seeds} report seeds"
    )


def _notice(text: str) -> None:
    typer.echo(text, err=True)


def _is_to_run(plan: Plan, records: Records, config: DictConfig) -> bool:
    match records.status(plan):
        case "finished":
            return bool(plan.config["force"] or config.sweep.force)
        case "failed":
            return bool(plan.config["force"] or config.sweep.force or config.sweep.retry_failed)
        case _:
            return True


def _plain(plans: Sequence[Plan], records: Records, cost: Estimate) -> dict[str, Any]:
    known = cost.known
    return {
        "runs": len(plans),
        "status": _counts(plans, records),
        "groups": [
            {"problem": problem, "trainer": trainer, "runs": len(group), "status": _counts(group, records)}
            for (problem, trainer), group in _groups(plans).items()
        ],
        "to_run": cost.runs,
        "estimate": {
            "seconds": known.seconds, "wall_seconds": cost.wall, "workers": cost.workers, "feedback": known.feedback,
            "bytes": known.bytes, "known_by": dict(cost.bases), "unknown": cost.unknown,
        },
        "plans": [
            {"folder": each.folder.as_posix(), "status": records.status(each), "said": each.said} for each in plans
        ],
    }  # fmt: skip


def _counts(plans: Sequence[Plan], records: Records) -> dict[Status, int]:
    counted = Counter(records.status(plan) for plan in plans)
    return {status: counted[status] for status in STATUSES}


def _groups(plans: Sequence[Plan]) -> dict[tuple[str, str], list[Plan]]:
    groups: dict[tuple[str, str], list[Plan]] = {}
    for plan in plans:
        groups.setdefault((plan.problem, plan.trainer), []).append(plan)
    return groups


def _show(plans: Sequence[Plan], records: Records, cost: Estimate, console: Console) -> None:
    counts = _counts(plans, records)
    where = f"{len(plans)} {'run' if len(plans) == 1 else 'runs'} of {plans[0].config['name']}"
    try:
        console.print(
            f"{where}: {', '.join(f'{count} {status}' for status, count in counts.items() if count)}",
            style="bold", markup=False, soft_wrap=True,
        )  # fmt: skip
        console.print(_table(plans, records, counts))
        for line in _costs(cost):
            console.print(line, markup=False, soft_wrap=True)
        if len(plans) == 1:
            console.print(str(plans[0].folder), markup=False, soft_wrap=True)
    except SystemExit:  # rich's answer to a closed pipe: `| head` has read enough, which is no failure
        return


def _table(plans: Sequence[Plan], records: Records, counts: Mapping[Status, int]) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    shown = [status for status in STATUSES if counts[status]]
    table = Table(box=SIMPLE_HEAD, padding=0, pad_edge=False, show_edge=False, header_style="dim")
    table.add_column("problem", overflow="fold")
    table.add_column("trainer", overflow="fold")
    for name in ("runs", *shown):
        table.add_column(name, justify="right", no_wrap=True)
    for (problem, trainer), group in _groups(plans).items():
        own = _counts(group, records)
        table.add_row(Text(problem), Text(trainer), str(len(group)), *(str(own[status] or "") for status in shown))
    return table


def _costs(cost: Estimate) -> list[str]:
    """Time, feedback and disk of what is to be run, and what they are known by."""
    if not cost.runs:
        return ["nothing is to be run"]
    told = cost.runs - cost.unknown
    unknown = f"unknown for {cost.unknown} of {cost.runs}: no run tells" if cost.unknown else ""
    if not told:
        return [f"to run    {cost.runs}", f"cost      {unknown}"]
    workers = "1 worker" if cost.workers == 1 else f"{cost.workers} workers"
    lines = [
        f"to run    {cost.runs}",
        f"time      {_time(cost.wall)} on {workers} ({_time(cost.known.seconds)} of runs)",
        f"feedback  {cost.known.feedback:,.0f} answers",
        f"disk      {cost.known.bytes / 1e6:,.1f} MB",
        *(f"known by  {BASES[basis]}: {count} of {cost.runs}" for basis, count in cost.bases.items()),
    ]
    return [*lines, f"          {unknown}"] if unknown else lines


def _time(seconds: float) -> str:
    for unit, name in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.3g} {name}"
    return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
