"""Where an experiment's figures come from: code, packages and machines, as the finished runs recorded them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from paralab.compare.gather import of_tuning
from paralab.record.read import Run
from paralab.report.advice import counts

SHOWN = ("paralab", "numpy", "scipy", "scikit-learn", "torch", "stable-baselines3", "gymnasium")  # they move figures
DIGITS = 12  # of a digest


def provenance(runs: Sequence[Run]) -> list[tuple[str, str]]:
    """(what, value), where it is known; several values are all named."""
    finished = [run for run in runs if run.status == "finished" and not of_tuning(run)]
    seeds = sorted({run.seed for run in finished})
    held = [run.provenance for run in finished]
    facts = [
        ("runs", counts(runs)),
        ("seeds", ranges(seeds)),
        ("git commit", _named(_within(each, "git", "commit")[:DIGITS] for each in held)),
        ("working tree", _named(map(_dirty, held))),
        ("lock", _named(str(each.get("lock") or "")[:DIGITS] for each in held)),
        ("Python", _named(str(each.get("python") or "") for each in held)),
        ("system", _named(str(each.get("os") or "") for each in held)),
        ("CPU", _named(_within(each, "cpu", "model") for each in held)),
        ("threads", _named(map(_threads, held))),
        ("ATen", _named(_within(each, "threads", "aten") for each in held)),
    ]
    facts += [(kind, _named(_within(each, "packages", kind) for each in held)) for kind in SHOWN]
    return [(kind, value) for kind, value in facts if value]


def recorded(folder: Path) -> Mapping[str, object]:
    """A run's record.json; empty where it cannot be read."""
    try:
        record = json.loads((folder / "record.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}


def ranges(seeds: Sequence[int]) -> str:
    """ "0 to 4", or all of them."""
    if len(seeds) > 2 and seeds[-1] - seeds[0] == len(seeds) - 1:
        return f"{seeds[0]} to {seeds[-1]}"
    return ", ".join(map(str, seeds))


def _within(facts: Mapping[str, object], group: str, name: str) -> str:
    inside = facts.get(group)
    value = inside.get(name) if isinstance(inside, dict) else None
    return "" if value is None else str(value)


def _dirty(facts: Mapping[str, object]) -> str:
    """Only a commit can be changed against."""
    if not _within(facts, "git", "commit"):
        return ""
    return "with changes" if _within(facts, "git", "dirty") == "True" else "clean"


def _threads(facts: Mapping[str, object]) -> str:
    """ "openblas 1, openmp 1, torch 1": the counts that move figures."""
    threads = facts.get("threads")
    if not isinstance(threads, dict):
        return ""
    pools = threads.get("pools")
    listed = [each for each in pools if isinstance(each, dict)] if isinstance(pools, list) else []
    said = sorted({f"{each.get('internal_api')} {each.get('num_threads')}" for each in listed})
    if "torch" in threads:
        said.append(f"torch {threads['torch']}")
    return ", ".join(said)


def _named(values: Iterable[str]) -> str:
    """Each value once; alternatives are set apart by a semicolon, as one may hold commas."""
    return "; ".join(sorted({value for value in values if value}))
