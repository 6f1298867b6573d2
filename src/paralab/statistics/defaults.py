"""What simulation settled: from how many seeds on an interval may be a default, and the ratios of the corrected t.

Both are in docs/statistics.md, which benchmarks/simulate.py writes: an interval is a default from the n at which it
held the truth 93 % of the time or more. A test reads the numbers back from there.
"""

from __future__ import annotations

from typing import Literal

LEAST: dict[str, tuple[int | None, int | None]] = {  # by Interval.method: scores with one hump, with two; None: at no n
    "t of one mean": (20, 10),
    "t": (3, 20),
    "Welch t": (3, 10),
    "Newcombe": (3, 20),
    "studentised bootstrap": (3, None),
    "percentile bootstrap": (None, 30),
    "profile": (5, 5),
    "stratified bootstrap": (20, 20),
    "corrected t": (3, None),
}


def least_n(method: str, humps: Literal[1, 2] = 1) -> int | None:
    """The least n, of those simulated (3, 5, 6, 8, 10, 20, 30), at which the method is a default; None where at none.

    Two humps: returns of which some seeds solve the task and others do not. ValueError for a method not simulated.
    """
    if method not in LEAST:
        raise ValueError(f"no method {method}: simulated are {', '.join(LEAST)}")
    return LEAST[method][humps - 1]


def split_ratio(test: float, shown: float) -> float:
    """Of random splits: test rows over the rows that two of their training sets have in common on average.

    Rows or shares of them.
    test / shown, which leaves out that two of them differ, calls equal nearest neighbours different 9 % of the time.
    """
    if test <= 0 or shown <= 0:
        raise ValueError(f"{test} test rows and {shown} shown: a split has both")
    return test * (test + shown) / shown**2


def fold_ratio(folds: int) -> float:
    """Of cross-validation, each fold of each seed a difference of its own: as of splits with so many test rows.

    The mean of a seed's folds must not be tested: with any ratio it hardly varies, as all seeds test on all rows.
    """
    if folds < 2:
        raise ValueError(f"{folds} folds: cross-validation has two or more")
    return split_ratio(1, folds - 1)
