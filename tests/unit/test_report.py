"""The report: what is averaged, what is said, what is written, and that nothing in a name can do harm."""

from __future__ import annotations

import base64
import csv
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml
from rich.console import Console

from paralab.compare.gather import blocks
from paralab.errors import Refused
from paralab.record.read import runs
from paralab.report.advice import advice, missing
from paralab.report.figures.drawn import drawn
from paralab.report.figures.efficiency import rises
from paralab.report.notes import notes
from paralab.report.terminal import show
from paralab.report.write import Report, report
from tests.unit.fake_runs import write_experiment, write_run

EVIL = '<script>alert("x")</script>'


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Report:
    root = tmp_path_factory.mktemp("root")
    write_experiment(root)
    write_run(root, seed=7, labels=20, score=None, status="failed", error="ValueError: too few rows")
    return report(root, "demo")


def printed(made: Report, width: int = 80) -> str:
    console = Console(width=width, record=True, file=(Path(made.page).parent / "out.txt").open("w"))
    show(made, console)
    console.file.close()
    return console.export_text()


def test_aggregates_as_by_hand(tmp_path: Path) -> None:
    for seed, score in enumerate([0.90, 0.92, 0.94]):
        write_run(tmp_path, seed=seed, labels=20, score=score, seconds=1.0 + seed)
    write_run(tmp_path, seed=0, labels=None, score=0.99)
    (block,) = blocks(runs(tmp_path))
    assert block.budgets == (20, None)
    (method,) = block.methods
    cell = method.cells[20]
    assert (cell.score.n, cell.seeds, cell.values) == (3, (0, 1, 2), (0.90, 0.92, 0.94))
    assert cell.score.mean == pytest.approx(0.92)
    assert cell.score.sd == pytest.approx(0.02)
    assert cell.cost("seconds") == pytest.approx(2.0)
    assert cell.cost("feedback") == 20
    assert method.cells[None].score.n == 1
    assert method.cells[None].score.sd is None


def test_unfinished_runs_are_named_and_not_averaged(tmp_path: Path) -> None:
    write_run(tmp_path, seed=0, score=0.9)
    write_run(tmp_path, seed=1, score=None, status="failed", error="boom")
    write_run(tmp_path, seed=2, score=None, status="interrupted")
    write_run(tmp_path, seed=3, score=0.1, status="diverged")
    (write_run(tmp_path, seed=4, score=0.1) / "scores.json").write_text("{")
    write_run(tmp_path, seed=5, score=float("nan"))
    found = runs(tmp_path)
    (block,) = blocks(found)
    assert block.methods[0].cells[None].seeds == (0,)
    lines = missing(found)
    assert len(lines) == 5
    for status in ("failed", "interrupted", "diverged", "damaged", "finished without a score"):
        assert any(line.startswith(status) for line in lines)
    assert "boom" in lines[0]
    assert not any(line.startswith("damaged") and "labels=" in line for line in lines)  # its record tells of none
    assert any("flatters" in note for note in notes(block, found))


def test_objectives_and_problems_never_meet(tmp_path: Path) -> None:
    write_run(tmp_path, score=0.9)
    write_run(tmp_path, "reinforcement/ppo", score=480.0, problem="cartpole", objective="return")
    write_run(tmp_path, "unsupervised/kmeans", score=0.7, objective="ari")
    assert [(b.problem, b.objective) for b in blocks(runs(tmp_path))] == [
        ("cartpole", "return"),
        ("digits", "accuracy"),
        ("digits", "ari"),
    ]
    made = report(tmp_path, "demo")
    stems = ["cartpole_final_scores", "digits_final_scores", "digits_final_scores_2"]
    assert [path.stem for path in made.figures] == stems
    assert all(path.with_suffix(".svg").is_file() for path in made.figures)


def test_settings_of_one_trainer_are_told_apart(tmp_path: Path) -> None:
    for strength in (1, 10):
        for seed in (0, 1):
            settings: dict[str, object] = {"C": strength, "scale": "range"}
            write_run(tmp_path, seed=seed, labels=20, settings=settings, score=0.5 + strength / 100)
    write_run(tmp_path, seed=0, labels=50, settings={"C": 10, "scale": "range"})
    (block,) = blocks(runs(tmp_path))
    assert [(m.name, sorted(m.cells)) for m in block.methods] == [
        ("logistic (C=1)", [20]),
        ("logistic (C=10)", [20, 50]),
    ]


def test_what_follows_from_the_budget_is_no_variant(tmp_path: Path) -> None:
    for labels in (20, 50):
        write_run(tmp_path, labels=labels, settings={"horizon": labels})
    (block,) = blocks(runs(tmp_path))
    assert [method.name for method in block.methods] == ["logistic"]


def set_up(root: Path, seed: int, labels: int, **sections: object) -> None:
    """A run whose config holds more than its trainer."""
    folder = write_run(root, labels=labels, settings={"x": seed}, seed=seed)
    config = yaml.safe_load((folder / "config.yaml").read_text()) | {"trainer": {}} | sections
    (folder / "config.yaml").write_text(yaml.safe_dump(config))


def named(root: Path) -> list[str]:
    (block,) = blocks(runs(root))
    return [method.name.replace(method.trainer, "") for method in block.methods]


def test_a_variant_is_named_by_what_was_set(tmp_path: Path) -> None:
    for seed, (steps, seconds, select) in enumerate([(40, None, True), (None, 60, False)]):
        scenario = {"scenario": {"select": select, "seed": seed}}
        budget = {"steps": steps, "seconds": seconds, "evaluate_every": 10 if select else None}
        set_up(tmp_path, seed, 20, problem=scenario, budget=budget, select=select, trainer={"horizon": steps})
    assert named(tmp_path) == [
        "logistic (budget.evaluate_every=10, budget.steps=40, select)",
        "logistic (budget.seconds=60)",
    ]


def test_a_horizon_of_its_own_is_named(tmp_path: Path) -> None:
    for seed, horizon in enumerate([None, 9]):
        set_up(tmp_path, seed, 20, trainer={"horizon": horizon}, budget={"steps": None})
    assert named(tmp_path) == ["logistic", "logistic (horizon=9)"]


def test_null_is_not_false(tmp_path: Path) -> None:
    for seed, value in enumerate([None, False, True]):
        set_up(tmp_path, seed, 20 + seed, trainer={"bias": value})
    assert named(tmp_path) == ["logistic", "logistic (bias)", "logistic (bias=false)"]


def test_copies_of_the_root_tell_nothing_apart(tmp_path: Path) -> None:
    for seed in (0, 1):
        set_up(tmp_path, seed, 20 + seed, problem={"scenario": {"select": bool(seed), "split_seed": seed}})
    assert named(tmp_path) == ["logistic"]


def test_metrics_of_the_last_snapshot_stand_in_no_table(tmp_path: Path) -> None:
    more = {"test_last/accuracy": 0.1234, "test/log_loss": 0.5, "test_last/log_loss": 0.4321}
    for labels in (20, 50):
        write_run(tmp_path, labels=labels, more=more)
    made = report(tmp_path, "demo")
    page = re.sub(r"<svg.*?</svg>", "", made.page.read_text(), flags=re.DOTALL)
    for text in (page, (made.page.parent / "table.md").read_text(), printed(made)):
        assert ".123" not in text
        assert ".432" not in text


def test_paradigms_stand_in_order(demo: Report) -> None:
    (block,) = demo.blocks
    assert [name for name, _ in block.paradigms] == ["supervised", "semi_supervised", "unsupervised", "reinforcement"]


def test_notes_say_what_a_reader_must_know(demo: Report) -> None:
    said = " ".join(notes(demo.blocks[0], demo.runs))
    assert "5 seeds a cell: descriptive only." in said
    assert "class proportions that a bandit does not get" in said
    assert "counts pulls" in said
    assert "kmeans is told k = 10, the true number of classes." in said
    assert "kmeans_features is told" not in said


def test_files_are_written_and_agree(demo: Report) -> None:
    folder = demo.page.parent
    names = {"table.md", "table.csv", "table.json", "label_efficiency.svg", "label_efficiency.png", "index.html"}
    assert names <= {path.name for path in folder.iterdir()}
    with (folder / "table.csv").open() as file:
        rows = list(csv.DictReader(file))
    cells = json.loads((folder / "table.json").read_text())["cells"]
    assert len(rows) == len(cells) == 30
    assert [float(row["mean"]) for row in rows] == [cell["mean"] for cell in cells]
    assert {row["seeds"] for row in rows} == {"5"}
    assert (folder / "label_efficiency.png").read_bytes().startswith(b"\x89PNG")
    markdown = (folder / "table.md").read_text()
    assert "| supervised | logistic |" in markdown
    assert "ValueError: too few rows" in markdown


def test_written_twice_is_the_same(demo: Report) -> None:
    folder = demo.page.parent
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.suffix != ".txt"}
    assert len(before) > 151  # a page a run among them
    for path in before:
        path.unlink()
    report(folder.parent.parent, "demo")
    assert before == {path: path.read_bytes() for path in before}


def test_figures_are_well_formed(demo: Report) -> None:
    for path in demo.page.parent.glob("*.svg"):
        assert ElementTree.fromstring(path.read_text()).tag.endswith("svg")


class Ids(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.tags: list[str] = []
        self.loaded: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.ids += [value for name, value in attrs if name == "id" and value]
        self.loaded += [value for name, value in attrs if name == "src" and value]
        if tag == "th":
            assert dict(attrs).get("scope") in ("row", "col", "rowgroup")


def test_page_is_whole_and_accessible(demo: Report) -> None:
    page = demo.page.read_text()
    seen = Ids()
    seen.feed(page)
    assert len(seen.ids) == len(set(seen.ids))
    assert seen.loaded == []
    assert seen.tags.count("script") == 1
    (script,) = re.findall(r"<script>(.*?)</script>", page, flags=re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
    assert f"script-src 'sha256-{digest}';" in policy
    assert "default-src 'none'" in policy
    assert not re.search(r"https?://(?!www\.w3\.org/)", page)
    assert 'role="img" aria-label="Mean test accuracy on digits with 20 labels: label_spreading' in page
    assert "How much of the answer must be shown?" in page
    assert "8979f89c0ffe" in page
    assert "0 to 4" in page
    assert "ValueError: too few rows" in page


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    write_run(tmp_path, "supervised/a$x$|b", score=0.9, labels=20, question=EVIL)
    write_run(tmp_path, "supervised/a$x$|b", score=0.9, labels=50, settings={"C": EVIL}, seed=1)
    write_run(tmp_path, "supervised/a$x$|b", score=0.9, labels=50, settings={"C": "[red]"}, seed=2)
    write_run(tmp_path, score=None, status="failed", error=f"{EVIL} \x1b[2J [bold]")
    made = report(tmp_path, "demo")
    page = made.page.read_text()
    assert EVIL not in page
    assert "&lt;script&gt;" in page
    assert "<script" not in (made.page.parent / "table.md").read_text()
    for figure in made.figures:
        ElementTree.fromstring(figure.with_suffix(".svg").read_text())
    shown = printed(made, width=200)
    assert "\x1b[2J" not in shown
    assert "[red]" in shown
    assert "[bold]" in shown


def test_terminal_keeps_to_eighty_columns(demo: Report) -> None:
    shown = printed(demo)
    assert max(map(len, shown.split("figure")[0].splitlines())) <= 80
    for words in ("label_spreading", "150 finished, 1 failed", "index.html", "label_efficiency.png", "seed=range(10)"):
        assert words in shown
    assert "label_spreadin\n" not in shown


def test_many_budgets_fold_into_tables_below_one_another(tmp_path: Path) -> None:
    for labels in range(20, 220, 20):
        write_run(tmp_path, labels=labels)
        write_run(tmp_path, labels=labels, seed=1)
    shown = printed(report(tmp_path, "demo"))
    assert max(map(len, shown.split("figure")[0].splitlines())) <= 80
    assert "200" in shown


def test_advice_goes_on_from_what_was_run(demo: Report) -> None:
    commands = [command for command, _ in advice("demo", demo.runs, demo.blocks)]
    assert commands[:2] == ["paralab train experiment=demo", "paralab train experiment=demo 'seed=range(10)'"]
    assert commands[2].startswith("paralab runs demo --root ")


@pytest.mark.parametrize("status", ["interrupted", "running", "failed", None])
def test_advice_first_goes_on_with_the_seeds_asked(tmp_path: Path, status: str | None) -> None:
    asked = ["paralab", "train", "name=demo", "seed=range(40)"]
    folders = [write_run(tmp_path)]
    if status:
        folders.append(write_run(tmp_path, seed=1, score=None, status=status))
    for folder in folders:
        record = json.loads((folder / "record.json").read_text())
        (folder / "record.json").write_text(json.dumps(record | {"command": asked}))
    found = runs(tmp_path)
    commands = [command for command, _ in advice("demo", found, blocks(found))]
    assert commands[0] == "paralab train name=demo 'seed=range(40)'"
    assert not any("range(10)" in command for command in commands)


def test_time_that_does_not_rise_is_drawn_without_a_strong_line() -> None:
    assert rises([0.01, 0.1, 1.0])
    assert not rises([0.033, 0.033, 0.037])
    assert not rises([0.1, 0.4, 0.1])


def test_nothing_finished_is_refused_with_the_command(tmp_path: Path) -> None:
    write_run(tmp_path, score=None, status="failed")
    with pytest.raises(Refused, match=r"no finished run .*1 failed.* paralab train experiment=demo"):
        report(tmp_path, "demo")
    assert not (tmp_path / "demo" / "report").exists()


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    write_run(tmp_path)
    (tmp_path / "demo" / "report").write_text("in the way")
    with pytest.raises(Refused, match="cannot be written"):
        report(tmp_path, "demo")


def test_method_without_feedback_is_drawn(tmp_path: Path) -> None:
    for labels in (20, None):
        write_run(tmp_path, labels=labels, seconds=0.0)
        write_run(tmp_path, "unsupervised/isolation_forest", labels=labels, feedback=0.0)
    (block,) = blocks(runs(tmp_path))
    assert ElementTree.fromstring(drawn(block)[0].svg).tag.endswith("svg")
