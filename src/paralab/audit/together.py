"""The runs of an experiment held against each other: seeds, test rows, tuning, what was planned."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from paralab.audit.look import Looked
from paralab.audit.sealed import Fault
from paralab.record import files
from paralab.seeds import TUNING

MOST = 6  # seeds named


def missing_seeds(looked: Sequence[Looked]) -> Iterator[Fault]:
    """Configs of a problem, split and label budget that lack seeds which another has; a run that failed is none."""
    cells: dict[tuple[str, str, str], dict[tuple[str, str], set[int]]] = defaultdict(lambda: defaultdict(set))
    for each in looked:
        if not each.tuning and each.run.status != "damaged":
            run = each.run
            labels = "all" if run.labels is None else str(run.labels)
            cells[run.problem, run.split, labels][run.trainer, run.config_id].add(run.seed)
    for each in looked:  # told of already; its labels and split are those of its config's other runs
        for (problem, _, _), configs in cells.items():
            key = (each.run.trainer, each.run.config_id)
            if each.run.status == "damaged" and problem == each.run.problem and key in configs:
                configs[key].add(each.run.seed)
    for (problem, _, labels), configs in sorted(cells.items()):
        wanted = set().union(*configs.values())
        for (trainer, config_id), seeds in sorted(configs.items()):
            if lacking := sorted(wanted - seeds):
                where = f"{problem} {trainer} {config_id} at labels={labels}"
                yield Fault("seeds", where, f"lacks {named(lacking)}, which others have")


def unpaired(looked: Sequence[Looked]) -> Iterator[Fault]:
    """Configs that were tested on other rows, or other data, than most are at the same seed."""
    groups: dict[tuple[str, str, str, int], list[Looked]] = defaultdict(list)
    for each in looked:
        if each.rows and not each.tuning:
            groups[each.run.problem, each.run.split, each.fold, each.run.seed].append(each)
    off: dict[tuple[str, str, str, str], list[int]] = defaultdict(list)
    for (problem, _, _, seed), group in groups.items():
        for what, told in (("data", [each.data for each in group]), ("test rows", [each.rows for each in group])):
            usual = max(Counter(told).items(), key=lambda item: (item[1], item[0]))[0]
            for each, its in zip(group, told, strict=True):
                if its != usual:
                    off[problem, each.run.trainer, each.run.config_id, what].append(seed)
    for (problem, trainer, config_id, what), seeds in sorted(off.items()):
        where = f"{problem} {trainer} {config_id}"
        yield Fault("unpaired", where, f"has other {what} than the other methods at {named(sorted(set(seeds)))}")


def tuned(looked: Sequence[Looked], home: Path) -> Iterator[Fault]:
    """Report runs that test on rows which their own tuning saw; studies that report tuning seeds."""
    rows: dict[tuple[str, str, str, str], tuple[set[str], set[str]]] = defaultdict(lambda: (set(), set()))
    for each in looked:
        if each.rows and each.data:  # episodes of tuning and of the report have seeds of their own
            run = each.run
            rows[run.problem, run.trainer, run.config_id, each.fold][each.tuning].add(each.rows)
    for (problem, trainer, config_id, _), (reported, of_tuning) in sorted(rows.items()):
        if reported and of_tuning and len(reported | of_tuning) > 1:
            where = f"{problem} {trainer} {config_id}"
            yield Fault("tuning", where, "was tuned on rows that its report tests on: split_seed must be fixed")
    for path in sorted(home.glob("sweeps/*/summary.json")):
        try:
            winners = [Path(run).name for run in files.read_json(path)["winner"]["runs"]]
            seeds = [int(name.removeprefix("seed-")) for name in winners]
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            yield Fault("changed", str(path), "cannot be read")
            continue
        if kept := sorted(seed for seed in seeds if seed >= TUNING):
            yield Fault("tuning", str(path), f"reports on tuning {named(kept)}")


def planned(looked: Sequence[Looked], home: Path) -> Iterator[Fault]:
    """Runs that a sweep's manifest names and that are not there; manifests that are not what they were."""
    there = {(each.run.problem, each.run.trainer, each.run.config_id, each.run.seed) for each in looked}
    for path in sorted(home.glob("sweeps/*/manifest.jsonl")):
        try:
            data = path.read_bytes()
            if hashlib.sha256(data).hexdigest()[:12] != path.parent.name:
                yield Fault("changed", str(path), "is not what was planned: its folder's name is its digest")
                continue
            rows = [json.loads(line) for line in data.splitlines()]
            name = rows[0]["config"]["name"]
            runs = [
                (row["problem"], row["trainer"], row["config_id"], row["config"]["seed"])
                for row in rows if row["config"]["name"] == name
            ]  # fmt: skip
        except (OSError, ValueError, KeyError, TypeError, LookupError) as error:
            yield Fault("changed", str(path), f"cannot be read: {error}")
            continue
        if lacking := [run for run in runs if run not in there]:
            problem, trainer, config_id, seed = lacking[0]
            such = f"{problem} {trainer} {config_id} seed {seed}" + (" and others" if len(lacking) > 1 else "")
            yield Fault("planned", str(path.parent), f"lacks {len(lacking)} of {len(runs)} runs planned: {such}")


def named(seeds: Sequence[int]) -> str:
    told = ", ".join(map(str, seeds[:MOST]))
    more = f" and {len(seeds) - MOST} more" if len(seeds) > MOST else ""
    return f"seed{'s' * (len(seeds) > 1)} {told}{more}"
