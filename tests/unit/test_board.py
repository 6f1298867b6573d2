"""Where a sweep stands, whatever the order of what is heard of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from paralab.cli.board import KINDS, NOT_STARTED, RECENT, Board
from paralab.cli.picture import counts, duration, line, picture

KEYS = st.integers(0, 12)
WORDS = st.tuples(st.sampled_from(["digits", "cartpole"]), st.sampled_from(["a/b", "\x1b[31m汉字" * 30]), st.text())
SCORES = st.dictionaries(st.sampled_from(["train/loss", "valid/accuracy", "\x07"]), st.floats(), max_size=2)
EVENTS = st.one_of(
    st.builds(lambda n: lambda board: setattr(board, "asked", n), st.integers(0, 20)),
    st.builds(lambda key, words: lambda board: board.begin(key, words), KEYS, WORDS),
    st.builds(
        lambda key, step, steps, scores: lambda board: board.tell(key, step, steps, scores),
        KEYS, st.integers(0, 10**9), st.integers(0, 10**9), SCORES,
    ),
    st.builds(
        lambda key, words, end, score: lambda board: board.end(key, words, end, ("test/accuracy", score), 5.0),
        KEYS, WORDS, st.sampled_from([*sorted(KINDS), NOT_STARTED]), st.floats(-1, 1),
    ),
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(EVENTS, max_size=40), st.integers(20, 200), st.integers(8, 60))
def test_any_order_of_events_adds_up_and_fits(events: list[Callable[[Board], None]], width: int, height: int) -> None:
    board = Board(since=0.0)
    ended: set[int] = set()
    for event in events:
        event(board)
        counted = sum(board.counts[kind] for kind in ("finished", "failed", "pruned", "interrupted"))
        assert counted + len(board.running) + board.left == board.total >= board.asked
        assert board.left >= 0
        assert not set(board.running) & set(board.ended)
        assert ended <= set(board.ended)  # what has ended stays so
        ended = set(board.ended)
    console = Console(width=width, height=height, color_system=None)
    drawn = console.render_lines(picture(board, 10.0, width, height, "stopping"), pad=False)
    text = ["".join(part.text for part in row) for row in drawn]
    assert len(text) <= height
    assert "stopping"[: width - 1] in text[-1]
    assert all("\x1b" not in row and "\x07" not in row for row in text)
    assert "\n" not in line(board, 10.0)


def test_what_it_says() -> None:
    board = Board(since=100.0, asked=10)
    for key in range(3):
        board.end(-1 - key, ("iris", "mlp", f"seed={key}"), "there", ("test/accuracy", 0.9 + key / 100))
    for key in range(4):
        board.begin(key, ("iris", "mlp", f"seed={key + 3}"))
    assert board.seconds_left(101.0) is None  # nothing to tell it from
    board.tell(0, 10, 100, {"train/loss": 0.5})
    board.tell(0, 60, 100, {"valid/accuracy": 0.8, "train/loss": 0.4})
    board.tell(0, 60, 100, {"train/loss": 0.3})
    assert board.running[0].score == ("valid/accuracy", 0.8)  # no loss takes the place of a validation score
    assert counts(board) == "3 of 10 finished (3 already there), 4 running, 3 left"
    for key, end in ((1, "finished"), (2, "failed"), (3, "finished")):
        board.end(key, ("iris", "mlp", f"seed={key + 3}"), end, ("test/accuracy", 0.7), 110.0)
    assert board.pace(135.0) == pytest.approx(3.5 / 35)  # three ends and half a run
    assert board.seconds_left(135.0) == pytest.approx(35.0)  # three to begin and the other half
    assert board.best == {("iris", "test/accuracy"): (0.92, ("iris", "mlp", "seed=2"))}
    assert line(board, 135.0) == (
        "5 of 10 finished (3 already there), 1 failed, 1 running, 3 left; seed=3 step 60 of 100; "
        "6 runs a minute, about 35 s left; best test/accuracy 0.92 seed=2"
    )


def test_what_was_given_out_but_never_began_is_left() -> None:
    board = Board(since=0.0, asked=5)
    board.end(0, ("iris", "mlp"), "finished", None, 1.0)
    board.end(1, ("iris", "mlp"), "interrupted", None, 1.0)
    board.begin(2, ("iris", "mlp"))
    for key in (2, 3):
        board.end(key, ("iris", "mlp"), NOT_STARTED, None, 1.0)
    assert counts(board) == "1 of 5 finished, 1 interrupted, 0 running, 3 left"
    assert (board.done, board.ends) == (1, 1)


def test_late_news_of_a_dead_worker_is_no_news() -> None:
    board = Board(since=0.0, asked=1)
    board.begin(0, ("iris", "mlp"))
    board.end(0, ("iris", "mlp"), "timed out", None, 1.0)
    board.tell(0, 5, 10, {})
    board.begin(0, ("iris", "mlp"))
    assert (board.running, board.counts["failed"], board.left) == ({}, 1, 0)


def test_the_pace_is_a_recent_one() -> None:
    board = Board(since=0.0, asked=10 * RECENT)
    for key in range(2 * RECENT):
        board.end(key, ("iris",), "finished", None, 1000.0 if key < RECENT else 1000.0 + (key - RECENT) / 10)
    assert board.pace(1000.0 + RECENT / 10) == pytest.approx(10.0, rel=0.05)


def test_returns_and_accuracies_are_each_their_own_best() -> None:
    board = Board()
    board.end(0, ("cartpole", "ppo"), "finished", ("test/return", 480.0), 1.0)
    board.end(1, ("digits", "mlp"), "finished", ("test/accuracy", 0.9), 1.0)
    assert {where: score for where, (score, _) in board.best.items()} == {
        ("cartpole", "test/return"): 480.0, ("digits", "test/accuracy"): 0.9,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "5 s"),
        (42, "40 s"),
        (91, "2 min"),
        (3599, "1 h"),
        (7800, "2 h 10 min"),
        (50000, "14 h"),
        (259200, "3 days"),
    ],
)
def test_a_guess_sounds_like_one(seconds: float, text: str) -> None:
    assert duration(seconds) == text
