"""The units of a test: one score a seed and method, and what those seeds share, by which the test is chosen."""

from __future__ import annotations

import zipfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from paralab.compare.gather import Block, Budget
from paralab.compare.variants import config, flat
from paralab.record.read import Run
from paralab.statistics.defaults import fold_ratio, split_ratio

Kind = Literal["splits", "fixed test", "folds", "independent"]
RETURNS = ("return", "success", "length")  # what only episodes are scored by
RESPLIT = ("holdout", "group", "cv")  # follow the seed, unless split_seed is given
JUDGING = ("objective", "probe", "bounds", "solved")  # settings of a problem that leave its rows as they are
TEST_SIZE, FOLDS = 0.3, 5  # of runs whose config is from before these could be set


@dataclass(frozen=True, eq=False)
class Units:
    """Scores of several methods at one label budget, one row a seed."""

    methods: tuple[str, ...]
    seeds: tuple[int, ...]
    scores: NDArray[np.float64]  # (seeds, methods), NaN where there is no run
    kind: Kind  # what seeds share: overlapping splits, one fixed test set, the rows of all folds, or nothing
    ratio: float | None  # of splits and folds: test rows over the rows that two training sets share
    about: str  # what an interval over these seeds is about
    tested: tuple[tuple[str, str], ...]  # a method: what it was tested on, and the data's digest where it is known
    folds: tuple[Mapping[int, tuple[float, ...]], ...] = ()  # a method: the scores of each seed's folds

    def column(self, method: int) -> dict[int, float]:
        """The seeds that a method has, with their scores."""
        scores = self.scores[:, method].tolist()
        return {seed: score for seed, score in zip(self.seeds, scores, strict=True) if score == score}

    def matched(self, one: int, other: int) -> bool:
        """Whether two methods were tested on the same rows or episodes, seed by seed."""
        (rows, data), (others, other_data) = self.tested[one], self.tested[other]
        return rows == others and (data == other_data or not data or not other_data)


@dataclass(frozen=True)
class Drawn:
    """What scenario.npz of a run says."""

    shown: int  # rows not tested on
    test: int
    episodes: bool
    data: str  # digest


def names(block: Block) -> tuple[str, ...]:
    """One for each method; led by its paradigm where two would be called the same."""
    crowded = Counter(method.name for method in block.methods)
    return tuple(m.name if crowded[m.name] == 1 else f"{m.paradigm}/{m.name}" for m in block.methods)


def table(block: Block, budget: Budget) -> Units:
    """The methods that have runs at this budget; raises ValueError where none has."""
    held = [
        (name, m, m.cells[budget]) for name, m in zip(names(block), block.methods, strict=True) if budget in m.cells
    ]
    if not held:
        raise ValueError(f"no method of {block.problem} has runs at labels={budget}")
    cells = [cell for _, _, cell in held]
    seeds = sorted({seed for cell in cells for seed in cell.seeds})
    row = {seed: place for place, seed in enumerate(seeds)}
    scores = np.full((len(seeds), len(cells)), np.nan)
    for place, cell in enumerate(cells):
        scores[[row[seed] for seed in cell.seeds], place] = cell.values
    settings = [config(cell.runs[0].folder) for cell in cells]
    scenarios = [drawn(cell.runs[0]) for cell in cells]
    kind = _kind(block, settings[0], next((each for each in scenarios if each is not None), None))
    return Units(
        tuple(name for name, _, _ in held), tuple(seeds), scores, kind,
        _ratio(kind, settings[0], scenarios), _about(kind, block.split, budget),
        tuple((_tested(each), "" if found is None else found.data)
              for each, found in zip(settings, scenarios, strict=True)),
        tuple(dict(zip(cell.seeds, cell.folds, strict=True)) if cell.folds else {} for cell in cells),
    )  # fmt: skip


def drawn(run: Run) -> Drawn | None:
    """None where it was not kept or cannot be read."""
    try:
        with np.load(run.folder / "scenario.npz", allow_pickle=False) as kept:
            size = {name: len(kept[name]) for name in ("train", "valid", "test") if name in kept.files}
            digest = kept["data"].tobytes().hex() if "data" in kept.files else ""
            episodes = "test_seeds" in kept.files
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile):
        return None
    return Drawn(size.get("train", 0) + size.get("valid", 0), size.get("test", 0), episodes, digest)


def _kind(block: Block, settings: Mapping[str, object], found: Drawn | None) -> Kind:
    if block.objective in RETURNS or (found is not None and found.episodes):
        return "independent"
    if block.split in RESPLIT and settings.get("split_seed") is None:
        return "folds" if block.split == "cv" else "splits"
    return "fixed test"


def _ratio(kind: Kind, settings: Mapping[str, object], scenarios: list[Drawn | None]) -> float | None:
    """Of folds it belongs to the differences of single folds: the means of a seed's folds hardly vary."""
    if kind == "folds":
        folds = settings.get("folds", FOLDS)
        return fold_ratio(folds if isinstance(folds, int) and folds > 1 else FOLDS)
    if kind != "splits":
        return None
    sizes = [(each.test, each.shown) for each in scenarios if each is not None and each.test and each.shown]
    if sizes:
        return max(split_ratio(test, shown) for test, shown in sizes)
    share = settings.get("test_size", TEST_SIZE)
    share = share if isinstance(share, float) and 0 < share < 1 else TEST_SIZE
    return split_ratio(share, 1 - share)


def _about(kind: Kind, split: str, budget: Budget) -> str:
    labels = "" if budget is None else ", new labels"
    return {
        "splits": f"a new split of these rows{labels}, a new training seed",
        "folds": f"new folds of these rows{labels}, a new training seed",
        "fixed test": f"{'new labels, ' if labels else ''}a new training seed; the {_rows(split)} stay",
        "independent": "a new training seed and new episodes",
    }[kind]


def _rows(split: str) -> str:
    return "rows" if split == "all" else "test rows"


def _tested(settings: Mapping[str, object]) -> str:
    """Equal for two runs of a seed that are tested on the same rows or episodes."""
    problem = settings.get("problem")
    asked = {k: v for k, v in problem.items() if k not in JUDGING} if isinstance(problem, dict) else {}
    split = {
        "split": settings.get("split"), "split_seed": settings.get("split_seed"),
        "test_size": settings.get("test_size", TEST_SIZE), "folds": settings.get("folds", FOLDS),
    }  # fmt: skip
    return repr(sorted(flat({"problem": asked, **split}).items()))
