"""scikit-learn objects as bytes and files without pickle: skops, with a fixed list of trusted types."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from sklearn.base import BaseEstimator

from paralab.core import Array, Signature
from paralab.record.spaces import decode, encode

# skops lists all of scikit-learn when imported, and that would import torch: 1.5 s for what needs none.
_LISTED = "sklearn.externals.array_api_compat.torch"
_known = sys.modules.setdefault(_LISTED, None)  # type: ignore[arg-type]  # "not to be imported", for that one import
import skops.io  # noqa: E402

if _known is None:
    del sys.modules[_LISTED]

# All that skops 0.16 does not trust by itself in the estimators of this lab; both are plain arrays with a class name.
TRUSTED = [
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.Tree",
]


def pack(estimator: BaseEstimator) -> Array:
    """Bytes of a fitted estimator as a uint8 array (n,)."""
    return np.frombuffer(skops.io.dumps(estimator), dtype=np.uint8).copy()


def unpack(data: Array) -> BaseEstimator:
    """The inverse of `pack`; raises skops' UntrustedTypesFoundException for any other type inside."""
    return skops.io.loads(data.tobytes(), trusted=TRUSTED)


def write(folder: Path, estimator: BaseEstimator, signature: Signature) -> None:
    skops.io.dump(estimator, folder / "estimator.skops")
    (folder / "signature.json").write_text(json.dumps(encode(signature)))


def read(folder: Path) -> tuple[BaseEstimator, Signature]:
    signature = decode(json.loads((folder / "signature.json").read_text()))
    return skops.io.load(folder / "estimator.skops", trusted=TRUSTED), signature
