"""What became of a sweep, at its end: its table over seeds, its failures, its counts, and what to do next."""

from __future__ import annotations

import json
import shlex
import statistics
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, isfinite
from pathlib import Path
from typing import TYPE_CHECKING

from paralab.cli.failure import one_line
from paralab.cli.picture import clean
from paralab.cli.progress import name_of
from paralab.errors import Failed
from paralab.page.numbers import short, spread
from paralab.sweep.look import objective_score

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from paralab.sweep.drain import Outcome

LOG = "run.log"
BEST = 20  # lines of a table
KINDS = 20  # lines of failures that differ
OWN = ("seed", "problem", "experiment", "name", "root", "force")  # not what tells one line of a table from another


@dataclass(frozen=True)
class Line:
    """One configuration's seeds."""

    varied: Mapping[str, str]  # {"trainer": "supervised/mlp", "C": "10"}
    seeds: int
    mean: float
    sd: float | None
    seconds: float  # a run, mean


def summarise(outcomes: Sequence[Outcome], as_json: bool, total: int | None = None) -> int:
    """Print what became of a sweep of `total` runs, of which `outcomes` are known; returns the exit code."""
    errors = [outcome.error for outcome in outcomes if outcome.error is not None]
    if as_json:
        print(json.dumps([_plain(outcome) for outcome in outcomes]))
    else:
        _show(outcomes, len(outcomes) if total is None else total)
    if not errors:
        return 0
    return 1 if any(isinstance(error, Failed) for error in errors) else 2


def told(outcome: Outcome) -> str:
    """Why a run failed, without its folder, which many messages begin with."""
    line = one_line(outcome.error) if outcome.error is not None else ""
    return line.removeprefix(f"{outcome.plan.folder}: ").removesuffix(f" (traceback in {LOG})")


def lines(outcomes: Sequence[Outcome]) -> dict[tuple[str, str], list[Line]]:
    """One table a problem and metric, as a return is no accuracy: a line a configuration, best first."""
    groups: dict[tuple[str, str], dict[str, list[tuple[Outcome, float]]]] = defaultdict(lambda: defaultdict(list))
    for outcome in outcomes:
        if outcome.result and (score := objective_score(outcome.plan.folder, outcome.result.scores)):
            split = outcome.plan.config["split"]
            where = outcome.plan.problem if split == "holdout" else f"{outcome.plan.problem} (split={split})"
            groups[where, score[0]][outcome.plan.config_id].append((outcome, score[1]))
    return {key: _lines(list(configs.values())) for key, configs in sorted(groups.items())}


def _lines(configs: Sequence[Sequence[tuple[Outcome, float]]]) -> list[Line]:
    settings = [_settings(runs[0][0]) for runs in configs]
    keys = [key for key in dict.fromkeys(key for each in settings for key in each)
            if len({each.get(key) for each in settings}) > 1] or ["trainer"]  # fmt: skip
    made = []
    for setting, runs in zip(settings, configs, strict=True):
        values = [value for _, value in runs if isfinite(value)]
        seconds = [outcome.result.scores.get("cost/seconds", inf) for outcome, _ in runs if outcome.result]
        mean = statistics.fmean(values) if values else -inf
        sd = statistics.stdev(values) if len(values) > 1 else None
        varied = {key.removeprefix("trainer."): setting.get(key, "") for key in keys}
        made.append(Line(varied, len(values), mean, sd, statistics.fmean(seconds)))
    return sorted(made, key=lambda line: -line.mean)


def _settings(outcome: Outcome) -> dict[str, str]:
    """What was asked for, by key."""
    words = (word.lstrip("+").partition("=") for word in outcome.plan.said)
    said = {key: value for key, _, value in words if key not in OWN and not key.startswith("hydra.")}
    return {"trainer": outcome.plan.trainer} | {key: value for key, value in said.items() if key != "trainer"}


def _show(outcomes: Sequence[Outcome], total: int) -> None:
    from rich.console import Console

    console = Console(highlight=False)
    name = outcomes[0].plan.config["name"] if outcomes else ""
    root = outcomes[0].plan.config["root"] if outcomes else ""
    report = f"paralab report {name}" + ("" if root == "experiments" else f" --root {shlex.quote(root)}")
    try:
        for (problem, metric), found in lines(outcomes).items():
            _print(console, f"{problem}: {metric}", "bold")
            console.print(_table(found[:BEST], console.width))
            if len(found) > BEST:
                _print(console, f"and {len(found) - BEST} more: {report}")
            console.print()
        show_failures([(_place(outcome), told(outcome)) for outcome in outcomes if outcome.error], console)
        _print(console, _counts(outcomes, total))
        errors = [outcome.error for outcome in outcomes if outcome.error]
        if any(outcome.end == "interrupted" for outcome in outcomes):
            _print(console, "next: the same command goes on; what is finished is not run again")
        elif any(isinstance(error, Failed) for error in errors):
            _print(console, "next: the same command, without sweep.retry_failed=false, tries again what failed")
        elif errors:
            _print(console, "next: mend what was refused; what is finished is not run again")
        elif len(outcomes) < total or any(outcome.end == "not started" for outcome in outcomes):
            _print(console, "next: the same command goes on; what is finished is not run again")
        else:
            _print(console, f"next: {report}")
    except SystemExit:  # rich's answer to a closed pipe: `| head` has read enough, which is no failure
        return


def _place(outcome: Outcome) -> Path:
    """Its folder; of a refused run, which has none, what it was asked to be."""
    return outcome.plan.folder if outcome.plan.folder.exists() else Path(name_of(outcome.plan))


def show_failures(failures: Sequence[tuple[Path, str]], console: Console) -> None:
    """Folder, line and log of each; those of the same line together."""
    groups: dict[str, list[Path]] = defaultdict(list)
    for folder, why in failures:
        groups[why].append(folder)
    ranked = sorted(groups.items(), key=lambda group: -len(group[1]))
    for why, folders in ranked[:KINDS]:
        first, many = folders[0], len(folders) > 1
        _print(console, f"failed: {len(folders)} runs: {why}" if many else f"failed: {first}", "red")
        _print(console, f"  one of them: {first}" if many else f"  {why}")
        if (first / LOG).is_file():
            _print(console, f"  traceback: {first / LOG}")
    if len(ranked) > KINDS:
        rest = sum(len(folders) for _, folders in ranked[KINDS:])
        _print(console, f"and {rest} more")


def _counts(outcomes: Sequence[Outcome], total: int) -> str:
    """ "198 of 200 runs finished (150 of them already there), 2 failed"."""
    finished = [outcome.result for outcome in outcomes if outcome.result]
    there = sum(result.was_there for result in finished)
    was = f" ({there} of them already there)" if there else ""
    failed = sum(outcome.error is not None for outcome in outcomes)
    ends = Counter(outcome.end for outcome in outcomes)
    rest = {
        "pruned": ends["pruned"],
        "interrupted": ends["interrupted"],
        "not started": ends["not started"] + total - len(outcomes),
    }
    more = "".join(f", {count} {what}" for what, count in rest.items() if count > 0)
    return f"{len(finished)} of {total} runs finished{was}, {failed} failed{more}"


def _table(found: Sequence[Line], width: int) -> Table:
    """A column a key that was varied, where they find room, else all in one."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, padding=0, pad_edge=False, show_edge=False, header_style="dim")
    keys = list(found[0].varied)
    widths = [max(len(key), *(len(line.varied[key]) for line in found)) + 1 for key in keys]
    wide = sum(widths) > width - 32
    for key in ["varied"] if wide else keys:
        table.add_column(Text(clean(key)), overflow="fold")
    for name in ("seeds", "mean ± sd", "seconds"):
        table.add_column(name, justify="right", no_wrap=True)
    for line in found:
        joined = [" ".join(f"{key}={value}" for key, value in line.varied.items() if value)]
        names = joined if wide else list(line.varied.values())
        score = spread(line.mean, line.sd) if line.seeds else "-"
        table.add_row(*(Text(clean(name)) for name in names), str(line.seeds), score, short(line.seconds))
    return table


def _print(console: Console, text: str, style: str | None = None) -> None:
    from rich.text import Text

    shown = "".join(each if each.isprintable() else " " for each in text)
    console.print(Text(shown, style or ""), soft_wrap=True)


def _plain(outcome: Outcome) -> dict[str, object]:
    scores = dict(outcome.result.scores) if outcome.result else None
    error = None if outcome.error is None else one_line(outcome.error)
    return {"folder": str(outcome.plan.folder), "scores": scores, "error": error, "end": outcome.end}
