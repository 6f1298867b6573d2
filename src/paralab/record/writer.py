"""record.json: written when a run begins, again when it ends, and scores.json last of all."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from paralab.record import files, log, monitor, provenance
from paralab.record.folder import SCORES
from paralab.record.holder import held
from paralab.record.identity import rule_digest
from paralab.record.plan import Plan

FORMAT = 1
DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)  # in C where libyaml is at hand: 1 ms instead of 8
# Still changing when the digests are taken; or drawn from the history, and whoever has seen the curves may delete them.
UNHASHED = ("record.json", "run.log", "checkpoint", "lock.json", SCORES, monitor.FOLDER)


def config_text(config: Mapping[str, Any]) -> str:
    """What config.yaml says: the same for the same config."""
    text: str = yaml.dump(dict(config), Dumper=DUMPER, sort_keys=False)
    return text


@dataclass
class Record:
    folder: Path
    facts: dict[str, Any]
    started: float  # monotonic: a clock set back must not give a negative duration

    @classmethod
    def begin(cls, plan: Plan, facts: Mapping[str, Any]) -> Record:
        """Write config.yaml and a record with status "running"."""
        folder, config = plan.folder, plan.config
        files.write(folder / "config.yaml", config_text(config).encode())
        if diff := provenance.dirty_diff():
            files.write(folder / "dirty.diff", diff.encode())
        else:
            (folder / "dirty.diff").unlink(missing_ok=True)
        asked = {key: config[key] for key in ("seed", "split_seed", "labels", "select", "split", "budget")}
        names = {
            "experiment": config["name"],
            "problem": plan.problem,
            "trainer": plan.trainer,
            "config_id": plan.config_id,
        }
        rule = config.get("decision")
        decision = None if rule is None else {"digest": rule_digest(rule), **rule}
        fresh = {"parent": None, "error": None, "ended": None}
        record = cls(
            folder,
            {"format": FORMAT, **names, **asked, "decision": decision, **facts, **fresh},
            time.monotonic(),
        )
        record.facts |= {"command": sys.argv, "started": _now(), "provenance": provenance.collect()}
        record._write("running")
        log.say(f"{plan.problem} {plan.trainer} seed {config['seed']} ({plan.config_id})")
        return record

    def note(self, **facts: Any) -> None:
        """Add to what is said of a run under way."""
        self.facts |= facts
        self._write("running")

    def end(
        self, status: str, error: str | None = None, scores: Mapping[str, float] | None = None, **facts: Any
    ) -> None:
        """Write how it ended; `scores`, where there are any, make the run finished."""
        wall = round(time.monotonic() - self.started, 6)
        self.facts |= {**facts, "error": error, "ended": _now(), "wall_seconds": wall}
        self.facts["files"] = files.digests(self.folder, leave_out=UNHASHED)
        if scores is not None:
            self.facts["files"][SCORES] = files.json_digest(scores)
        self._write(status)
        if scores is not None:
            files.write_json(self.folder / SCORES, scores)
        log.say(status)

    def _write(self, status: str) -> None:
        write_record(self.folder, {**self.facts, "status": status})


def write_record(place: Path, facts: Mapping[str, Any]) -> None:
    """Write record.json with `seal`, the digest of all else in it."""
    files.write_json(place / "record.json", {**facts, "seal": seal(facts)})


def seal(facts: Mapping[str, Any]) -> str:
    """The digest of what a record says, its own seal left out."""
    return files.json_digest({key: value for key, value in facts.items() if key != "seal"})


def bury(place: Path, why: str) -> None:
    """Record that the process which wrote the run in `place` is gone; nothing where its record says how it ended."""
    record = place / "record.json"
    if not record.is_file() or held(place):
        return
    facts = files.read_json(record)
    if facts["status"] == "running":
        write_record(place, {**facts, "status": "failed", "error": why, "ended": _now()})
        with log.to_file(place / "run.log"):
            log.say(f"failed: {why}")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
