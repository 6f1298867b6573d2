"""What lies beside the runs of a source: sweeps, studies and a README.md."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from paralab.keep.copying import copy, incoming
from paralab.keep.source import Extras, sweeps_in, telling
from paralab.record import files
from paralab.record.holder import held
from paralab.record.read import Damage


def bring_extras(extras: Sequence[Extras], into: Path, arrived: Collection[str], dry: bool) -> Iterator[str]:
    """Sweeps, and a README.md where there is none, of the experiments that `arrived`; a line about each."""
    for each in extras:
        readme = each.folder / "README.md"
        here = [readme] if readme.is_file() and not readme.is_symlink() else []
        for thing in (*here, *sweeps_in(each)) if each.name in arrived else ():
            try:
                if said := _bring(thing, into / each.name / thing.relative_to(each.folder), dry):
                    yield said
            except (OSError, Damage) as error:
                yield f"{thing} was left: {error}"


def _bring(thing: Path, target: Path, dry: bool) -> str:
    """Copy a README.md, or a sweep's folder; what became of it, "" where it is here."""
    folder = thing.is_dir()
    if folder and held(thing):
        return f"{thing} is being written: left as it is"
    told = _told(thing)
    if target.exists():
        return f"{target} differs from {thing}: left as it is" if folder and told != _told(target) else ""
    if dry:
        return f"{target} would come along"
    if not folder:
        files.write(target, thing.read_bytes())
        return f"{target} came along"
    with incoming(target.parents[1] / "runs") as place:
        copy(thing, place / target.name, told)
        target.parent.mkdir(exist_ok=True)
        (place / target.name).rename(target)
        files.sync_folder(target.parent)
    return f"{target} came along"


def _told(thing: Path) -> dict[str, str]:
    return {path.name: files.digest(path) for path in telling(thing)}
