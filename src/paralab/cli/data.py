"""`paralab data check`: what a table holds, and what may go wrong with it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from paralab.errors import Failed, Refused, closest

if TYPE_CHECKING:
    from paralab.readers.answer import Task

TASKS: tuple[Task, ...] = ("classification", "regression", "anomaly", "clustering")


def data() -> None:
    """Check a table: rows, types, missing values, duplicates, leaks.

    Example: paralab data check my.csv --target y
    """


def check(
    file: Annotated[Path, typer.Argument(help="CSV, TSV, Parquet, Feather or npz.", show_default=False)],
    target: Annotated[str | None, typer.Option(help="The column to be told.", show_default=False)] = None,
    task: Annotated[
        str | None, typer.Option(help="What the target is; inferred and said where left out.", metavar="|".join(TASKS))
    ] = None,
    group: Annotated[str | None, typer.Option(help="The column that split=group keeps together.")] = None,
    time: Annotated[str | None, typer.Option(help="The column that split=time orders by.")] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=KIND", help="Take a column for number, category, date:%d/%m/%Y, text or drop."),
    ] = None,
    test: Annotated[Path | None, typer.Option(help="A held-out file, compared with the first.")] = None,
    card: Annotated[Path | None, typer.Option(help="Also write a data card (Markdown) to this file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object instead of a table.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 where there are warnings.")] = False,
) -> None:
    """Show types, ranges, gaps, duplicates, balance, what may leak.

    Example: paralab data check my.csv --target y --card card.md
    """
    known = next((each for each in TASKS if each == task), None)
    if task is not None and known is None:
        raise Refused(f"--task {task}: there is no such task. {closest(task, TASKS)}")
    if card is not None and (card.exists() or not card.absolute().parent.is_dir()):
        why = "it is there already, perhaps filled in" if card.exists() else f"there is no folder {card.parent}"
        raise Refused(f"--card {card}: {why}; name another file")
    kinds = dict(_pair(each) for each in column or ())
    from paralab.readers.quality import check as examine

    try:
        found = examine(file, target, task=known, columns=kinds, group=group, time=time, test_path=test)
    except Refused as error:
        raise Refused(_here(str(error))) from error
    if card is not None:
        _write(card, found.card())
    if as_json:
        import json

        print(json.dumps(found.as_dict(), indent=1, allow_nan=False))
    else:
        print(_here("\n".join(found.lines())))
    raise typer.Exit(1 if strict and found.warnings else 0)


def _here(text: str) -> str:
    """A remedy as this verb takes it: what `paralab train` calls problem.columns is --column here."""
    return re.sub(r'"\+problem\.columns=\{(.+?): (.+?)\}"', r'--column "\1=\2"', text)


def _pair(text: str) -> tuple[str, str]:
    name, equals, kind = text.rpartition("=")
    if not equals:
        raise Refused(f"--column {text}: write NAME=KIND, such as born=date:%d/%m/%Y")
    return name, kind


def _write(card: Path, text: str) -> None:
    from paralab.record.files import write

    try:
        write(card, text.encode())
    except OSError as error:
        raise Failed(f"{card} could not be written: {error.strerror or error}") from error
