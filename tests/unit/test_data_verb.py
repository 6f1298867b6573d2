"""`paralab data check`: what a table holds, readable, as JSON and as a card."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.conftest import Cli


@pytest.fixture
def tidy() -> pd.DataFrame:
    chance = np.random.default_rng(0)
    size = chance.normal(size=60)
    kind = np.where(size + 0.5 * chance.normal(size=60) > 0, "big", "small")
    table = pd.DataFrame({"size": size, "born": pd.date_range("2024-01-01", periods=60).astype(str), "kind": kind})
    table.to_csv("tidy.csv", index=False)
    return table


def said(cli: Cli, *words: str) -> Mapping[str, object]:
    code, out, err = cli("data", "check", *words, "--json")
    assert (code, err) == (0, "")
    found: Mapping[str, object] = json.loads(out)
    return found


def test_it_reads_well_at_80_columns(tidy: pd.DataFrame, cli: Cli) -> None:
    code, out, err = cli("data", "check", "tidy.csv", "--target", "kind")
    assert (code, err) == (0, "")
    assert max(map(len, out.splitlines())) <= 80
    for word in ("60 rows", "size", "born", "2024-01-01", "classification", f"big ({(tidy['kind'] == 'big').sum()})"):
        assert word in out


def test_options_reach_the_check(tidy: pd.DataFrame, cli: Cli) -> None:
    tidy[:9].to_csv("held.csv", index=False)
    assert said(cli, "tidy.csv")["task"] == "clustering"
    assert said(cli, "tidy.csv", "--target", "kind", "--task", "anomaly")["task"] == "anomaly"
    assert said(cli, "tidy.csv", "--target", "kind", "--test", "held.csv")["held_out"] == 9
    columns = said(cli, "tidy.csv", "--target", "kind", "--time", "born")["columns"]
    assert isinstance(columns, list)
    assert [each["name"] for each in columns] == ["size"]
    columns = said(cli, "tidy.csv", "--target", "size", "--group", "kind", "--column", "born=category")["columns"]
    assert isinstance(columns, list)
    assert [(each["name"], each["kind"]) for each in columns] == [("born", "category")]


def test_warnings_are_exit_one_only_where_asked(tidy: pd.DataFrame, cli: Cli) -> None:
    assert cli("data", "check", "tidy.csv", "--target", "kind", "--strict")[0] == 0
    pd.concat([tidy, tidy]).to_csv("twice.csv", index=False)
    assert cli("data", "check", "twice.csv", "--target", "kind")[0] == 0
    code, out, _ = cli("data", "check", "twice.csv", "--target", "kind", "--strict")
    assert code == 1
    assert "warning" in out


def test_a_card_is_written_once(tidy: pd.DataFrame, cli: Cli) -> None:
    words = ("data", "check", "tidy.csv", "--target", "kind", "--card", "card.md")
    assert cli(*words)[0] == 0
    text = Path("card.md").read_text()
    assert "tidy.csv" in text
    assert "| size |" in text
    Path("card.md").write_text(text + "Collected by hand.\n")
    code, out, err = cli(*words)
    assert (code, out) == (2, "")
    assert "it is there already, perhaps filled in" in err
    assert Path("card.md").read_text().endswith("by hand.\n")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("check nowhere.csv", "nowhere.csv"),
        ("check tidy.csv --target knd", "kind"),
        ("check tidy.csv --task classify", "--task classify: there is no such task. Did you mean 'classification'?"),
        ("check tidy.csv --card no/card.md", "--card no/card.md: there is no folder no; name another file"),
        ("check tidy.csv --column born", "--column born: write NAME=KIND, such as born=date:%d/%m/%Y"),
        ("check tidy.csv --column brn=date", "born"),
        ("", "Missing command; see paralab data --help"),
        ("check", "see paralab data --help"),
        ("chekc tidy.csv", "see paralab data --help"),
        ("check tidy.csv --nope", "see paralab data --help"),
    ],
)
@pytest.mark.usefixtures("tidy")
def test_what_cannot_be_is_one_line(words: str, says: str, cli: Cli) -> None:
    code, out, err = cli("data", *words.split())
    assert (code, out, len(err.splitlines())) == (2, "", 1), err
    assert says in err
    assert {path.name for path in Path.cwd().iterdir()} == {"tidy.csv", "state"}


def test_a_remedy_is_said_as_this_verb_takes_it(cli: Cli, tmp_path: Path) -> None:
    rows = "".join(f"{row * row % 7},words of row {row} and more of them\n" for row in range(40))
    (tmp_path / "notes.csv").write_text(f"x,note\n{rows}")
    _, out, _ = cli("data", "check", "notes.csv")
    assert '--column "note=category"' in " ".join(out.split())
    assert "problem.columns" not in out
    code, out, _ = cli("data", "check", "notes.csv", "--column", "note=category")
    assert (code, "left out: note" in out) == (0, False)


def test_short_help(cli: Cli) -> None:
    for words in (["data", "check"], ["predict"], ["doctor"], ["new"], ["runs"]):
        assert cli(*words, "-h")[0] == 0
