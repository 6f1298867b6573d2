"""A board as text: a picture that fits a terminal, or one line."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size
from rich.console import Group, RenderableType
from rich.text import Text

from paralab.cli.board import Board, Row, Words

ROWS = 30  # runs under way that are shown at most


def picture(board: Board, now: float, width: int, height: int, note: str = "") -> RenderableType:
    """The board within `width` and `height`, with a last line `note`."""
    lines: list[RenderableType] = []
    if board.common and len(board.ended) + len(board.running) > 1:
        lines.append(_line(" ".join(board.common), width, "bold"))
    filled = width * board.done // max(board.total, 1)
    lines.append(Text.assemble(("━" * filled, "green"), ("┈" * (width - filled), "dim"), no_wrap=True))
    lines.append(_line(counts(board), width))
    if speed := _speed(board, now):
        lines.append(_line(speed, width))
    bests = [_best(board, metric, score, words) for (_, metric), (score, words) in board.best.items()]
    lines += [_line(best, width, "green") for best in bests[:2]]
    if len(bests) > 2:
        lines.append(_line(f"and the best of {len(bests) - 2} other problems", width, "dim"))
    rows = list(board.running.values())
    room = min(max(height - len(lines) - 1 - bool(note), 1), ROWS)
    fits = rows if len(rows) <= room else rows[: room - 1]
    lines += [_line(text, width, "cyan") for text in _columns(board, fits, width)]
    if len(rows) > len(fits):
        lines.append(_line(f"  and {len(rows) - len(fits)} more", width, "dim"))
    if note:
        lines.append(_line(note, width, "yellow"))
    return Group(*lines)


def line(board: Board, now: float) -> str:
    """The same in one line, for a log: "12 of 200 finished, 2 running, 186 left; ..."."""
    row = next(iter(board.running.values()), None)
    where = f"{board.name(row.words)} {_step(row)}".rstrip() if row is not None and row.step is not None else ""
    best = [_best(board, metric, score, words) for (_, metric), (score, words) in board.best.items()][:1]
    return clean("; ".join(part for part in (counts(board), where, _speed(board, now), *best) if part))


def counts(board: Board) -> str:
    """ "12 of 200 finished (5 already there), 1 failed, 2 running, 185 left"."""
    there = f" ({board.there} already there)" if board.there else ""
    kinds = [f"{n} {kind}" for kind in ("failed", "pruned", "interrupted") if (n := board.counts[kind])]
    finished = f"{board.counts['finished']} of {board.total} finished{there}"
    return ", ".join([finished, *kinds, f"{len(board.running)} running", f"{board.left} left"])


def duration(seconds: float) -> str:
    """As exact as a guess may sound: "40 s", "3 min", "2 h 10 min", "3 days"."""
    if seconds < 90:
        return f"{max(round(seconds / 5) * 5, 5)} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, rest = divmod(round(minutes / 10) * 10, 60)
    if hours < 10:
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    return f"{round(seconds / 3600)} h" if hours < 48 else f"{round(seconds / 86400)} days"


def clean(text: str) -> str:
    """In one line and without control characters: a name must not be able to steer the terminal."""
    return "".join(each if each.isprintable() else " " for each in " ".join(text.split()))


def _speed(board: Board, now: float) -> str:
    if not board.running and (board.since is None or not board.left):
        return ""
    if not board.running and not board.ends:
        return "the workers are starting"
    pace, left = board.pace(now), board.seconds_left(now)
    rate = "" if pace is None or not board.ends else f"{_figure(pace * 60)} runs a minute"
    time = "time left not known yet" if left is None else f"about {duration(left)} left"
    return ", ".join(filter(None, (rate, time)))


def _figure(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"


def _best(board: Board, metric: str, score: float, words: Words) -> str:
    return f"best {metric} {score:.4g}  {board.name(words)}"


def _step(row: Row) -> str:
    return "" if row.step is None else f"step {row.step} of {row.steps}" if row.steps else f"step {row.step}"


def _columns(board: Board, rows: Sequence[Row], width: int) -> list[str]:
    """Name, step and score, in columns; a name too long loses its middle, since its end tells most."""
    steps = ["" if row.step is None else f"{row.step}/{row.steps}" if row.steps else f"{row.step}" for row in rows]
    scores = [f"{clean(row.score[0])} {row.score[1]:.4g}" if row.score else "" for row in rows]
    names = [clean(board.name(row.words)) for row in rows]
    last = [max(map(cell_len, column), default=0) for column in (steps, scores)]
    room = max(min(width - 6 - sum(last), max(map(cell_len, names), default=0)), 12)
    short = [name if cell_len(name) <= room else f"{name[: (room - 1) // 2]}…{name[-(room // 2) :]}" for name in names]
    return [
        f"  {set_cell_size(name, room)}  {step:>{last[0]}}  {score}"
        for name, step, score in zip(short, steps, scores, strict=True)
    ]


def _line(text: str, width: int, style: str = "") -> Text:
    """Cut to one line."""
    shown = "".join(each if each.isprintable() else " " for each in text)
    return Text(shown if cell_len(shown) <= width else f"{set_cell_size(shown, width - 1)}…", style, no_wrap=True)
