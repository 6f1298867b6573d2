"""scikit-learn objects as bytes and files without pickle: skops, with a fixed list of trusted types."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from paralab.core import Array, Signature
from paralab.errors import Failed, Refused
from paralab.record.spaces import decode, encode
from paralab.trainers.trusted import TRUSTED

# skops lists all of scikit-learn when imported, and that would import torch: 1.5 s for what needs none.
_LISTED = "sklearn.externals.array_api_compat.torch"
_known = sys.modules.setdefault(_LISTED, None)  # type: ignore[arg-type]  # "not to be imported", for that one import
import skops.io  # noqa: E402
from skops.io.exceptions import UnsupportedTypeException, UntrustedTypesFoundException  # noqa: E402

if _known is None:
    del sys.modules[_LISTED]

LIBRARIES = ("joblib", "numpy", "pandas", "scipy", "sklearn")
BOOSTERS = ("catboost", "lightgbm", "xgboost")


def pack(estimator: BaseEstimator) -> Array:
    """Bytes of a fitted estimator as a uint8 array (n,); raises Failed for one that takes a pickle."""
    try:
        return np.frombuffer(skops.io.dumps(estimator), dtype=np.uint8).copy()
    except (UnsupportedTypeException, TypeError) as error:
        raise Failed(_unsaved(estimator, error)) from error


def unpack(data: Array, trust: Sequence[str] = ()) -> BaseEstimator:
    """The inverse of `pack`; raises Refused for a type that is neither on the list nor below a trusted prefix."""
    return _loads(data.tobytes(), trust, "state")


def again(estimator: BaseEstimator) -> BaseEstimator:
    """A fitted estimator as it will come back from disk, to the bit; raises as `pack`.

    Some arrays come back in another order of memory, and then products differ in the last bit (KernelRidge, 7e-15).
    """
    data = pack(estimator).tobytes()
    own = skops.io.get_untrusted_types(data=data)  # it was made here, in this process: there is nothing to distrust
    return skops.io.loads(data, trusted=own)


def write(folder: Path, estimator: BaseEstimator, signature: Signature, notes: Mapping[str, Any] | None = None) -> None:
    (folder / "estimator.skops").write_bytes(pack(estimator).tobytes())
    (folder / "signature.json").write_text(json.dumps({**encode(signature), **(notes or {})}))


def read(folder: Path, trust: Sequence[str] = ()) -> tuple[BaseEstimator, Signature]:
    """What `write` wrote; raises Refused as `unpack`."""
    file = folder / "estimator.skops"
    return _loads(file.read_bytes(), trust, str(file)), decode(json.loads((folder / "signature.json").read_text()))


def notes(folder: Path) -> Mapping[str, Any]:
    """What a model added to its signature, and the signature."""
    whole: Mapping[str, Any] = json.loads((folder / "signature.json").read_text())
    return whole


def _loads(data: bytes, trust: Sequence[str], where: str) -> BaseEstimator:
    try:
        return skops.io.loads(data, trusted=TRUSTED)
    except ModuleNotFoundError as error:
        package = str(error.name)
        source = "paralab[boosting]" if package in BOOSTERS else package
        raise Refused(f"{where} needs {package}, which is not installed: pip install {source}") from error
    except UntrustedTypesFoundException:
        found = skops.io.get_untrusted_types(data=data)
    others = [name for name in found if name not in TRUSTED]
    if strange := [name for name in others if not _below(name, trust)]:
        own = strange[0].partition(".")[0]
        if own in sys.stdlib_module_names:
            raise Refused(f"{where} holds a {strange[0]}, which no model is made of: do not use this file")
        if own in LIBRARIES:  # all of it is too much to trust: fetch_openml, load_files, what is imported there
            own = strange[0].rpartition(".")[0]
        raise Refused(f"{where} holds a {strange[0]}, which is not trusted; if you trust it, add --trust {own}.")
    if lies := [name for name in others if not _below(_home(name), trust)]:
        raise Refused(f"{where} holds a {lies[0]}, which is only imported there, and not trusted: do not use this file")
    return skops.io.loads(data, trusted=[*TRUSTED, *others])


def _home(name: str) -> str:
    """A trusted name by the module that it is of: what is imported there has another."""
    module, _, last = name.rpartition(".")
    try:
        found = vars(import_module(module))[last]
    except (ImportError, KeyError):
        return ""
    own = getattr(found, "__module__", None)
    return f"{own}.{last}" if isinstance(own, str) else ""


def _below(name: str, prefixes: Iterable[str]) -> bool:
    return name.startswith(tuple(f"{prefix.rstrip('.')}." for prefix in prefixes))


def _unsaved(estimator: BaseEstimator, error: Exception) -> str:
    reason = " ".join(str(error).split())
    return f"{type(estimator).__name__} cannot be saved without pickle ({reason}): pick another"
