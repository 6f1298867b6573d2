"""Tab completion: verbs and names are ours, keys and values Hydra's."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from paralab.catalog import folders, names


def complete(arguments: Sequence[str], verbs: Sequence[str]) -> None:
    """Answer `paralab -sc install=bash`, `uninstall=bash`, or a query with the line in COMP_LINE."""
    from hydra._internal.hydra import Hydra

    from paralab.compose import loader

    words = os.environ.get("COMP_LINE", "").split(" ")
    ours = _ours(words, verbs) if "query=bash" in arguments else None
    if ours is not None:
        print(" ".join(ours))
        return
    os.environ["COMP_LINE"] = " ".join([words[0], *words[2:]])  # Hydra knows no verbs
    asked = [word for word in arguments if word not in ("-sc", "--shell-completion", "train")]
    Hydra("paralab", loader(_config_dir(words))).shell_completion("config", asked)


def _ours(words: Sequence[str], verbs: Sequence[str]) -> list[str] | None:
    """What completes the last word, where that is not Hydra's to say."""
    last = words[-1]
    if len(words) <= 2:
        return list(verbs)
    if words[1] == "list":
        return ["problems", "trainers", "experiments"]
    if words[1] != "train":
        root = Path("experiments")
        return sorted(path.name for path in root.iterdir() if path.is_dir()) if root.is_dir() else []
    group, equals, _ = last.rpartition("=")
    if equals and group in ("problem", "trainer", "experiment"):  # Hydra stops at groups that hold only sub-folders
        return [f"{group}={name}" for name in names(group, folders(_config_dir(words)))]
    return None


def _config_dir(words: Sequence[str]) -> Path | None:
    return next((Path(value) for word, value in pairwise(words) if word in ("-cd", "--config-dir")), None)
