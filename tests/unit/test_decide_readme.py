"""The report fills the experiment's README between its markers, and touches nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paralab.errors import Refused
from paralab.record.read import Run, runs
from paralab.report.answer import Answer
from paralab.report.finding import BEGIN, END, fill, marked
from tests.conftest import Cli
from tests.unit.fake_runs import write_experiment

SAID = Answer("Yes.", ("Asked: is a better than b?", "+.060 [.047, .073]"), "yes")
ROOT = Path("experiments")
README = ROOT / "demo" / "README.md"


def written(text: str | bytes, answer: Answer | None = SAID) -> bytes:
    README.parent.mkdir(parents=True, exist_ok=True)
    README.write_bytes(text.encode() if isinstance(text, str) else text)
    fill(ROOT, "demo", "Why?", (), answer)
    return README.read_bytes()


def test_a_missing_readme_is_made_and_filled_again_to_the_same_bytes() -> None:
    README.parent.mkdir(parents=True)
    assert fill(ROOT, "demo", "Why?", (), SAID) == README
    first = README.read_text()
    assert first.startswith("# Demo\n\n<!-- paralab report: begin")
    for part in (
        "**Question.** Why?",
        "`paralab train experiment=demo`",
        "**Finding.** Yes.",
        "- +.060 \\[.047, .073\\]",
    ):
        assert part in first
    stamp = README.stat().st_mtime_ns
    fill(ROOT, "demo", "Why?", (), SAID)
    assert (README.read_text(), README.stat().st_mtime_ns) == (first, stamp)


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_what_is_outside_the_markers_stays_byte_by_byte(before: bytes, after: bytes) -> None:
    marks = b"paralab report"
    if marks in before or marks in after:
        return
    found = written(before + BEGIN.encode() + b"\nold\n" + END.encode() + after)
    assert found.startswith(before + BEGIN.encode())
    assert found.endswith(END.encode() + after)
    assert b"old" not in found
    assert b"**Finding.** Yes." in found


@pytest.mark.parametrize(
    "text",
    ["# Mine\n\nno markers\n", f"{BEGIN}\nno end\n", f"{END}\n{BEGIN}\n", f"{BEGIN}\n{END}\n{BEGIN}\n{END}\n", ""],
)
def test_a_readme_without_one_pair_of_markers_is_its_authors(text: str) -> None:
    assert written(text) == text.encode()


def test_lines_end_as_in_the_rest_of_the_file() -> None:
    found = written(f"# Mine\r\n\r\n{BEGIN}\r\n{END}\r\n")
    assert found.count(b"\n") == found.count(b"\r\n") > 5


@given(st.text(max_size=80), st.text(max_size=80))
def test_no_text_of_a_run_becomes_a_marker_or_markup(question: str, name: str) -> None:
    run = Run(Path("x"), "demo", "p", "t/t", "c", 0, "finished", command=("paralab", "train", name))
    block = marked("demo", question, [run], Answer(name, (question,), "yes"))
    assert (block.count("<!--"), block.count("-->")) == (2, 2)
    assert block.startswith(BEGIN)
    assert block.endswith(END)
    assert "<script" not in marked("demo", "<script>", [run], None)


def test_an_unwritable_readme_is_one_line() -> None:
    README.mkdir(parents=True)
    with pytest.raises(Refused, match=r"README\.md cannot be written"):
        fill(ROOT, "demo", "Why?", (), SAID)


def test_the_command_is_the_experiment_itself_where_it_is_one(cli: Cli) -> None:
    write_experiment(ROOT, seeds=2)
    fill(ROOT, "demo", "Why?", runs(ROOT, "demo"), None)
    assert "**Command.** `paralab train experiment=demo`, then `paralab report demo`." in README.read_text()
