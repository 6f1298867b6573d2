"""A finished run continued: a longer run of the same settings goes on from the shorter one's checkpoint."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from paralab.errors import Interrupted, Refused
from paralab.record import files, history, lineage, read
from paralab.record.plan import Plan
from paralab.run import Result, run
from tests.conftest import Cli
from tests.unit.test_run import artefacts, stop_at, without_costs

Make = Callable[..., Plan]
BOOSTING = ("wine", "supervised/hist_gradient_boosting", "trainer.stride=5", "trainer.max_leaves=4")
LAKE = ("frozen_lake", "reinforcement/q_table", "problem.episodes=10")
EXACT = [
    (BOOSTING, 15, 30),
    ((*BOOSTING, "select=true", "budget.evaluate_every=10"), 20, 40),
    ((*BOOSTING, "select=true", "budget.evaluate_every=10", "budget.patience=2"), 20, 100),
    ((*BOOSTING, "select=true"), 20, 25),  # validated at every snapshot, both
    (LAKE, 4000, 10000),
    (LAKE, 3000, 3500),  # it ended at 4000: nothing is left to train
    ((*LAKE, "select=true", "budget.evaluate_every=2000"), 4000, 8000),
]
INEXACT = [
    (("wine", "supervised/mlp"), 6, 12, "its schedule ended at 6"),
    (("digits", "reinforcement/linucb", "labels=200"), 100, 200, "its schedule ended at 100"),
    pytest.param(
        ("cartpole", "reinforcement/ppo", "problem.episodes=3"),
        256,
        512,
        "its schedule ended at 256",
        marks=pytest.mark.slow,
    ),
    ((*BOOSTING, "select=true", "trainer.stride=1"), 20, 60, "it was validated every 1 steps, not 3"),
    ((*BOOSTING, "select=true", "budget.evaluate_every=7"), 10, 30, "it was validated at its end"),
    ((*BOOSTING, "budget.seconds=1000"), 10, 30, "its end hung on the clock"),
]


def record(result: Result) -> dict[str, Any]:
    said: dict[str, Any] = files.read_json(result.folder / "record.json")
    return said


def lines(result: Result) -> list[dict[str, Any]]:
    rows = history.read(result.folder / "history.jsonl")
    return [{key: value for key, value in row.items() if key != "seconds"} for row in rows]


def same(one: Result, other: Result) -> None:
    assert artefacts(one) == artefacts(other)
    assert without_costs(one.scores) == without_costs(other.scores)
    assert lines(one) == lines(other)
    assert record(one)["steps"] == record(other)["steps"]
    assert record(one)["best_step"] == record(other)["best_step"]


@pytest.mark.parametrize(("words", "few", "many"), EXACT, ids=lambda value: str(value))
def test_a_continued_run_is_the_run_from_the_start(words: tuple[str, ...], few: int, many: int, plan: Make) -> None:
    whole = run(plan(*words, f"budget.steps={many}", "root=whole"))
    first = run(plan(*words, f"budget.steps={few}", "root=parts"))
    before = {path: path.read_bytes() for path in first.folder.rglob("*") if path.is_file()}
    said: list[str] = []
    second = run(plan(*words, f"budget.steps={many}", "root=parts"), say=said.append)
    same(second, whole)
    step = record(first)["steps"]
    assert len(said) == 1
    assert f"continues the run of {few} " in said[0]
    assert f"{first.folder}, from step {step}" in said[0]
    parent = {"folder": str(first.folder), "config_id": first.folder.parent.name, "step": step}
    assert record(second)["parent"] == parent
    assert second.parent == f"{first.folder} at step {step}"
    assert (whole.parent, record(whole)["parent"]) == (None, None)
    assert second.folder != first.folder
    assert {path: path.read_bytes() for path in first.folder.rglob("*") if path.is_file()} == before
    assert second.scores["cost/seconds"] >= first.scores["cost/seconds"]
    assert second.scores["cost/peak_rss_mb"] >= first.scores["cost/peak_rss_mb"]


def test_the_longest_is_continued_and_a_chain_ends_as_the_whole(plan: Make) -> None:
    whole = run(plan(*BOOSTING, "budget.steps=60", "root=whole"))
    folders = [run(plan(*BOOSTING, f"budget.steps={steps}")).folder for steps in (10, 20, 40)]
    last = run(plan(*BOOSTING, "budget.steps=60"))
    same(last, whole)
    for result, parent in zip((*folders[1:], last.folder), folders, strict=True):
        assert files.read_json(result / "record.json")["parent"]["folder"] == str(parent)
    shorter = run(plan(*BOOSTING, "budget.steps=15"))  # a longer one is no parent
    assert record(shorter)["parent"]["folder"] == str(folders[0])


def test_a_default_budget_is_continued_but_never_looks_for_a_parent(
    plan: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = lineage.find

    def never(*args: object) -> None:
        raise AssertionError("it looked for a parent")

    monkeypatch.setattr(lineage, "find", never)
    first = run(plan(*BOOSTING, "trainer.default_steps=20"))
    run(plan("wine", "supervised/logistic", "budget.steps=3"))  # one fit
    monkeypatch.setattr(lineage, "find", find)
    assert record(run(plan(*BOOSTING, "budget.steps=30")))["parent"]["folder"] == str(first.folder)


@pytest.mark.parametrize("word", ["trainer.l2=.5", "seed=1", "labels=60", "split_seed=4", "repeat=1", "name=other"])
def test_a_run_of_other_settings_is_no_parent(word: str, plan: Make) -> None:
    run(plan(*BOOSTING, "budget.steps=10"))
    said: list[str] = []
    result = run(plan(*BOOSTING, "budget.steps=20", word), say=said.append)
    assert (result.parent, said) == (None, [])


@pytest.mark.parametrize(("words", "few", "many", "why"), INEXACT, ids=lambda value: str(value))
def test_what_would_end_elsewhere_is_continued_only_when_asked(
    words: tuple[str, ...], few: int, many: int, why: str, plan: Make
) -> None:
    first = run(plan(*words, f"budget.steps={few}"))
    said: list[str] = []
    fresh = run(plan(*words, f"budget.steps={many}"), say=said.append)
    assert fresh.parent is None
    assert len(said) == 1
    assert f"extend=true goes on from the run of {few} " in said[0]
    assert why in said[0]
    longer = run(plan(*words, f"budget.steps={many}", "extend=true"), say=said.append)
    assert longer.parent == f"{first.folder} at step {record(first)['steps']}"
    assert longer.folder not in (first.folder, fresh.folder)
    assert lines(longer)[: len(lines(first))] == lines(first)
    assert [row["step"] for row in lines(longer)] == sorted({row["step"] for row in lines(longer)})
    assert record(longer)["steps"] >= many
    assert longer.scores["cost/feedback"] == fresh.scores["cost/feedback"]
    assert longer.scores["cost/seconds"] > first.scores["cost/seconds"]


def test_what_was_extended_is_itself_continued_only_when_asked(plan: Make) -> None:
    words = (*BOOSTING, "select=true", "budget.evaluate_every=7")
    for steps in (10, 35):
        extended = run(plan(*words, f"budget.steps={steps}", *["extend=true"] * (steps > 10)))
    said: list[str] = []
    assert run(plan(*words, "budget.steps=70"), say=said.append).parent is None
    assert "it went on from a shorter one itself by extend=true" in said[0]
    again = run(plan(*words, "budget.steps=70", "extend=true"))
    assert again.parent is not None
    assert str(extended.folder) in again.parent


def test_one_that_ended_early_is_no_parent(plan: Make) -> None:
    words = (*BOOSTING, "select=true", "budget.evaluate_every=5", "budget.patience=1")
    first = run(plan(*words, "budget.steps=500"))
    assert record(first)["steps"] < 500
    with pytest.raises(Refused, match="used them all"):
        run(plan(*words, "budget.steps=1000", "extend=true"))
    assert run(plan(*words, "budget.steps=1000")).parent is None


def test_patience_that_ends_with_the_budget_stays_ended(plan: Make) -> None:
    words = (*BOOSTING, "select=true", "budget.evaluate_every=5", "budget.patience=1")
    whole = run(plan(*words, "budget.steps=500"))
    steps = record(whole)["steps"]
    run(plan(*words, f"budget.steps={steps}"))  # patience and budget end it at once
    longer = run(plan(*words, "budget.steps=1000"))
    assert longer.parent is not None
    same(longer, whole)


def test_extend_without_a_parent_is_refused_and_leaves_nothing(plan: Make) -> None:
    cases = {
        ("wine", "supervised/mlp", "budget.steps=9"): r"experiments/scratch/runs/wine/supervised/mlp has the same",
        ("wine", "supervised/mlp"): "needs budget.steps=",
        ("wine", "supervised/logistic", "budget.steps=9"): "learns in one fit",
    }
    for words, message in cases.items():
        with pytest.raises(Refused, match=message):
            run(plan(*words, "extend=true"))
        assert not Path("experiments").exists()


def test_force_trains_from_the_start_and_a_refused_extension_moves_nothing(plan: Make) -> None:
    run(plan(*BOOSTING, "budget.steps=10"))
    assert run(plan(*BOOSTING, "budget.steps=20", "force=true")).parent is None
    extended = run(plan(*BOOSTING, "budget.steps=30", "extend=true"))
    for path in Path("experiments/scratch/runs/wine/supervised/hist_gradient_boosting").iterdir():
        if path != extended.folder.parent:
            shutil.rmtree(path)
    with pytest.raises(Refused, match="train one first"):
        run(plan(*BOOSTING, "budget.steps=30", "extend=true", "force=true"))
    assert run(plan(*BOOSTING, "budget.steps=30", "extend=true")).was_there


def test_an_interrupted_continuation_ends_as_the_whole_and_keeps_its_parent(plan: Make) -> None:
    whole = run(plan(*BOOSTING, "budget.steps=60", "root=whole"))
    first = run(plan(*BOOSTING, "budget.steps=30"))
    longer = plan(*BOOSTING, "budget.steps=60")
    for _ in range(2):
        with pytest.raises(Interrupted):
            run(longer, tell=stop_at(2))
        assert files.read_json(longer.folder / "record.json")["parent"]["folder"] == str(first.folder)
    shutil.rmtree(first.folder)  # no longer needed
    result = run(longer)
    same(result, whole)
    assert record(result)["parent"]["step"] == 30


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def _no_checkpoint(folder: Path) -> None:
    for path in folder.glob("checkpoint/*/state.npz"):
        _flip(path)


def _other_version(folder: Path) -> None:
    for path in folder.glob("checkpoint/*/manifest.json"):
        path.write_text(json.dumps({**json.loads(path.read_text()), "versions": {"numpy": "0.1"}}))


def _other_data(folder: Path) -> None:
    arrays = files.read_arrays(folder / "scenario.npz")
    files.write_arrays(folder / "scenario.npz", {**arrays, "data": arrays["data"][::-1]})


@pytest.mark.filterwarnings("ignore:.*is damaged")
@pytest.mark.parametrize(
    ("harm", "why"),
    [(_no_checkpoint, "damaged"), (_other_version, "numpy"), (_other_data, "its data changed since")],
)
def test_a_parent_that_cannot_be_continued(harm: Callable[[Path], None], why: str, plan: Make) -> None:
    first = run(plan(*BOOSTING, "budget.steps=10"))
    harm(first.folder)
    said: list[str] = []
    result = run(plan(*BOOSTING, "budget.steps=20"), say=said.append)
    assert result.parent is None
    assert "trained from the start" in said[0]
    assert why in said[0]
    extend = plan(*BOOSTING, "budget.steps=20", "extend=true")
    with pytest.raises(Refused, match=why):
        run(extend)
    assert not extend.folder.exists()


@pytest.mark.parametrize(
    ("name", "text"),
    [("config.yaml", "[]"), ("config.yaml", "problem: ["), ("record.json", "{"), ("record.json", "[]")],
)
def test_a_damaged_sibling_is_passed_over(name: str, text: str, plan: Make) -> None:
    first = run(plan(*BOOSTING, "budget.steps=10"))
    second = run(plan(*BOOSTING, "budget.steps=15"))
    (second.folder / name).write_text(text)
    assert record(run(plan(*BOOSTING, "budget.steps=20")))["parent"]["folder"] == str(first.folder)


def test_commands_tell_of_the_parent(cli: Cli) -> None:
    words = ("train", "problem=wine", "trainer=supervised/hist_gradient_boosting", "trainer.stride=5")
    assert cli(*words, "budget.steps=10")[0] == 0
    code, out, err = cli(*words, "budget.steps=20")
    folder = read.runs(Path("experiments"))[0].folder.parent.parent
    assert code == 0
    assert f"continued from {folder}" in out
    assert "continues the run of 10 trees in" in err
    parents = {run["parent"] for run in json.loads(cli("runs", "--json")[1])}
    assert None in parents
    assert len(parents) == 2
    assert cli("runs")[1].count("continued from") == 1
    assert json.loads(cli(*words, "budget.steps=20", "--json")[1])["parent"] in parents
    quiet = cli("train", "problem=wine", "trainer=supervised/mlp", "budget.steps=2", "-q")
    assert quiet[2] == ""


def test_a_resumed_run_says_so_once_and_its_steps_do_not(plan: Make) -> None:
    """Of a trainer that measures nothing while it trains."""
    decided = plan(*BOOSTING, "budget.steps=20")
    with pytest.raises(Interrupted):
        run(decided, tell=stop_at(2))
    said: list[str] = []
    told: list[int] = []
    run(decided, say=said.append, tell=lambda step, steps, scores: told.append(step) or 0)  # type: ignore[func-returns-value]
    assert said == ["resumed from step 10 of 20"]
    assert told == [15]
