"""How far a run that was run again is the same: strict, numeric, statistical, or none of these.

The tolerances of `numeric`, and what was measured (OpenBLAS kernels of three CPU types, ATen with and without AVX, one
thread and two; eight learners): labels never differed, and numbers by at most 1.2e-4 of their spread, but for networks
trained long enough for the last bit to grow (1.5e-2), which are to be judged by the spread of seeds.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from paralab.audit import weights
from paralab.core import Array
from paralab.record import files
from paralab.record.folder import SCORES
from paralab.statistics.summary import quantile, summary

Level = Literal["strict", "numeric", "statistical", "none"]
SHARE = 0.005  # of the labels, or other whole numbers, that may differ under `numeric`
SPREAD = 1e-3  # by which other numbers may, in standard deviations of what they were
SCORE = 0.01  # by which a score may, as a share of what it was
FEWEST = 6  # other seeds without which nothing statistical is said
LEVEL = 0.95  # of the prediction interval
OWN = ("cost/seconds", "cost/peak_rss_mb", "cost/peak_gpu_mb")  # costs that no two runs share
SCORED = ("test/", "test_last/", "valid/")


@dataclass(frozen=True)
class Check:
    what: Literal["weights", "predictions", "scores"]
    same: bool  # bit for bit
    close: bool  # within the tolerances
    detail: str


def checks(then: Path, now: Path) -> list[Check]:
    """Two runs' folders held against each other."""
    return [_weights(then, now), _predictions(then / "predictions.npz", now / "predictions.npz"), _scores(then, now)]


def _weights(then: Path, now: Path) -> Check:
    old, new = weights.digests(then), weights.digests(now)
    off = sorted(name for name in {*old, *new} if old.get(name) != new.get(name))
    said = f"{len(old)} files" + (f", {len(off)} differ: {off[0]}" if off else " identical")
    return Check("weights", bool(old) and not off, bool(old) and old.keys() == new.keys(), said)


def _predictions(then: Path, now: Path) -> Check:
    if not then.is_file() and not now.is_file():
        return Check("predictions", True, True, "none on either side")
    try:
        if files.digest(then) == files.digest(now):
            return Check("predictions", True, True, "identical")
        old, new = files.read_arrays(then), files.read_arrays(now)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        return Check("predictions", False, False, f"cannot be compared: {error}")
    found = [_array(name, old.get(name), new.get(name)) for name in sorted({*old, *new})]
    said = "; ".join(text for _, text in found if text)
    return Check("predictions", not said, all(close for close, _ in found), said or "identical")


def _array(name: str, old: Array | None, new: Array | None) -> tuple[bool, str]:
    """Whether two arrays are close, and how they differ; "" where they do not."""
    if old is None or new is None or old.shape != new.shape or old.dtype != new.dtype:
        return False, f"{name} is of another shape or kind"
    if np.array_equal(old, new, equal_nan=old.dtype.kind == "f"):
        return True, ""
    if name in ("rows", "truth"):
        return False, f"{name} differ: other test rows or another truth"
    if old.dtype.kind != "f":
        share = float(np.mean(np.any((old != new).reshape(len(old), -1), axis=1)))
        return share <= SHARE, f"{share:.2%} of {name} differ"
    if not np.array_equal(np.isfinite(old), np.isfinite(new)):
        return False, f"{name} is not finite in other places"
    finite = np.isfinite(old)
    apart = float(np.max(np.abs(old[finite] - new[finite]), initial=0.0))
    spread = float(np.std(old[finite])) or float(np.max(np.abs(old[finite]), initial=0.0)) or 1.0
    return apart <= SPREAD * spread, f"{name} differs by up to {apart / spread:.1e} of its spread"


def _scores(then: Path, now: Path) -> Check:
    try:
        old, new = (_read(place / SCORES) for place in (then, now))
    except (OSError, ValueError) as error:
        return Check("scores", False, False, f"cannot be compared: {error}")
    off = sorted(name for name in {*old, *new} if name not in OWN and not _equal(old.get(name), new.get(name)))
    ranked = [name for name in off if name.startswith(SCORED)]
    close = all(name in old and name in new and _near(old[name], new[name]) for name in ranked)
    counted = len([name for name in old if name not in OWN])
    example = (ranked or off or [""])[0]
    told = f"{example} {_text(old.get(example))} then, {_text(new.get(example))} now"
    return Check("scores", not off, close, f"{len(off)} of {counted} differ: {told}" if off else f"{counted} identical")


def _read(path: Path) -> Mapping[str, float]:
    said = files.read_json(path)
    if not isinstance(said, dict):
        raise ValueError(f"{path} holds no scores")
    return {name: math.nan if value is None else float(value) for name, value in said.items()}


def _equal(one: float | None, other: float | None) -> bool:
    return one == other or (one is not None and other is not None and math.isnan(one) and math.isnan(other))


def _near(then: float, now: float) -> bool:
    return _equal(then, now) or abs(now - then) <= SCORE * abs(then)


def _text(value: float | None) -> str:
    return "none" if value is None else f"{value:.6g}"


def of_seeds(score: float, others: Sequence[float], name: str) -> tuple[bool, str]:
    """Whether a score lies where a new seed's would, by Student's t prediction interval; and the sentence about it."""
    if len(others) < FEWEST:
        many = (
            f"{len(others)} other seed{'s' * (len(others) != 1)} of this config {'are' if len(others) != 1 else 'is'}"
        )
        return False, f"whether seeds would differ as much cannot be said: {many} finished, {FEWEST} are needed"
    told = summary(others)
    half = quantile(0.5 + LEVEL / 2, told.n - 1) * (told.sd or 0.0) * math.sqrt(1 + 1 / told.n)
    half += 1e-9 * abs(told.mean)  # seeds that are all alike
    inside = abs(score - told.mean) <= half
    interval = (
        f"[{told.mean - half:.4g}, {told.mean + half:.4g}], where {LEVEL:.0%} of new seeds lie by {told.n} others"
    )
    return inside, f"{name} {score:.4g} is {'within' if inside else 'outside'} {interval}"


def level(found: Sequence[Check], inside: bool) -> Level:
    """The strictest level that held."""
    if all(check.same for check in found):
        return "strict"
    if all(check.close for check in found if check.what != "weights"):
        return "numeric"
    return "statistical" if inside else "none"
