"""`paralab predict`: a finished run's model on new rows."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from paralab.errors import Failed, Refused

if TYPE_CHECKING:
    from paralab.cli.answers import Columns
    from paralab.core import Array, Model

BATCH = 65_536  # rows a call of the model: 64 columns of float64 are 32 MiB


def predict(
    run: Annotated[
        Path, typer.Argument(help="A finished run's folder, or a model folder inside it.", show_default=False)
    ],
    file: Annotated[Path, typer.Argument(help="New rows: CSV, TSV, Parquet, Feather or npz.", show_default=False)],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Where answers go: .csv, .tsv, .parquet, .feather, .json or .jsonl."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON array instead of CSV.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace the output file if it is there.")] = False,
    trust: Annotated[list[str] | None, typer.Option(metavar="PREFIX", help="Also load classes below PREFIX.")] = None,
) -> None:
    """Answer new rows with a finished run's model.

    Example: paralab predict experiments/scratch/runs/iris/supervised/forest/8d3e0f5c2a17/seed-0 new.csv -o answers.csv

    Columns are matched by name, in any order; the answers keep the order of the rows. For a policy, rows are
    observations; one with a memory takes each row for the start of an episode.
    """
    from paralab.threads import set_threads

    folder = model_folder(run)
    kind = _check(file, output, as_json, force)
    set_threads(1)  # as runs are judged: other thread counts move the last bits
    from paralab.cli.answers import WRITERS, formulas
    from paralab.cli.rows import dates_of, new_rows
    from paralab.package.model import load_model

    model = load_model(folder, trust or ())
    space = model.signature.inputs
    inputs, notices = new_rows(file, space, dates_of(folder.parent / "config.yaml", space))
    if kind in (".csv", ".tsv") and (names := formulas(model.signature)):
        said = ", ".join(map(repr, names))
        notices = (*notices, f"{said}: written with an apostrophe in front, or a spreadsheet would run it")
    for notice in notices:
        print(f"paralab: {notice}", file=sys.stderr)
    answers = _progress(_answers(model, inputs), len(inputs))
    if output is None:
        with _open_pipe() as pipe:
            WRITERS[kind](pipe, answers)
    else:
        with _aside(output) as aside:
            WRITERS[kind](aside, answers)
        print(f"{len(inputs)} rows answered: {output}")


def model_folder(given: Path) -> Path:
    """The model of a run folder, or the model folder itself; raises Refused where there is none to use."""
    if not given.is_dir():
        raise Refused(f"{given}: there is no such run folder; `paralab runs --json` names them all")
    if (given / "manifest.json").is_file():
        return given
    status = _status(given)
    if status is None:
        seed = min((place for place, _, _ in os.walk(given) if Path(place).name.startswith("seed-")), default=None)
        raise Refused(f"{given} is no run folder; " + (f"{seed} is one" if seed else "`paralab runs --json` names all"))
    if status != "finished":
        raise Refused(f"{given}: this run is {status}, not finished; its `paralab train` command again goes on with it")
    return given / "model"


def _status(folder: Path) -> str | None:
    """As every reader sees it, wherever the folder was copied to: scores.json, written last, says finished."""
    from paralab.record.files import read_json
    from paralab.record.holder import held

    if not (folder / "record.json").is_file():
        return None
    try:
        said = str(read_json(folder / "record.json")["status"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Failed(f"{folder / 'record.json'} cannot be read: {error}") from error
    if (folder / "scores.json").is_file():
        return said if said in ("failed", "diverged") else "finished"
    killed = said == "running" and not held(folder)
    return "interrupted" if killed or said == "finished" else said


def _check(file: Path, output: Path | None, as_json: bool, force: bool) -> str:
    """The suffix that decides the format; raises Refused before anything is read."""
    if output is None:
        return ".json" if as_json else ".csv"
    from paralab.cli.answers import WRITERS

    kind = output.suffix.lower()
    if kind not in WRITERS:
        raise Refused(f"{output}: its suffix decides the format; end it in one of {', '.join(WRITERS)}")
    if as_json and kind not in (".json", ".jsonl"):
        raise Refused(f"--json and {output}: end the file in .json, or leave --json out")
    if output.is_dir() or not output.absolute().parent.is_dir():
        what = "it is a folder" if output.is_dir() else f"there is no folder {output.parent}"
        raise Refused(f"{output} cannot be written: {what}")
    if output.exists() and file.exists() and output.samefile(file):
        raise Refused(f"{output} holds the rows that are asked about; name another output file")
    if output.exists() and not force:
        raise Refused(f"{output} is there already; --force replaces it")
    return kind


def _answers(model: Model, inputs: Array) -> Iterator[Columns]:
    from paralab.cli.answers import columns

    for start in range(0, len(inputs), BATCH):
        said = model.predict(inputs[start : start + BATCH])
        yield columns(said, model.signature)


def _progress(batches: Iterator[Columns], rows: int) -> Iterator[Columns]:
    """Shows on a terminal how far it is, elsewhere a line every 10 s; silent where one batch is all."""
    if rows <= BATCH:
        yield from batches
        return
    from rich.console import Console
    from rich.progress import Progress

    console, printed, done = Console(stderr=True, highlight=False), time.monotonic(), 0
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("rows", total=rows)
        for batch in batches:
            yield batch
            done = min(rows, done + BATCH)
            bar.update(task, completed=done)
            if not console.is_terminal and time.monotonic() - printed > 10:
                printed = time.monotonic()
                console.print(f"{done:,} of {rows:,} rows answered", soft_wrap=True)


@contextmanager
def _aside(output: Path) -> Iterator[IO[bytes]]:
    """A file that takes its name once it is whole; raises Refused where it may not be made, Failed on a full disk."""
    aside = output.with_name(f".{output.name}.{os.getpid()}")
    try:
        file = aside.open("wb")
    except OSError as error:
        raise Refused(f"{output} cannot be written ({error.strerror}); choose another place") from error
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        aside.replace(output)
    except OSError as error:
        raise Failed(f"{output} could not be written: {error.strerror or error}") from error
    finally:
        aside.unlink(missing_ok=True)


@contextmanager
def _open_pipe() -> Iterator[IO[bytes]]:
    """Standard output; a reader that has seen enough, as `| head`, is no failure."""
    try:
        yield sys.stdout.buffer
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains at its exit
