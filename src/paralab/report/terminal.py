"""The report as the terminal shows it: readable at 80 columns, whatever the number of budgets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from paralab.compare.gather import Block
from paralab.page.colours import label
from paralab.report.advice import advice, counts, missing
from paralab.report.notes import notes
from paralab.report.sheets import Sheet, compact, paged
from paralab.report.sparks import WIDTH, sparks
from paralab.report.write import Report

COLOURS = {"supervised": "blue", "semi_supervised": "red", "unsupervised": "green", "reinforcement": "magenta"}
MANY = 8  # lines about runs that are in no mean


def show(report: Report, console: Console) -> None:
    """Print the tables with their notes, what is missing, where the files are, and what to try next."""
    try:
        _show(report, console)
    except SystemExit:  # rich's answer to a closed pipe: `| head` has read enough, which is no failure
        return


def show_all(reports: Sequence[Report], index: Path, console: Console) -> None:
    """A line an experiment, and where the index is."""
    try:
        for each in reports:
            console.print(_text(each.experiment, "bold"), soft_wrap=True)
            said = [each.question] if each.question else []
            said += [] if each.answer is None else [each.answer.head]
            for line in [*said, counts(each.runs)]:
                console.print(Padding(_text(line, ""), (0, 0, 0, 1)))
        console.print()
        console.print(_line("index", str(index)), soft_wrap=True)
    except SystemExit:  # as above
        return


def _show(report: Report, console: Console) -> None:
    if report.question:
        console.print(_text(report.question, "italic"))
    if report.answer:
        console.print(_text(report.answer.head, "bold"))
        for line in report.answer.lines:
            console.print(Padding(_text(line, ""), (0, 0, 0, 1)))
    for block in report.blocks:
        for sheet in compact(block):
            for part in paged(sheet, _fits(block, sheet, console.width)):
                if part.caption:
                    console.print(_text(f"\n{part.caption}", "bold"))
                console.print(_grid(block, part))
        _curves(block, console)
        console.print()
        for note in notes(block, report.runs):
            console.print(Padding(_text(note, "dim"), (0, 0, 0, 1)))
    console.print(_text(f"\n{report.experiment}: {counts(report.runs)}", "bold"))
    lines = missing(report.runs)
    for line in lines[:MANY]:
        console.print(Padding(_text(line, "yellow"), (0, 0, 0, 1)))
    if len(lines) > MANY:
        console.print(f" and {len(lines) - MANY} more in no mean: see the page")
    console.print()
    for path in report.figures:
        console.print(_line("figure", f"{path} (and .svg)"), soft_wrap=True)
    console.print(_line("page", str(report.page)), soft_wrap=True)
    console.print(_text("\nnext", "bold"))
    for command, reason in advice(report.experiment, report.runs, report.blocks):
        console.print(Text(f"  {_clean(command)}", "cyan"), soft_wrap=True)
        console.print(Text(f"      {reason}", "dim"))


def _curves(block: Block, console: Console) -> None:
    """A line of blocks a method: how it rose."""
    found = sparks(block)
    if not found:
        return
    table = Table(box=SIMPLE_HEAD, padding=0, pad_edge=False, show_edge=False, header_style="dim")
    table.add_column("learning curve", overflow="fold")
    table.add_column("", no_wrap=True, min_width=WIDTH)
    table.add_column("from", justify="right", no_wrap=True)
    table.add_column("to", justify="right", no_wrap=True)
    table.add_column("of", overflow="fold")
    for each in found:
        shade = COLOURS.get(each.method.paradigm, "default")
        name = Text(_clean(each.method.name))
        table.add_row(name, Text(each.line, shade), each.first, each.last, Text(f" {_clean(each.what)}", "dim"))
    console.print()
    console.print(table)


def _fits(block: Block, sheet: Sheet, width: int) -> int:
    """How many columns find room beside the names."""
    names = [method.name for method in block.methods] + [label(paradigm) for paradigm, _ in block.paradigms]
    first = min(max(map(len, names)) + 1, max(width // 3, 16))
    widest = max(len(text) for method in block.methods for text, _ in sheet.texts(method))
    return max((width - first) // (widest + 1), 1)


def _grid(block: Block, sheet: Sheet) -> Table:
    table = Table(box=SIMPLE_HEAD, padding=0, pad_edge=False, show_edge=False, header_style="dim")
    table.add_column(sheet.corner, overflow="fold")
    for column in sheet.columns:
        table.add_column(column.heading, justify="right", no_wrap=True)
    for paradigm, methods in block.paradigms:
        table.add_row(Text(_clean(label(paradigm)), f"bold {COLOURS.get(paradigm, 'default')}"))
        for method in methods:
            table.add_row(Text(f" {_clean(method.name)}"), *(text for text, _ in sheet.texts(method)))
    return table


def _line(name: str, value: str) -> Text:
    return Text.assemble((f"{name:<7}", "bold"), _clean(value))


def _text(text: str, style: str) -> Text:
    """Never read as markup."""
    return Text("\n" * text.startswith("\n") + _clean(text), style)


def _clean(text: str) -> str:
    """No control characters: a name must not be able to steer the terminal."""
    return "".join(letter if letter.isprintable() else " " for letter in text.strip("\n"))
