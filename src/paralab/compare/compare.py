"""`paralab compare`: from the runs of an experiment to which method is better, and how surely that is known."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from paralab.compare import told
from paralab.compare.across import across
from paralab.compare.by import regrouped
from paralab.compare.choose import Asked, compared
from paralab.compare.gather import Block, Budget, blocks, left_out, of_tuning
from paralab.compare.published import published
from paralab.compare.result import FEW, Comparison, Pair, Standing
from paralab.compare.standings import areas, place_of, standings
from paralab.compare.units import names, table
from paralab.errors import Refused, closest
from paralab.record.read import Run
from paralab.statistics.many import holm

MOST = 5_000  # pairs of all methods with one another: a few seconds


def compare(
    runs: Sequence[Run],
    *,
    by: str = "trainer",
    metric: str | None = None,
    against: str | None = None,
    budget: int | str | None = None,
    paired: bool = False,
    rope: float | None = None,
) -> Comparison:
    """All that is said of one experiment's runs; `budget` None is every one, "all" that of every training row.

    Raises Refused for what cannot be compared, with the reason: see docs/comparing.md.
    """
    if not runs:
        raise Refused("there is no run to compare")
    original = _blocks(runs, metric)
    made, notes = regrouped(original, by)
    if by == "labels" and budget is not None:
        raise Refused("--by labels compares the label budgets with one another: leave out --budget")
    if budget is not None:
        made = [_only(block, budget) for block in _having(made, budget)]
    if against is not None:
        _demand_baseline(made, against)
    experiment = runs[0].experiment
    known = [] if by != "trainer" else published(runs[0].folder.parents[6], experiment)
    lost = Counter(run.config_id for run in left_out(runs) if run.status in ("failed", "diverged"))
    asked = Asked(paired, rope)
    rows = [row for block in made for at in block.budgets for row in standings(block, at, lost, known)]
    count = sum(math.comb(sum(at in method.cells for method in b.methods), 2) for b in made for at in b.budgets)
    crowded = against is None and count > MOST
    pairs = tuple(
        pair for block in made if not crowded for pair in _adjusted(list(_pairs(block, rows, against, asked)))
    )
    if crowded:
        notes.append(f"{count:,} pairs are too many to make: name a baseline by --against, or group by --by.")
    return Comparison(
        experiment, by, metric, against, tuple(rows), pairs,
        tuple(area for block in made for area in areas(block)),
        across(made, "any" if budget is None else _rows(budget), rope),
        (*notes, *_notes(original, made, runs, pairs, against), *told.coverage(rows, pairs)),
    )  # fmt: skip


def _blocks(runs: Sequence[Run], metric: str | None) -> list[Block]:
    """Raises Refused where nothing is finished, or the metric is none to be compared by."""
    finished = [run for run in runs if run.status == "finished"]
    if finished and all(map(of_tuning, finished)):
        raise Refused(
            f"all {len(finished)} finished runs are a tuner's trials: what was chosen on a seed is not reported on it. "
            "Run the winner on seeds of its own: hydra.sweeper.report_seeds=10"
        )
    made = blocks(runs, None if metric is None else _named(finished, metric))
    if not made:
        said = ", ".join(f"{n} {status}" for status, n in sorted(Counter(run.status for run in runs).items()))
        raise Refused(f"experiment '{runs[0].experiment}' has no finished run to compare ({said})")
    return made


def _named(finished: Sequence[Run], metric: str) -> str:
    """The metric without its split; raises Refused."""
    if "," in metric:
        raise Refused(f"--metric {metric}: one metric at a time; a return and an accuracy are never averaged")
    split, _, name = metric.rpartition("/")
    if split not in ("", "test"):
        reasons = {"cost": "costs stand beside every score, and less of them is better",
                   "valid": "models may have been chosen by it", "train": "it is of what was learned from"}  # fmt: skip
        raise Refused(f"--metric {metric}: {reasons.get(split, 'no such split')}. Give one of test/")
    known = {key.removeprefix("test/") for run in finished for key in run.scores if key.startswith("test/")}
    if name not in known:
        raise Refused(f"--metric {metric}: no finished run has test/{name}. {closest(name, known)}")
    return name


def _having(made: Sequence[Block], budget: int | str) -> list[Block]:
    at = _rows(budget)
    found = [block for block in made if at in block.budgets]
    if not found:
        known = dict.fromkeys("all" if each is None else str(each) for block in made for each in block.budgets)
        raise Refused(f"--budget {budget}: no run has labels={budget}. Known: {', '.join(known)}.")
    return found


def _rows(budget: int | str) -> Budget:
    return budget if isinstance(budget, int) else None


def _only(block: Block, asked: int | str) -> Block:
    budget = _rows(asked)
    methods = tuple(replace(m, cells={budget: m.cells[budget]}) for m in block.methods if budget in m.cells)
    return replace(block, methods=methods)


def _demand_baseline(made: Sequence[Block], against: str) -> None:
    if not any(_baseline(block, against) for block in made):
        known = {name for block in made for name in names(block)}
        raise Refused(f"--against {against}: no such method. {closest(against, known)}")


def _baseline(block: Block, against: str) -> str | None:
    """The name of the method meant: its own, or its trainer's; raises Refused where that has several settings."""
    called = names(block)
    if against in called:
        return against
    meant = [
        name
        for name, method in zip(called, block.methods, strict=True)
        if against in (method.trainer, method.trainer.split("/", 1)[-1], method.variant)
    ]
    if len(meant) > 1:
        raise Refused(f"--against {against}: {block.problem} has {len(meant)} of them: {', '.join(meant)}. Name one")
    return meant[0] if meant else None


def _pairs(block: Block, rows: Sequence[Standing], against: str | None, asked: Asked) -> Iterator[Pair]:
    """Everyone against the baseline, or every two, the better mean first; budgets rising."""
    place = place_of(block)
    baseline = None if against is None else _baseline(block, against)
    for budget in block.budgets:
        units = table(block, budget)
        at = {name: i for i, name in enumerate(units.methods)}
        order = [row.method for row in rows if row.place == place and row.budget == budget and row.kind == "ours"]
        if against is None:
            chosen = [(one, other) for i, one in enumerate(order) for other in order[i + 1 :]]
        elif baseline in at:
            chosen = [(one, baseline) for one in order if one != baseline]
        else:
            chosen = []
        for one, other in chosen:
            yield compared(place, budget, units, at[one], at[other], asked)


def _adjusted(pairs: Sequence[Pair]) -> list[Pair]:
    """Holm across the pairs and label budgets of one place."""
    told_p = [pair.p for pair in pairs if pair.p is not None]
    adjusted = iter(holm(told_p).tolist() if told_p else [])
    return [pair if pair.p is None else replace(pair, adjusted=next(adjusted)) for pair in pairs]


def _notes(
    original: Sequence[Block], made: Sequence[Block], runs: Sequence[Run], pairs: Sequence[Pair], against: str | None
) -> Iterator[str]:
    yield "sd is of a single seed, the interval of the mean over more such seeds."
    if any(pair.p is not None for pair in pairs):
        yield ("Intervals hold one by one; p is adjusted by Holm across the pairs and label budgets of a problem, and "
               "below .05 two methods are told apart.")  # fmt: skip
    if any(pair.p is None for pair in pairs):
        yield f"Under {FEW} seeds nothing is tested: descriptive only."
    for block in made:
        if against is not None and _baseline(block, against) is None:
            yield f"{block.problem} ({block.split}) has no runs of the baseline {against}: no pairs."
    yield from _fewer(made, pairs)
    yield from dict.fromkeys(
        line for block in original for line in (*told.seen(block.split), *told.paradigms(block), *told.clusters(block))
    )
    yield from told.failures([run for run in runs if not of_tuning(run)])
    others = Counter(run.status for run in left_out(runs) if run.status not in ("failed", "diverged"))
    if others:
        spoken = {"finished": "without a score"}
        yield f"Not compared: {', '.join(f'{n} {spoken.get(s, s)}' for s, n in sorted(others.items()))}."
    partial = sum(len(cell.partial) for block in original for cell in block.cells)
    if partial:
        yield f"{partial} seed{'s' if partial > 1 else ''} left out, for folds that others have are missing."
    if tuned := sum(map(of_tuning, runs)):
        yield f"{tuned} runs of a tuner are left out: on seeds of their own, never scored on test."


def _fewer(made: Sequence[Block], pairs: Sequence[Pair]) -> Iterator[str]:
    """Pairs that could not use every seed."""
    most: dict[tuple[str, Budget], int] = defaultdict(int)
    for block in made:
        for method in block.methods:
            for budget, cell in method.cells.items():
                most[block.problem, budget] = max(most[block.problem, budget], cell.score.n)
    short = [pair for pair in pairs if pair.n < most[pair.problem, pair.budget]]
    if short:
        fewest = f"the fewest compared are {min(pair.n for pair in short)}"
        yield f"{len(short)} of {len(pairs)} pairs lack seeds, for one of the two has not run on them; {fewest}."
