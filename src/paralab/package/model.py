"""A model on disk: its own files, and a manifest that names its class and digests."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from paralab.core import Model
from paralab.errors import Failed
from paralab.package import manifest
from paralab.record import files, spaces
from paralab.trust import MODEL, resolve


def save_model(model: Model, folder: Path) -> None:
    """Write `model` into the new folder `folder`; the manifest last."""
    folder.mkdir(parents=True)
    model.save(folder)
    target = f"{type(model).__module__}.{type(model).__qualname__}"
    whole = {"_target_": target, "signature": spaces.encode(model.signature), "files": files.digests(folder)}
    files.write_json(folder / manifest.NAME, {"format": manifest.FORMAT, **whole})


def load_model(folder: Path, trust: Sequence[str] = ()) -> Model:
    """The model in `folder`; raises Failed where a file was changed, Refused where its class is not trusted."""
    whole = manifest.read(folder)
    found, said = files.digests(folder, leave_out=(manifest.NAME,)), whole.get("files")
    if not isinstance(said, dict):
        raise Failed(f"{folder / manifest.NAME} lists no files: it is not a model's manifest")
    if changed := sorted(name for name in {*found, *said} if found.get(name) != said.get(name)):
        raise Failed(
            f"{folder / changed[0]} does not match its digest: the model was changed or damaged after it was saved"
        )
    kind = resolve(whole, str(folder), MODEL, trust)
    assert isinstance(kind, type)
    assert issubclass(kind, Model)
    model = kind.load(folder, trust)
    if whole.get("signature") != json.loads(json.dumps(spaces.encode(model.signature))):
        raise Failed(f"{folder / manifest.NAME} tells of another signature than its model's: one of them was changed")
    return model
