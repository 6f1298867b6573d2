"""The same comparison for people and for programs; nothing in a name can do harm."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from paralab.compare import formats
from paralab.compare.compare import compare
from paralab.compare.layout import Grid, Row, said_p, signed
from paralab.compare.result import Comparison
from paralab.compare.terminal import show
from paralab.record.read import runs
from paralab.statistics.interval import Interval
from tests.unit.fake_runs import write_experiment, write_run

EVIL = "<script>_*`|[x](y)&%$#{~^\\ \x1b[2J"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    root = tmp_path_factory.mktemp("root")
    write_experiment(root, seeds=6)
    write_run(root, seed=7, labels=20, score=None, status="failed", error="boom")
    return compare(runs(root))


def printed(comparison: Comparison, width: int = 80) -> str:
    console = Console(width=width, record=True, file=io.StringIO(), highlight=False)
    show(comparison, console)
    return console.export_text()


def test_eighty_columns_are_enough(demo: Comparison) -> None:
    text = printed(demo)
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text
    for said in ("digits: test accuracy", "20 labels", "area under", "Corrected resampled t", "adj. p", "true number"):
        assert said in text
    assert "and 15 more rows" in text


def test_json_holds_everything_strictly(demo: Comparison) -> None:
    data = json.loads(formats.machine(demo), parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert (len(data["standings"]), len(data["pairs"]), len(data["areas"])) == (30, 75, 6)
    pair = data["pairs"][0]
    assert {"problem", "label_budget", "one", "other", "n", "effect", "p", "adjusted"} <= set(pair)
    assert {"test", "why", "about", "improvement", "detectable", "more_seeds"} <= set(pair)
    assert pair["label_budget"] == 20
    assert data["standings"][-1]["label_budget"] == "all"
    assert {"low", "high", "value"} <= set(pair["effect"])


def test_what_is_unknown_is_null(tmp_path: Path) -> None:
    for trainer in ("supervised/logistic", "supervised/forest"):
        write_run(tmp_path, trainer, seed=len(trainer))
    pair = json.loads(formats.machine(compare(runs(tmp_path))))["pairs"][0]
    assert (pair["effect"]["low"], pair["p"]) == (None, None)


def test_csv_has_a_line_each(demo: Comparison) -> None:
    lines = list(csv.DictReader(io.StringIO(formats.comma_separated(demo))))
    kinds = [line["table"] for line in lines]
    assert (kinds.count("standing"), kinds.count("pair"), kinds.count("area")) == (30, 75, 6)
    first = next(line for line in lines if line["table"] == "pair")
    assert float(first["effect_low"]) <= float(first["effect_value"]) <= float(first["effect_high"])
    assert all(None not in line for line in lines)


def test_markdown_tables_are_whole(demo: Comparison) -> None:
    for block in re.findall(r"(?:^\|.*\n)+", formats.markdown(demo), re.MULTILINE):
        assert len({line.count("|") - line.count("\\|") for line in block.splitlines()}) == 1


def evil(root: Path) -> Comparison:
    for seed in range(2):
        for value in (EVIL, "plain"):
            write_run(root, seed=seed, settings={"name": value}, score=0.5 + len(value) / 100)
    return compare(runs(root))


def test_a_name_can_do_no_harm(tmp_path: Path) -> None:
    found = evil(tmp_path)
    assert EVIL in found.standings[0].method
    assert "\x1b" not in printed(found)
    text = formats.markdown(found)
    assert "<script>" not in text
    assert not re.search(r"(?<!\\)\[x", text)
    body = formats.latex(found)
    assert not re.search(r"(?<!\\)[%#$&](?=\{\\textasciitilde)", body)
    assert "<script>" not in body


def test_a_formula_in_a_cell_is_a_text() -> None:
    assert formats._cell("=1+1") == "'=1+1"
    assert formats._cell(-0.5) == -0.5


@given(st.text(max_size=40))
@settings(max_examples=200, deadline=None)
def test_latex_leaves_no_sign_unescaped(text: str) -> None:
    grid = Grid(text, ("a", text), (("", (Row((text, text)),)),))
    plain = formats._tabular(grid)
    stripped = re.sub(r"\\(?:text\w+\{\}|[&%$#_{}])|\$(?:\\pm|-)\$", "", formats._escaped(text))
    assert not set(stripped) & set("\\&%$#_{}~^")
    assert plain.count(r"\begin") == plain.count(r"\end") == 2


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no LaTeX here")
def test_latex_compiles(demo: Comparison, tmp_path: Path) -> None:
    source = (
        "\\documentclass{article}\\usepackage{booktabs}\\begin{document}\n" + formats.latex(demo) + "\\end{document}"
    )
    (tmp_path / "x.tex").write_text(source)
    subprocess.run(["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "x.tex"], cwd=tmp_path, check=True)


def test_figures_are_said_as_in_tables() -> None:
    assert signed(Interval(0.119, 0.1, 0.138, 0.95, "t")) == "+.119 [.100, .138]"
    assert signed(Interval(-1.5, -20.25, 3.0, 0.95, "t")) == "-1.5 [-20.2, 3.0]"
    assert signed(Interval(0.1, float("nan"), float("nan"), 0.95, "one seed")) == "+.100"
    assert (said_p(None), said_p(0.0001), said_p(0.05), said_p(1.0)) == ("-", "<.001", ".050", "1.000")
