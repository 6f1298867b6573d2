"""A comparison as the terminal shows it: readable at 80 columns."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from paralab.compare.layout import Grid, Row, grids
from paralab.compare.result import Comparison

MANY = 60  # rows of a table; the rest is in --json and --csv
STYLES = {"published": "cyan", "floor": "dim", "ceiling": "dim"}


def show(comparison: Comparison, console: Console) -> None:
    """Print every table with its notes, then what holds of all of them."""
    try:
        for grid in grids(comparison):
            console.print(_text(f"\n{grid.title}", "bold"))
            console.print(_table(grid))
            rows = sum(len(rows) for _, rows in grid.sections)
            if rows > MANY:
                console.print(
                    _text(f" and {rows - MANY} more rows: --json, --csv, --budget N or --against METHOD", "yellow")
                )
            for note in grid.notes:
                console.print(Padding(_text(note, "dim"), (0, 0, 0, 1)))
        console.print()
        for note in comparison.notes:
            console.print(Padding(_text(note, "dim"), (0, 0, 0, 1)))
    except SystemExit:  # rich's answer to a closed pipe: `| head` has read enough, which is no failure
        return


def _table(grid: Grid) -> Table:
    table = Table(box=SIMPLE_HEAD, padding=0, pad_edge=False, show_edge=False, header_style="dim")
    table.add_column(_text(grid.headers[0], ""), overflow="fold", min_width=12)
    for header in grid.headers[1:]:
        table.add_column(header, justify="right", no_wrap=True)
    left = MANY
    for section, rows in grid.sections:
        shown = rows[:left]
        left -= len(shown)
        if section and shown:
            table.add_row(_text(section, "bold"))
        for row in shown:
            table.add_row(*_cells(row, indent=bool(section)))
    return table


def _cells(row: Row, indent: bool) -> list[Text]:
    style = "green" if row.apart else STYLES.get(row.kind, "")
    name, *figures = row.cells
    return [_text(f"{' ' * indent}{name}", style), *(Text(figure, style) for figure in figures)]


def _text(text: str, style: str) -> Text:
    """Never read as markup, and without control characters: a name must not be able to steer the terminal."""
    clean = "".join(letter if letter.isprintable() else " " for letter in text.strip("\n"))
    return Text("\n" * text.startswith("\n") + clean, style)
