"""What tells two settings of one trainer apart, read from config.yaml only where there are two to tell apart."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from paralab.record.read import Run

BUDGETED = {"trainer.horizon", "budget.steps"}
COPIES = "problem.scenario."  # labels, seed, split, split_seed, select: what the root of the config says already
IDENTITY = (
    "problem", "trainer", "budget", "split_seed", "test_size", "folds", "select", "device", "threads", "compile",
    "repeat",
)  # fmt: skip  # not the fold: those of one seed make one unit


def variants(runs: Sequence[Run]) -> dict[str, str]:
    """A name for each config id of one trainer's runs: "" where all have one setting, else "C=10, select".

    Keys that follow from the budget name a variant only where they differ within one. A setting that is off
    (null, or false where none is null) goes without saying; one that is true is its key alone.
    """
    first: dict[str, Run] = {}
    for run in runs:
        first.setdefault(run.config_id, run)
    by_budget: dict[int | None, list[str]] = defaultdict(list)
    for config_id, run in first.items():
        by_budget[run.labels].append(config_id)
    held_by = {config_id: config(run.folder) for config_id, run in first.items()}
    settings = {config_id: flat(held, IDENTITY) for config_id, held in held_by.items()}
    if all(held.get("trainer.horizon") == held.get("budget.steps") for held in settings.values()):
        settings = {i: {k: v for k, v in held.items() if k != "trainer.horizon"} for i, held in settings.items()}
    within = {key for ids in by_budget.values() for key in _differing([settings[i] for i in ids])}
    keys = sorted(within | (_differing(list(settings.values())) - BUDGETED))
    told = {i: tuple(held.get(key, "unset") for key in keys) for i, held in settings.items()}
    off = ["null" if "null" in values else "false" for values in zip(*told.values(), strict=True)]
    names = {config_id: _name(keys, values, off) for config_id, values in told.items()}
    places = {i: (run.labels, names[i], str(held_by[i].get("fold"))) for i, run in first.items()}
    crowded = Counter(places.values())
    meant = Counter(name for name, _ in {(names[i], told[i]) for i in told})
    clashes = {i for i in told if crowded[places[i]] > 1 or meant[names[i]] > 1}
    return {
        config_id: f"{name} {config_id}".strip() if config_id in clashes else name for config_id, name in names.items()
    }


def config(folder: Path) -> Mapping[str, object]:
    """A run's resolved configuration; empty where it cannot be read."""
    import yaml

    try:
        data = yaml.load((folder / "config.yaml").read_bytes(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (OSError, ValueError, yaml.YAMLError):
        return {}
    return data if isinstance(data, dict) else {}


def flat(settings: Mapping[str, object], roots: Sequence[str] = ()) -> dict[str, str]:
    """{"trainer.C": "1.0", "select": "false"}: every setting below these root keys, or below all, as text."""
    return dict(_leaves(settings, "", roots))


def _leaves(settings: Mapping[str, object], prefix: str, roots: Sequence[str]) -> Iterator[tuple[str, str]]:
    for key, value in settings.items():
        path = f"{prefix}{key}"
        if (not prefix and roots and key not in roots) or path.startswith(COPIES):
            continue
        if isinstance(value, dict):
            yield from _leaves(value, f"{path}.", roots)
        else:
            yield path, "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _differing(settings: Sequence[Mapping[str, str]]) -> set[str]:
    keys = {key for setting in settings for key in setting}
    return {key for key in keys if len({setting.get(key) for setting in settings}) > 1}


def _name(keys: Sequence[str], values: Sequence[str], off: Sequence[str]) -> str:
    said = []
    for key, value, silent in zip(keys, values, off, strict=True):
        short = key.removeprefix("trainer.")
        if value != silent:
            said.append(short if value == "true" else f"{short}={value}")
    return ", ".join(said)
