"""Which rule an experiment has declared, and whether that was before its first run: what its YAML and its runs say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paralab.catalog import folders, names
from paralab.compare.rule import Rule, carried, digest, plain, rule_of, rules_of
from paralab.record import files
from paralab.record.read import Run


@dataclass(frozen=True)
class Declared:
    rule: Rule
    changed: str | None  # a line; None where every run was begun under this very rule


def declared(root: Path, experiment: str, runs: Sequence[Run]) -> Declared | None:
    """The rule of conf/experiment/<experiment>.yaml, where there is none that of the newest run that carries one.

    None where neither states one; raises Refused for a YAML that does not compose.
    """
    rule = of_yaml(experiment) or _of_newest(runs)
    return None if rule is None else Declared(rule, changed(rule, runs, replaced(root, experiment)))


def of_yaml(experiment: str) -> Rule | None:
    """What the experiment's own YAML states now; None where it states none, or there is no such YAML."""
    if experiment not in names("experiment", folders()):
        return None
    from hydra.types import RunMode
    from omegaconf import OmegaConf

    from paralab.compose import compose, loader

    config = compose(loader(), [f"experiment={experiment}"], RunMode.MULTIRUN)
    if config.name != experiment or config.decision is None:
        return None
    node: Any = OmegaConf.to_container(config.decision, resolve=True)
    return rule_of(node)


def changed(rule: Rule, runs: Sequence[Run], before: Sequence[Mapping[str, object]] = ()) -> str | None:
    """What there is to say of runs that were not begun under `rule`; `before`: records of runs replaced since."""
    carriers = rules_of(runs)
    total = sum(map(len, carriers.values()))
    told: list[str] = []
    for stamp, others in sorted(carriers.items(), key=lambda item: min(run.started for run in item[1])):
        if stamp is None:
            first = _is_first(others, runs)
            when = "declared after the first run" if first else "not stamped into all runs"
            told.append(f"{when}: {len(others)} of {total} runs carry no rule")
        elif stamp != digest(rule):
            node = {key: value for key, value in (others[0].decision or {}).items() if key != "digest"}
            told.append(
                f"changed after the first run: {len(others)} of {total} runs carry {stamp[:12]} ({_apart(node, rule)})"
            )
    replaced_others = [stamp for stamp in before if carried(_stamp(stamp)) != digest(rule)]
    if replaced_others:
        told.append(f"{len(replaced_others)} more under another rule, or none, were replaced since")
    return "; ".join(told) or None


def replaced(root: Path, experiment: str) -> list[Mapping[str, object]]:
    """Records of the runs that force=true moved away: a rule that was changed before they ran again still shows."""
    found: list[Mapping[str, object]] = []
    for path in sorted((root / experiment / "runs" / ".replaced").glob("*/*/*/*/*/seed-*/record.json")):
        try:
            record = files.read_json(path)
        except (OSError, ValueError):
            continue
        if isinstance(record, dict):
            found.append(record)
    return found


def _of_newest(runs: Sequence[Run]) -> Rule | None:
    carriers = [run for run in runs if run.decision is not None]
    if not carriers:
        return None
    newest = max(carriers, key=lambda run: (run.started, run.folder))
    return rule_of({key: value for key, value in (newest.decision or {}).items() if key != "digest"})


def _is_first(some: Sequence[Run], runs: Sequence[Run]) -> bool:
    return min(run.started for run in some) == min(run.started for run in runs if run.started)


def _stamp(record: Mapping[str, object]) -> Mapping[str, object] | None:
    stamp = record.get("decision")
    return stamp if isinstance(stamp, dict) else None


def _apart(old: Mapping[str, object], rule: Rule) -> str:
    """ "at_least 0.0, now 0.01"."""
    new = plain(rule)
    keys = [key for key in new if old.get(key) != new[key]]
    return ", ".join(f"{key} {old.get(key)}, now {new[key]}" for key in keys)
