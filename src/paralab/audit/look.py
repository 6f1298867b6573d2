"""One run looked at for `verify`: its own faults, and what it takes to hold it against the others."""

from __future__ import annotations

import hashlib
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from paralab.audit.sealed import Fault, faults
from paralab.record import files, read
from paralab.record.folder import SCORES
from paralab.record.identity import rule_digest
from paralab.record.read import Json, Run
from paralab.seeds import TUNING

ENDED = {"failed": "failed", "diverged": "diverged", "interrupted": "was interrupted", "running": "is still running"}


@dataclass(frozen=True)
class Looked:
    run: Run  # without its provenance, of which 10,000 would take hundreds of megabytes
    faults: tuple[Fault, ...]
    files: int
    machine: str  # digest of its provenance
    fold: str  # of cross-validation
    rows: str  # digest of what it was tested on; "" where unknown
    data: str  # digest of the data; "" where there is none

    @property
    def tuning(self) -> bool:
        return self.run.seed >= TUNING


@dataclass
class Seen:
    """What many runs share, kept once."""

    machines: dict[str, Json] = field(default_factory=dict)  # provenance by its digest
    scenarios: dict[str, tuple[str, str]] = field(default_factory=dict)  # test rows and data by scenario.npz's digest


def folders(root: Path, experiment: str) -> list[Path]:
    """Run folders of an experiment, in a fixed order."""
    found = (root / experiment / "runs").glob("[!.]*/[!.]*/[!.]*/[!.]*/seed-*")
    return sorted(path for path in found if path.name[5:].isdecimal() and path.is_dir())


def look(folder: Path, experiment: str, seen: Seen) -> Looked:
    """Check one run; never raises for what it reads."""
    place = (folder.parents[3].name, f"{folder.parents[2].name}/{folder.parents[1].name}", folder.parent.name)
    run, record = read.run_in(folder, experiment, place), read.record_in(folder)
    finished = run.status == "finished"
    found = [] if run.status == "damaged" else faults(folder, record, finished)
    found += _of_itself(run, record)
    said = record.get("files")
    digests: Json = said if isinstance(said, dict) else {}
    machine = files.json_digest(record.get("provenance"))
    seen.machines.setdefault(machine, {key: record.get(key) for key in ("provenance", "device")})
    kept = finished and not any(fault.where == str(folder / "scenario.npz") for fault in found)
    rows, data = _tested(folder, str(digests.get("scenario.npz")), seen) if kept else ("", "")
    if kept and data != str(record.get("data") or ""):
        found.append(Fault("record", str(folder / "record.json"), "tells of other data than scenario.npz"))
    return Looked(replace(run, provenance={}), tuple(found), len(digests), machine, _fold(folder, run), rows, data)


def _of_itself(run: Run, record: Json) -> list[Fault]:
    where, found = str(run.folder), list[Fault]()
    if run.status == "damaged":
        found.append(Fault("record", where, f"is damaged: {run.error}"))
    elif run.status == "interrupted" and record.get("status") == "finished":
        found.append(Fault("missing", str(run.folder / SCORES), "is missing, though its record says finished"))
    elif run.status in ENDED:
        found.append(Fault("unfinished", where, ENDED[run.status] + (f": {run.error}" if run.error else "")))
    if run.seed >= TUNING and (_tests(run.scores) or (run.folder / "predictions.npz").exists()):
        found.append(Fault("tuning", where, "is a tuner's run, and was scored on test rows"))
    if run.decision is not None:
        rule = {key: value for key, value in run.decision.items() if key != "digest"}
        if _digest_of(rule) != run.decision.get("digest"):
            found.append(Fault("rule", where, "carries a rule that is not the one its digest is of"))
    return found


def _digest_of(rule: Json) -> str:
    try:
        return rule_digest(rule)
    except (ValueError, TypeError):
        return ""


def _tests(scores: Mapping[str, float]) -> bool:
    return any(name.startswith(("test/", "test_last/")) for name in scores)


def _fold(folder: Path, run: Run) -> str:
    """Each fold has test rows of its own."""
    if run.split != "cv":
        return ""
    try:
        said = re.search(r"^fold: (\S+)$", (folder / "config.yaml").read_text(), re.MULTILINE)
    except (OSError, ValueError):
        return ""
    return said[1] if said else ""


def _tested(folder: Path, digest: str, seen: Seen) -> tuple[str, str]:
    """Digests of the test rows (or of the seeds of the test episodes) and of the data, as scenario.npz has them."""
    if digest not in seen.scenarios:
        try:
            with np.load(folder / "scenario.npz", allow_pickle=False) as kept:
                name = next((name for name in ("test", "test_seeds") if name in kept.files), None)
                rows = "" if name is None else hashlib.sha256(np.ascontiguousarray(kept[name]).tobytes()).hexdigest()
                seen.scenarios[digest] = rows, kept["data"].tobytes().hex() if "data" in kept.files else ""
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return "", ""
    return seen.scenarios[digest]
