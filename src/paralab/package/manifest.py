"""A model folder's manifest: which class wrote it, and the SHA-256 of every file. Read without the contract."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from paralab.errors import Failed

FORMAT = 1
NAME = "manifest.json"


def read(folder: Path) -> dict[str, Any]:
    """The manifest of a model folder; raises Failed where there is none or of another format."""
    try:
        manifest: dict[str, Any] = json.loads((folder / NAME).read_text())
    except (OSError, ValueError) as error:
        raise Failed(f"{folder} holds no readable model ({error})") from error
    if not isinstance(manifest, dict):
        raise Failed(f"{folder}: its manifest is not a table")
    if manifest.get("format") != FORMAT:
        raise Failed(f"{folder}: manifest format {manifest.get('format')}, this paralab reads {FORMAT}")
    return manifest
