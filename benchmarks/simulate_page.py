"""docs/statistics.md from what simulate.py found: its tables, from which n an interval is a default, what is missed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

MOST, LEAST = 0.06, 0.93  # false positives of a default test, coverage of a default interval
UNEVEN = "two humps"
CORRECTED = ("corrected t, .61", "corrected t, .31 on all folds")
KNOWN = ("corrected t, .12", "nearest neighbour, folds")  # above MOST for reasons the page gives: listed, no failure
DEFAULTS = (  # tests that compare uses by itself, in the table of false positives
    "sign flips, paired",
    "permutation",
    "Wilcoxon over n data sets",
    "Friedman, 3 methods on n data sets",
    "Friedman, 5 methods on n data sets",
    "Wilcoxon–Holm, 3 methods, any pair",
    "Wilcoxon–Holm, 5 methods, any pair",
)


@dataclass(frozen=True)
class Entry:
    table: str  # false, looks, resampled or coverage
    name: str
    shape: str
    n: int
    value: float


def page(found: Sequence[Entry], simulations: int) -> tuple[str, list[str]]:
    """Markdown, and one line for each default that does not reach what it must."""
    high = [each for each in found if each.value > MOST and (_must(each) or _known(each))]
    lines = {e: f"{e.name}, {e.shape}, n = {e.n}: {e.value:.3f} called different, must be at most {MOST}" for e in high}
    return TEXT.format(
        simulations=f"{simulations:,}",
        false=_grid(found, "false", ("test", "scores"), _mark),
        looks=_looks(found),
        resampled=_grid(found, "resampled", ("test", "learners"), _mark),
        coverage=_grid(found, "coverage", ("interval", "scores"), _reached),
        least=_defaults(found),
        missed="\n".join(f"- {line}" for line in lines.values()) or "None of the default tests.",
    ), [line for each, line in lines.items() if not _known(each)]


def least(found: Sequence[Entry]) -> dict[str, tuple[int | None, int | None]]:
    """The n from which each interval reaches LEAST at every n simulated: one hump, two humps; None where at none.

    By method, the name up to its comma: the worst of its statistics. Of the corrected t, what is not called different.
    """
    of = [each for each in found if each.table == "coverage"]
    of += [
        Entry("coverage", each.name, each.shape, each.n, 1 - each.value)
        for each in found
        if each.table == "resampled" and each.name in CORRECTED and not _known(each)
    ]
    table = {}
    for method in dict.fromkeys(each.name.split(",")[0] for each in of):
        mine = [each for each in of if each.name.split(",")[0] == method]
        table[method] = _from([e for e in mine if e.shape != UNEVEN]), _from([e for e in mine if e.shape == UNEVEN])
    return table


def _from(entries: Sequence[Entry]) -> int | None:
    reached: int | None = None
    for n in sorted({each.n for each in entries}, reverse=True):
        if min(each.value for each in entries if each.n == n) < LEAST:
            break
        reached = n
    return reached


def _must(each: Entry) -> bool:
    return (
        (each.table == "false" and each.name in DEFAULTS)
        or (each.table == "looks" and each.name.endswith("alpha spent") and ".43" not in each.name)
        or (each.table == "resampled" and each.n >= 6 and each.name in CORRECTED)
    )


def _known(each: Entry) -> bool:
    return each.name in (*CORRECTED, KNOWN[0]) and (each.name == KNOWN[0] or each.shape == KNOWN[1])


def _mark(each: Entry) -> str:
    return f"**{100 * each.value:.1f}**" if each.value > MOST else f"{100 * each.value:.1f}"


def _reached(each: Entry) -> str:
    return f"{100 * each.value:.1f}" if each.value >= LEAST else f"*{100 * each.value:.1f}*"


def _grid(found: Sequence[Entry], table: str, heads: tuple[str, str], shown: Callable[[Entry], str]) -> str:
    of = [each for each in found if each.table == table]
    sizes = sorted({each.n for each in of})
    lines = [
        f"| {heads[0]} | {heads[1]} | " + " | ".join(f"n = {n}" for n in sizes) + " |",
        "|---" * (2 + len(sizes)) + "|",
    ]
    for name in dict.fromkeys(each.name for each in of):
        for shape in dict.fromkeys(each.shape for each in of if each.name == name):
            cells = {each.n: shown(each) for each in of if (each.name, each.shape) == (name, shape)}
            lines.append(f"| {name} | {shape} | " + " | ".join(cells.get(n, "") for n in sizes) + " |")
    return "\n".join(lines)


def _looks(found: Sequence[Entry]) -> str:
    of = [each for each in found if each.table == "looks"]
    lines = ["| test | scores; looks at n = | .05 each time | alpha spent |", "|---|---|---|---|"]
    for each, spent in zip(of[::2], of[1::2], strict=True):
        test = spent.name.removesuffix(", alpha spent")
        lines.append(f"| {test} | {each.shape} | {_mark(each)} | {_mark(spent)} |")
    return "\n".join(lines)


def _defaults(found: Sequence[Entry]) -> str:
    lines = ["| method | one hump | two humps |", "|---|---|---|"]
    for name, ns in least(found).items():
        lines.append(f"| {name} | " + " | ".join("none" if n is None else str(n) for n in ns) + " |")
    return "\n".join(lines)


TEXT = f"""# Statistics: what the tests and intervals do where the truth is known

Written by `python benchmarks/simulate.py --write`, all of it; `--quick` prints the same tables from 600 simulations.
Each entry is from {{simulations}} simulations: one standard error of it is .2 points at 5 %, .3 at 90 %. The tests and
intervals are those of `paralab.statistics`, many simulations at a time; the script first looks up, on fresh draws, that
they give the shipped functions' figures.

Scores are *normal*; *skewed*, as accuracies near their ceiling are (skewness -1.4); or have *two humps*, as returns of
which 70 % of the seeds solve the task, and the others stay eight widths of their own hump below.

## False positives

Two equal learners at alpha .05, in per cent; above {100 * MOST:.0f} in bold. On n seeds of each, or on n data sets.

{{false}}

### Seeds that share rows

Real learners on simulated data sets of 150 rows, equal by construction (`benchmarks/simulate_learners.py`): nearest
class means, or nearest neighbours. Every seed splits anew, 105 rows to train on and 45 to test on. The corrected
resampled t of Nadeau and Bengio adds a ratio to 1/n. Of splits, .43 is test rows over rows not tested on; .61 is test
rows over the 73.5 rows that two of these training sets have in common on average (`split_ratio` of
`statistics/defaults.py`, the default). Both are enough for a stable learner; for nearest neighbours, whose answers hang
on single rows, only the second is, and not even that where nine tenths of the rows are shown (.12): such learners'
differences are then over-called, and splits with more test rows, or one fixed test set, are the remedy.

Of folds, each is a difference of its own, 5 a seed, and the ratio is that of a split with a fifth of the rows tested
on, .31 (`fold_ratio`). The mean of a seed's folds hardly varies from seed to seed, as all seeds test on all rows, and
no ratio mends that: such means must not be tested.

What is not called different here is what the 95 % interval covers.

{{resampled}}

### Looking more than once

Alpha spent over the declared looks like O'Brien and Fleming's (`statistics/spending.py`), beside testing at .05 each
time.

{{looks}}

### What is missed

{{missed}}

## Coverage of 95 % intervals

In per cent; under {100 * LEAST:.0f} in italics. Of one task the second learner is half as wide as the first and .3
lower, so paired differences are skewed too. Of six tasks, runs are drawn anew within each. The percentile bootstrap of
one task's mean is shown for what it does, and is no default anywhere. The interquartile mean of two humps cuts through
the lower one: no interval of it is to be trusted there.

{{coverage}}

### From which n an interval is a default

The n from which every n simulated reaches {100 * LEAST:.0f} %, for the worst of a method's rows above: of scores with
one hump (normal and skewed), and of two. `statistics/defaults.py` holds these numbers.

{{least}}
"""
