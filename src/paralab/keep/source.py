"""The runs in a folder copied from another machine: a root, an experiment's folder or a run's own. Only read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from paralab.errors import Refused
from paralab.keep.walk import folders_in, seeds_in
from paralab.record import read
from paralab.record.folder import run_folder
from paralab.record.read import Json, Run

SPOKEN = ("record.json", "scores.json")  # read before any digest is
TELLING = ("manifest.jsonl", "study.json", "journal.log", "summary.json")  # of a sweep; the last three of a study
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]{0,127}")  # a folder's, which can neither leave its parent nor hide


@dataclass(frozen=True)
class Found:
    """A run of a source, and where it belongs here."""

    run: Run
    record: Json  # {} where `fault`
    target: Path
    fault: str = ""  # why it cannot be taken, in a line


@dataclass(frozen=True)
class Extras:
    """What lies beside an experiment's runs."""

    folder: Path
    name: str  # of the experiment here


def gather(source: Path, into: Path) -> tuple[list[Found], list[Extras]]:
    """All runs of `source` in a fixed order; raises Refused where it holds none, or lies where they are merged to."""
    try:
        return _gather(source, into)
    except OSError as error:
        raise Refused(f"{error.filename or source} cannot be read ({error.strerror})") from error


def _gather(source: Path, into: Path) -> tuple[list[Found], list[Extras]]:
    if not source.is_dir():
        raise Refused(f"{source} is no folder: give a root (experiments), an experiment's folder or a run's folder")
    if source.resolve().is_relative_to(into.resolve()):
        raise Refused(f"{source} lies in {into}, where runs are merged to: give folders of other machines, or --into")
    if (source / "record.json").is_file():
        return [_bare(source, into)], []
    own = [source] if (source / "runs").is_dir() else [each for each in folders_in(source) if (each / "runs").is_dir()]
    if not own:
        raise Refused(f"{source} holds no runs: give a root (experiments), an experiment's folder or a run's folder")
    runs, extras = [], []
    for folder in own:
        found = [_found(seed, into) for seed in seeds_in(folder / "runs")]
        names = {each.run.experiment for each in found if not each.fault} or {folder.name}
        runs += found
        extras += [Extras(folder, name) for name in names if len(names) == 1]
    return runs, extras


def _bare(folder: Path, into: Path) -> Found:
    """A run's folder given by itself: its record alone says what it is."""
    if not re.fullmatch(r"seed-[0-9]+", folder.name):
        raise Refused(f"{folder} is no run's folder: its name must be seed-N, as it was written")
    return _found(folder, into, bare=True)


def _found(folder: Path, into: Path, bare: bool = False) -> Found:
    """A run by its folder; its record says the experiment, and must agree with the folders above."""
    trainer = f"{folder.parents[2].name}/{folder.parents[1].name}" if len(folder.parents) > 3 else ""
    place = (folder.parents[3].name if trainer else "", trainer, folder.parent.name)
    linked = next((folder / name for name in SPOKEN if (folder / name).is_symlink()), None)
    if linked:
        return _unfit(folder, place, f"{linked} is a link, which is not followed")
    record = read.record_in(folder)
    if bare:
        place = (str(record.get("problem")), str(record.get("trainer")), str(record.get("config_id")))
    run = read.run_in(folder, str(record.get("experiment")), place)
    if run.status == "damaged":
        return _unfit(folder, place, run.error or "damaged")
    if not record:
        return Found(run, record, folder)
    names = [run.problem, *run.trainer.split("/"), run.config_id]
    if strange := next((name for name in names if not NAME.fullmatch(name)), None):
        return _unfit(folder, place, f"{folder / 'record.json'} names {strange!r}, which is no name of a folder")
    try:
        target = run_folder(into, run.experiment, run.problem, run.trainer, run.config_id, run.seed)
    except Refused as error:
        return _unfit(folder, place, f"{folder / 'record.json'}: {error}")
    return Found(run, record, target)


def _unfit(folder: Path, place: tuple[str, str, str], fault: str) -> Found:
    seed, experiment = int(folder.name.removeprefix("seed-")), "".join(each.name for each in folder.parents[5:6])
    return Found(Run(folder, experiment, *place, seed, "damaged", error=fault), {}, folder, fault)


def sweeps_in(extras: Extras) -> Iterator[Path]:
    """Folders of an experiment's sweeps and studies."""
    for sweep in folders_in(extras.folder / "sweeps"):
        if NAME.fullmatch(sweep.name) and telling(sweep):
            yield sweep


def telling(sweep: Path) -> list[Path]:
    """The files of a sweep that say what it was and how it went."""
    found = [sweep / name for name in TELLING]
    return [path for path in found if path.is_file() and not path.is_symlink()]
