"""The digest of a model's weights: of the same model written twice, the same."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

from paralab.package.manifest import NAME
from paralab.record import files

MODELS = ("model", "model_last")
SCHEMA = "schema.json"  # of a skops file


def digests(run: Path) -> dict[str, str]:
    """SHA-256 by file of a run's model folders, but for their manifests, which only tell of the others."""
    found: dict[str, str] = {}
    for model in MODELS:
        inside = sorted(path for path in (run / model).rglob("*") if path.is_file() and path.name != NAME)
        found |= {path.relative_to(run).as_posix(): digest(path) for path in inside}
    return found


def digest(path: Path) -> str:
    """Of a skops file what is in it: its bytes hold the times and addresses of the process that wrote it."""
    if path.suffix != ".skops":
        return files.digest(path)
    try:
        with zipfile.ZipFile(path) as parts:
            tree = _numbered(json.loads(parts.read(SCHEMA)), parts, {})
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, RecursionError):
        return files.digest(path)  # none that skops wrote
    return hashlib.sha256(json.dumps(tree, sort_keys=True).encode()).hexdigest()


def _numbered(node: Any, parts: zipfile.ZipFile, seen: dict[Any, int]) -> Any:
    """Addresses by the order in which they come, names of parts by their content, the writer's version left out."""
    if isinstance(node, list):
        return [_numbered(each, parts, seen) for each in node]
    if not isinstance(node, dict):
        return node
    found: dict[str, Any] = {}
    for key, value in node.items():
        if key == "__id__":
            found[key] = seen.setdefault(value, len(seen))
        elif key == "file" and isinstance(value, str):
            found[key] = hashlib.sha256(parts.read(value)).hexdigest()
        elif key != "_skops_version":
            found[key] = _numbered(value, parts, seen)
    return found
