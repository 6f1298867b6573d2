"""The run that a user names: its folder, or the beginning of experiment/config id/seed-n."""

from __future__ import annotations

from pathlib import Path

from paralab.audit.look import folders
from paralab.errors import Refused, closest
from paralab.record.read import experiments

MOST = 3  # runs named where several fit


def find(given: str, root: Path) -> Path:
    """A run's folder, wherever it was copied to; raises Refused where none, or more than one, is meant."""
    folder = Path(given)
    if folder.is_dir():
        if (folder / "record.json").is_file():
            return folder
        if folder.name in ("model", "model_last") and (folder.parent / "record.json").is_file():
            return folder.parent
        inside = next((path.parent for path in sorted(folder.rglob("seed-*/record.json"))), None)
        raise Refused(
            f"{folder} is no run folder; " + (f"{inside} is one" if inside else "`paralab runs --json` names all")
        )
    experiment, _, rest = given.strip("/").partition("/")
    known = experiments(root)
    if experiment not in known:
        hint = closest(experiment, known)
        raise Refused(f"{given}: there is no such run folder, nor an experiment '{experiment}' in {root}. {hint}")
    config_id, _, seed = rest.partition("/")
    seed = seed.removeprefix("seed-")
    own = [path for path in folders(root, experiment) if path.parent.name.startswith(config_id)]
    found = [path for path in own if seed in ("", path.name.removeprefix("seed-"))]
    if len(found) == 1:
        return found[0]
    if not found:
        raise Refused(f"{given}: no run of {experiment} begins so; `paralab runs {experiment} --json` names them all")
    such = ", ".join(f"{experiment}/{path.parent.name}/{path.name}" for path in found[:MOST])
    raise Refused(f"{given} fits {len(found)} runs: name one, such as {such}")
