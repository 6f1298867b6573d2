"""What `check` finds in a table, and what every load warns of."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from paralab.readers.quality import Quality, across, check
from paralab.readers.suspects import suspects
from paralab.readers.table import load

NO = {"task": None, "columns": {}, "group": None, "time": None, "test_path": None}
ROWS = 400


def write(columns: dict[str, list[object]], name: str = "a.csv") -> Path:
    rows = zip(*columns.values(), strict=True)
    Path(name).write_text("\n".join([",".join(columns), *(",".join(map(str, row)) for row in rows)]) + "\n")
    return Path(name)


@pytest.fixture
def columns() -> dict[str, list[object]]:
    """Honest columns: two noisy numbers, a category, a date, a class that leans on the first number."""
    stream = np.random.default_rng(0)
    numbers = stream.normal(size=(ROWS, 2)).round(6)
    answers = np.where(numbers[:, 0] + stream.normal(size=ROWS) > 0, "yes", "no")
    days = np.datetime64("2020-01-01") + stream.integers(0, 300, ROWS)
    return {
        "a": [*numbers[:, 0]],
        "b": ["", *numbers[1:, 1]],
        "c": [*stream.choice(["u", "v", "w"], ROWS)],
        "d": [*days],
        "y": [*answers],
    }


def found(columns: dict[str, list[object]], target: str | None = "y") -> Quality:
    return check(write(columns), target)


def test_an_honest_table_has_no_warnings(columns: dict[str, list[object]]) -> None:
    quality = found(columns)
    assert quality.warnings == ()
    assert (quality.rows, quality.task, sum(quality.classes.values())) == (ROWS, "classification", ROWS)
    assert quality.sha256 == hashlib.sha256(Path("a.csv").read_bytes()).hexdigest()
    facts = {each.name: each for each in quality.columns}
    assert (facts["b"].missing, facts["a"].missing) == (1, 0)
    assert facts["a"].low == min(columns["a"])  # type: ignore[type-var]
    assert facts["a"].mean == pytest.approx(np.mean(columns["a"]))  # type: ignore[arg-type]
    assert facts["c"].distinct == 3
    assert sum(facts["c"].common.values()) == ROWS
    assert (facts["d"].low, facts["d"].high) == (str(min(columns["d"])), str(max(columns["d"])))  # type: ignore[type-var]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("equal", "columns 'a' and 'more' are equal in every row"),
        ("constant", "one value only, which tells nothing: more"),
        ("gone", "column 'more': 75.0% of its values are missing"),
        ("leak", "column 'more' alone tells 100.0% of the classes"),
        ("number leak", "column 'more' alone tells 98."),
        ("gap leak", "column 'more' alone tells 100.0% of the classes"),
    ],
)
def test_suspect_columns(columns: dict[str, list[object]], name: str, said: str) -> None:
    answers = columns["y"]
    stream = np.random.default_rng(1)
    more: dict[str, list[object]] = {
        "equal": columns["a"],
        "constant": ["k"] * ROWS,
        "gone": [float(value) if place % 4 == 0 else "" for place, value in enumerate(stream.normal(size=ROWS))],
        "leak": ["paid" if answer == "yes" else "open" for answer in answers],
        "number leak": [float(stream.normal()) + (100 if answer == "yes" else 0) for answer in answers],
        "gap leak": [1 if answer == "yes" else "" for answer in answers],
    }
    quality = found({**columns, "more": more[name]})
    assert any(line.startswith(said) for line in quality.warnings), quality.warnings
    if name not in ("gap leak",):
        assert len(quality.warnings) == 1, quality.warnings


def test_leaks_of_values(columns: dict[str, list[object]]) -> None:
    values = [float(value) for value in np.random.default_rng(2).normal(size=ROWS)]
    made: dict[str, list[object]] = {
        "same": [3 * value + 1 for value in values],
        "ranks": [float(np.exp(4 * value)) for value in values],
        "honest": [value + float(noise) for value, noise in zip(values, columns["a"], strict=True)],  # type: ignore[arg-type]
        "y": [*values],
    }
    assert [line.split()[1] for line in found(made).warnings] == ["'same'", "'ranks'"]


def test_few_rows_of_many_values_are_no_leak() -> None:
    quality = found({"name": [f"v{n % 9}" for n in range(18)], "y": ["p", "q"] * 9})
    assert not any("alone tells" in line for line in quality.warnings)


def test_rare_classes(columns: dict[str, list[object]]) -> None:
    columns["y"][:3] = ["odd"] * 3
    assert any("odd (3): a split may leave it out" in line for line in found(columns).warnings)


def test_equal_rows(columns: dict[str, list[object]]) -> None:
    twice = {name: [*values, *values[:7]] for name, values in columns.items()}
    assert any(line.startswith(f"7 of {ROWS + 7} rows repeat") for line in found(twice).warnings)


def test_rows_on_both_sides_of_a_split(columns: dict[str, list[object]]) -> None:
    columns["b"][5] = ""
    train = write(columns)
    test = write({name: [*values[:6], *values[:1]] for name, values in columns.items()}, "b.csv")
    quality = check(train, "y", test_path=test)
    assert quality.held_out == 7
    assert any(line.startswith("7 of 7 held-out rows have the inputs") for line in quality.warnings)
    data = load(train, "y", **NO)  # type: ignore[arg-type]
    assert across(data, np.arange(100), np.arange(100, ROWS)) == 0
    assert across(data, np.arange(100), np.arange(90, ROWS)) == 10


def test_every_load_warns(columns: dict[str, list[object]]) -> None:
    data = load(write({**columns, "k": [1] * ROWS}), "y", **NO)  # type: ignore[arg-type]
    assert "one value only, which tells nothing: k" in data.notices
    assert set(suspects(data)) <= set(data.notices)


def test_readable_at_80_columns_as_json_and_as_a_card(columns: dict[str, list[object]]) -> None:
    long = "a very long name of a column | with `marks` " * 3
    quality = found({**columns, long: [n % 7 for n in range(ROWS)], "id": [*range(ROWS)]})
    lines = quality.lines()
    assert max(map(len, lines)) <= 80
    assert any(line.startswith("a  ") and "number" in line for line in lines)
    assert any("id (it counts the rows)" in line for line in lines)
    assert lines[-1] == "nothing looks wrong"
    again = json.loads(json.dumps(quality.as_dict(), allow_nan=False))
    assert [each["name"] for each in again["columns"]] == ["a", "b", "c", "d", long.strip()]
    card = quality.card()
    assert card.startswith("# a.csv\n")
    assert "\\| with \\`marks\\`" in card
    assert f"- sha256: {quality.sha256}" in card


def test_without_target_and_of_a_matrix() -> None:
    np.savez("a.npz", X=np.random.default_rng(0).normal(size=(50, 3)), y=np.arange(50) % 2)
    quality = check(Path("a.npz"), "y")
    assert [each.name for each in quality.columns] == ["x0", "x1", "x2"]
    np.savez("b.npz", X=np.ones((50, 3)))
    lone = check(Path("b.npz"))
    assert (lone.task, lone.answer) == ("clustering", "no target")
    assert any("one value only" in line for line in lone.warnings)
