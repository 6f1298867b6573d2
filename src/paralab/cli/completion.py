"""Tab completion: verbs, names, run folders and files are ours, keys and values Hydra's."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from paralab.catalog import folders, names

if TYPE_CHECKING:
    import typer

HYDRAS = ("train", "plan")  # verbs whose words are Hydra's


def complete(arguments: Sequence[str], verbs: Iterable[str], app: Callable[[str], typer.Typer]) -> None:
    """Answer `paralab -sc install=bash`, `uninstall=bash`, or a query with the line in COMP_LINE.

    `app` makes the application of a verb, whose options are offered.
    """
    if not any(each.startswith("query=") for each in arguments):
        _hydra([each for each in arguments if each not in ("-sc", "--shell-completion", *HYDRAS)], None)
        return
    words = os.environ.get("COMP_LINE", "").split(" ")
    try:
        ours = _ours(words, verbs, app)
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


def _ours(words: Sequence[str], verbs: Iterable[str], app: Callable[[str], typer.Typer]) -> list[str] | None:
    """What completes the last word, where that is not Hydra's to say."""
    last = words[-1]
    if len(words) <= 2:
        return list(verbs)
    verb = words[1]
    if verb in HYDRAS:
        group, equals, _ = last.rpartition("=")
        if equals and group in ("problem", "trainer", "experiment"):  # Hydra stops at groups that hold only sub-folders
            return [f"{group}={name}" for name in names(group, folders(_config_dir(words)))]
        return None
    if last.startswith("-"):
        return _options(app(verb), words)
    return _values(verb, words, last)


def _values(verb: str, words: Sequence[str], last: str) -> list[str]:
    before = words[-2]
    if before in ("--root", "--into"):
        return _folders(last)
    match verb:
        case "list":
            return ["problems", "trainers", "experiments"]
        case "predict":
            return _run_folders(last) or _paths(last) if len(words) == 3 else _paths(last)
        case "data":
            return ["check"] if len(words) == 3 else _paths(last)
        case "new" if before in ("--problem", "--trainers"):
            first, comma, _ = last.rpartition(",")
            return [f"{first}{comma}{name}" for name in names(before[2:].removesuffix("s"), folders())]
        case "new" | "doctor":
            return []
        case "collect":
            return _folders(last)
        case "clean" if before == "--where":
            return _filters(last)
        case "compare" if before == "--by":
            return ["trainer", "paradigm", "labels"]
        case "compare" if before == "--against":
            return names("trainer", folders())
        case "compare" if before in ("--metric", "--budget", "--rope"):
            return []
        case "export" if before in ("-o", "--output"):
            return _paths(last)
        case "sync-mlflow" if before == "--uri":
            return []
        case _:
            root = Path("experiments")
            return sorted(path.name for path in root.iterdir() if path.is_dir()) if root.is_dir() else []


def _options(app: typer.Typer, words: Sequence[str]) -> list[str]:
    """As the verb's own help names them, those of its sub-command where one stands on the line."""
    from typer.core import TyperGroup
    from typer.main import get_command

    command = get_command(app)
    if isinstance(command, TyperGroup):
        command = next((command.commands[word] for word in words[2:] if word in command.commands), command)
    return [name for each in command.params for name in (*each.opts, *each.secondary_opts) if name.startswith("--")]


def _run_folders(start: str) -> list[str]:
    """Finished runs below ./experiments whose path begins so."""
    from paralab.record.read import runs

    found = (run.folder.as_posix() for run in runs(Path("experiments")) if run.status == "finished")
    return [path for path in found if path.startswith(start)]


def _filters(start: str) -> list[str]:
    """Keys of a filter of runs, and the values that its names have below ./experiments."""
    from paralab.keep.filters import KEYS, NAMES, STATUSES
    from paralab.record.read import runs

    key, equals, _ = start.partition("=")
    if not equals:
        return [f"{each}=" for each in KEYS]
    if key == "status":
        return [f"status={status}" for status in STATUSES]
    found = runs(Path("experiments")) if key in NAMES else []
    return sorted({f"{key}={NAMES[key](run)}" for run in found})


def _folders(start: str) -> list[str]:
    return [path for path in _paths(start) if path.endswith("/")]


def _paths(start: str) -> list[str]:
    """Files and folders whose path begins so; folders end in a slash. A name with a blank would fall apart."""
    folder, slash, name = start.rpartition("/")
    place = Path((folder + slash) or ".").expanduser()
    inside = sorted(path for path in place.iterdir() if path.name.startswith(name)) if place.is_dir() else []
    shown = [path for path in inside if " " not in path.name and (name or not path.name.startswith("."))]
    return [f"{folder}{slash}{path.name}{'/' * path.is_dir()}" for path in shown]


def _config_dir(words: Sequence[str]) -> Path | None:
    return next((Path(value) for value in _config_dirs(words)), None)


def _config_dirs(words: Sequence[str]) -> Iterator[str]:
    for place, word in enumerate(words):
        option, equals, value = word.partition("=")
        if option in ("-cd", "--config-dir"):
            yield value if equals else "".join(words[place + 1 : place + 2])
