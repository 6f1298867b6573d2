"""How rows are parted where they are no single strangers: by group, by time, in folds.

Each function marks rows, and knows nothing of labels granted or of what the parts are for.
"""

from __future__ import annotations

from math import ceil

import numpy as np

from paralab.core import Array
from paralab.errors import Refused


def folds(strata: Array, count: int, stream: np.random.Generator) -> Array:
    """The fold of every row, (n,) int in 0..count-1, from `strata` (n,) int.

    Dealt out one by one in a random order sorted by stratum: two folds differ by one row at most, of every stratum and
    in total.
    """
    shuffled = stream.permutation(len(strata))
    order = shuffled[np.argsort(strata[shuffled], kind="stable")]
    dealt = np.empty(len(strata), np.int64)
    dealt[order] = np.arange(len(strata)) % count
    return dealt


def group_folds(strata: Array, groups: Array, count: int, stream: np.random.Generator) -> Array:
    """As `folds`, but a group, (n,) int, lies in one fold; the largest go first, each where its strata are fewest.

    Raises Refused where there are fewer groups than folds.
    """
    codes, shares = _shares(strata, groups)
    if len(shares) < count:
        raise Refused(f"folds={count} of whole groups needs as many groups, there are {len(shares)}: lower folds")
    weight = shares.sum(axis=1)
    shuffled = stream.permutation(len(shares))
    held, total = np.zeros((count, shares.shape[1])), np.zeros(count)
    place = np.empty(len(shares), np.int64)
    for group in shuffled[np.argsort(-weight[shuffled], kind="stable")]:
        place[group] = np.lexsort((total, held @ shares[group], total > 0))[0]
        held[place[group]] += shares[group]
        total[place[group]] += weight[group]
    return np.asarray(place[codes])


def some_groups(strata: Array, groups: Array, share: float, stream: np.random.Generator) -> Array:
    """Mark whole groups of about `share` of the rows, (n,) bool; groups and strata (n,) int.

    Groups are met in a random order, and one is taken where that brings every stratum nearer to its share. The last
    group of a stratum is never taken. Nothing is marked where none may be.
    """
    codes, shares = _shares(strata, groups)
    taken, chosen = np.zeros(shares.shape[1]), np.zeros(len(shares), bool)
    spare = np.count_nonzero(shares, axis=0)  # groups of a stratum that are not taken
    order = stream.permutation(len(shares))
    for group in order:
        mine = shares[group] > 0
        nearer = np.sum((taken + shares[group] - share) ** 2) < np.sum((taken - share) ** 2)
        if nearer and np.all(spare[mine] > 1):
            taken += shares[group]
            spare -= mine
            chosen[group] = True
    if not chosen.any():  # every group is more than twice the share: the smallest step too far
        free = [group for group in order if np.all(spare[shares[group] > 0] > 1)]
        chosen[sorted(free, key=lambda group: float(np.sum(shares[group] ** 2)))[:1]] = True
    return np.asarray(chosen[codes])


def latest(times: Array, share: float) -> Array:
    """Mark the latest rows, about `share` of them, (n,) bool; rows of one time are on one side of the border.

    Nothing is marked where all rows are of one time.
    """
    border = np.sort(times)[len(times) - ceil(share * len(times))]
    sides = [side for side in (times >= border, times > border) if 0 < side.sum() < len(times)]
    return min(sides, key=lambda side: abs(side.sum() - share * len(times)), default=np.zeros(len(times), bool))


def _shares(strata: Array, groups: Array) -> tuple[Array, Array]:
    """The place of every row's group, (n,), and what share of each stratum a group holds, (groups, strata)."""
    names, codes = np.unique(groups, return_inverse=True)
    kinds, kind = np.unique(strata, return_inverse=True)
    counts = np.bincount(codes * len(kinds) + kind, minlength=len(names) * len(kinds)).reshape(len(names), len(kinds))
    return codes, counts / counts.sum(axis=0)
