"""One run's files against the digests in its record, the record against its own seal and against the config.

Nothing vouches for run.log and tensorboard/.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from paralab.record import files
from paralab.record.checkpoint import FORMAT
from paralab.record.folder import SCORES
from paralab.record.read import Json
from paralab.record.writer import UNHASHED, config_text, seal
from paralab.seeds import STREAMS, integer

Kind = Literal[
    "changed",
    "missing",
    "foreign",
    "record",
    "checkpoint",
    "unfinished",
    "seeds",
    "planned",
    "tuning",
    "unpaired",
    "rule",
]
ALTERED: tuple[Kind, ...] = ("changed", "missing", "record")  # what a run says is no longer what it said at its end
COPIED = ("seed", "split_seed", "labels", "select", "split", "budget", "decision")  # into record.json from config.yaml
CHUNK = 1 << 20  # bytes read at a time


@dataclass(frozen=True)
class Fault:
    kind: Kind
    where: str  # a path, or what is compared
    what: str

    def __str__(self) -> str:
        return f"{self.where} {self.what}"


def faults(folder: Path, record: Json, finished: bool = True) -> list[Fault]:
    """What is wrong with the files of a run that has ended; never raises for what it reads."""
    said = record.get("files")
    if not isinstance(said, dict) or (finished and SCORES not in said):
        if not finished:
            return []
        return [Fault("record", str(folder / "record.json"), f"holds no digest of {SCORES}")]
    return [
        *_unlike(folder, said),
        *_checkpoints(folder, record),
        *_broken(folder, record),
        *(_contradictions(folder, record) if finished else ()),
    ]


def _broken(folder: Path, record: Json) -> Iterator[Fault]:
    path = folder / "record.json"
    if "seal" not in record:
        yield Fault("record", str(path), "holds no seal: an older paralab wrote it, or it was changed")
    elif record["seal"] != seal(record) or files.json_digest(record) != _digest(path):
        yield Fault("record", str(path), "does not match its own seal: it was changed after it was written")


def _unlike(folder: Path, said: Json) -> Iterator[Fault]:
    there = dict(_below(str(folder)))
    for name, digest in said.items():
        linked = there.pop(name, None)
        if linked is None:
            yield Fault("missing", str(folder / name), "is missing")
        elif linked:
            yield Fault("changed", str(folder / name), "is a link, not the file that was written")
        elif (found := _digest(folder / name)) != digest:
            unread = "" if len(found) == 64 else f" ({found})"
            yield Fault("changed", str(folder / name), f"does not match its digest{unread}")
    for name in there:
        top = name.split("/")[0]
        if top not in UNHASHED and not (top.startswith(".") and top == name):
            yield Fault("foreign", str(folder / name), "is none of the run's files")


def _below(folder: str, prefix: str = "") -> Iterator[tuple[str, bool]]:
    """Every file by its name in the run's folder, and whether it is a link, which is not followed."""
    try:
        with os.scandir(folder) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return
    for entry in found:
        if entry.is_dir(follow_symlinks=False):
            yield from _below(entry.path, f"{prefix}{entry.name}/")
        else:
            yield f"{prefix}{entry.name}", not entry.is_file(follow_symlinks=False)


def _digest(path: Path) -> str:
    """SHA-256 of a file, read in chunks; why it cannot be had where it cannot."""
    said = hashlib.sha256()
    try:
        with path.open("rb", buffering=0) as file:
            while chunk := file.read(CHUNK):
                said.update(chunk)
    except OSError as error:
        return error.strerror or str(error)
    return said.hexdigest()


def _checkpoints(folder: Path, record: Json) -> Iterator[Fault]:
    """Checkpoints vouch for themselves: a manifest in each has the digests of its files."""
    home = folder / "checkpoint"
    for step in sorted(home.glob("step-*")) if home.is_dir() else []:
        try:
            whole = _is_whole(step, record)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            whole = False
        if not whole:
            yield Fault("checkpoint", str(step), "is damaged; delete it, or what goes on from it starts before it")


def _is_whole(step: Path, record: Json) -> bool:
    manifest = files.read_json(step / "manifest.json")
    provenance = record.get("provenance")
    packages = provenance["packages"] if isinstance(provenance, dict) else {}
    versions = {name.replace("_", "-"): version for name, version in packages.items()}
    said = (manifest["format"], manifest["config_id"], manifest["step"])
    return (
        said == (FORMAT, record.get("config_id"), int(step.name[5:]))
        and all(versions.get(name) == version for name, version in manifest["versions"].items())
        and {name: _digest(step / name) for name, _ in _below(str(step)) if name != "manifest.json"}
        == manifest["files"]
        and files.json_digest(manifest) == _digest(step / "manifest.json")
    )


def _contradictions(folder: Path, record: Json) -> Iterator[Fault]:
    """Where the record's settings are not the config's, or its seeds not those that follow from its seed."""
    try:
        text = (folder / "config.yaml").read_text()
    except (OSError, ValueError):
        return  # said already
    where = str(folder / "record.json")
    for key, value in (("name", record.get("experiment")), *((key, record.get(key)) for key in COPIED)):
        if key == "decision" and isinstance(value, dict):
            value = {name: each for name, each in value.items() if name != "digest"}
        if (value is not None or key != "decision") and not _says(text, key, json.dumps(value)):
            yield Fault("record", where, f"tells of another {key} than config.yaml")
    named = re.search(r"^  objective: (\S+)$", text.partition("\ntrainer:")[0], re.MULTILINE)
    if named and named[1] not in ("null", record.get("objective")):
        yield Fault("record", where, "tells of another objective than config.yaml")
    seed, seeds = record.get("seed"), record.get("seeds")
    if not (
        isinstance(seed, int) and isinstance(seeds, dict) and seeds == {k: v for k, v in _seeds(seed) if k in seeds}
    ):
        yield Fault("record", where, "names seeds that do not follow from its seed")
    if record.get("steps") != _last_step(folder / "history.jsonl"):
        yield Fault("record", where, "tells of another last step than history.jsonl")


@lru_cache(maxsize=4096)
def _block(key: str, value: str) -> str:
    return f"\n{config_text({key: json.loads(value)})}"


def _says(text: str, key: str, value: str) -> bool:
    """Whether a config.yaml gives this value; parsed, which takes 2 ms, only where its text is not the expected one."""
    if _block(key, value) in f"\n{text}":
        return True
    import yaml

    try:
        found = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (ValueError, yaml.YAMLError):
        return False
    return isinstance(found, dict) and found.get(key) == json.loads(value)


@lru_cache(maxsize=4096)
def _seeds(seed: int) -> tuple[tuple[str, int], ...]:
    return tuple((stream, integer(seed, stream)) for stream in STREAMS) if seed >= 0 else ()


def _last_step(path: Path) -> object:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 65_536))
            return json.loads(file.read().splitlines()[-1])["step"]
    except (OSError, ValueError, LookupError, TypeError):
        return None
