"""Tab completion: verbs and names are ours, keys and values Hydra's."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from paralab.catalog import folders, names


def complete(arguments: Sequence[str], verbs: Sequence[str]) -> None:
    """Answer `paralab -sc install=bash`, `uninstall=bash`, or a query with the line in COMP_LINE."""
    if not any(each.startswith("query=") for each in arguments):
        _hydra([each for each in arguments if each not in ("-sc", "--shell-completion", "train")], None)
        return
    words = os.environ.get("COMP_LINE", "").split(" ")
    try:
        ours = _ours(words, verbs)
        if ours is not None:
            print(" ".join(ours))
            return
        # Hydra knows neither verbs nor our options, and would import what hydra.searchpath names.
        given = [each for each in words[2:-1] if _is_override(each)]
        os.environ["COMP_LINE"] = " ".join([words[0], "-m", *given, words[-1]])
        _hydra(arguments[-1:], _config_dir(words))
    except (Exception, SystemExit):  # a line half typed has nothing to complete; a traceback would garble the terminal
        return


def _hydra(asked: Sequence[str], config_dir: Path | None) -> None:
    from hydra._internal.hydra import Hydra

    from paralab.compose import loader

    Hydra("paralab", loader(config_dir)).shell_completion("config", list(asked))


def _is_override(word: str) -> bool:
    return "=" in word and not word.startswith("-") and not word.lstrip("+~").startswith("hydra.searchpath")


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
    return next((Path(value) for value in _config_dirs(words)), None)


def _config_dirs(words: Sequence[str]) -> Iterator[str]:
    for place, word in enumerate(words):
        option, equals, value = word.partition("=")
        if option in ("-cd", "--config-dir"):
            yield value if equals else "".join(words[place + 1 : place + 2])
