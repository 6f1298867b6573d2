"""The loop: budgets, selection, resume, the record, and what must hold when something breaks."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from paralab.core import Metrics
from paralab.errors import Failed, Interrupted, Refused
from paralab.package.model import load_model
from paralab.record import checkpoint, files, history
from paralab.record.plan import Plan
from paralab.run import Result, run

Make = Callable[..., Plan]
FAST = ("supervised/hist_gradient_boosting", "trainer.stride=5", "budget.steps=30")
RESUMABLE = [
    ("wine", "supervised/mlp", "budget.steps=12", "select=true", "budget.patience=6"),
    ("wine", *FAST),
    ("wine", "reinforcement/linucb", "trainer.stride=20"),
    ("frozen_lake", "reinforcement/q_table", "budget.steps=10000"),
    ("cartpole", "reinforcement/ppo", "budget.steps=1024", "problem.episodes=5"),
    ("cartpole", "reinforcement/dqn", "budget.steps=2048", "problem.episodes=5"),
]


def stop_at(count: int) -> Callable[[int, int, Metrics], int]:
    """A `tell` that asks to stop at the count-th snapshot."""
    seen: Iterator[int] = iter(range(1, 10**9))
    return lambda step, steps, scores: 15 if next(seen) >= count else 0


def artefacts(result: Result) -> dict[str, str]:
    """What a run leaves behind that may not depend on how it came about: answers, rows, and weights.

    A skops file of the same estimator differs in the object ids it holds; its answers are compared instead.
    """
    kept = files.digests(result.folder, leave_out=("checkpoint",))
    return {name: digest for name, digest in kept.items() if name.endswith((".npz", ".safetensors"))}


def without_costs(scores: Metrics) -> dict[str, float]:
    return {name: value for name, value in scores.items() if not name.startswith("cost/") or name == "cost/feedback"}


@pytest.mark.parametrize("words", RESUMABLE, ids=lambda words: words[1])
def test_an_interrupted_run_ends_as_if_it_never_was(words: tuple[str, ...], plan: Make, tmp_path: Path) -> None:
    whole = run(plan(*words, "root=whole"))
    cut = plan(*words, "root=cut")
    for count in (1, 2):  # stopped twice, at different places
        with pytest.raises(Interrupted) as stopped:
            run(cut, tell=stop_at(count))
        assert stopped.value.signal == 15
        assert json.loads((cut.folder / "record.json").read_text())["status"] == "interrupted"
        assert not (cut.folder / "scores.json").exists()
    resumed = run(cut)
    assert artefacts(resumed) == artefacts(whole)
    assert without_costs(resumed.scores) == without_costs(whole.scores)
    steps = [row["step"] for row in history.read(resumed.folder / "history.jsonl")]
    assert steps == [row["step"] for row in history.read(whole.folder / "history.jsonl")]


def test_a_finished_run_is_returned_unchanged_and_force_keeps_the_old_one(plan: Make) -> None:
    first = run(plan("iris", "supervised/logistic"))
    before = {path: path.read_bytes() for path in first.folder.rglob("*") if path.is_file()}
    again = run(plan("iris", "supervised/logistic"))
    assert again.was_there
    assert again.scores == first.scores
    assert {path: path.read_bytes() for path in first.folder.rglob("*") if path.is_file()} == before
    forced = run(plan("iris", "supervised/logistic", "force=true"))
    assert not forced.was_there
    assert forced.folder == first.folder
    replaced = list(Path("experiments/scratch/runs/.replaced").rglob("scores.json"))
    assert [path.read_bytes() for path in replaced] == [before[first.folder / "scores.json"]]


def test_selection_keeps_the_best_and_reports_the_last_beside_it(plan: Make) -> None:
    result = run(plan("digits", "supervised/mlp", "labels=100", "select=true", "budget.steps=40", "budget.patience=3"))
    rows = history.read(result.folder / "history.jsonl")
    judged = [row for row in rows if "valid/accuracy" in row]
    best = max(judged, key=lambda row: row["valid/accuracy"])
    record = json.loads((result.folder / "record.json").read_text())
    assert record["best_step"] == best["step"]  # max takes the first of equals, as the loop does
    assert result.scores["valid/accuracy"] == best["valid/accuracy"]
    assert {"test/accuracy", "test_last/accuracy"} <= set(result.scores)
    assert result.scores["cost/feedback"] == 100
    assert rows[-1]["step"] < 40  # patience ended it
    assert len(judged[judged.index(best) :]) == 4  # the best, and three without improvement


def test_without_validation_the_last_model_is_the_model(plan: Make) -> None:
    result = run(plan("iris", "supervised/mlp", "budget.steps=3"))
    assert not any(name.startswith(("valid/", "test_last/")) for name in result.scores)
    assert not (result.folder / "model_last").exists()


def test_the_scores_are_those_of_the_model_on_disk(plan: Make) -> None:
    result = run(plan("digits", "supervised/mlp", "budget.steps=2"))
    evidence = files.read_arrays(result.folder / "predictions.npz")
    from paralab.datasets.bundled import digits

    answers = load_model(result.folder / "model").predict(digits().inputs[evidence["rows"]])
    np.testing.assert_array_equal(next(iter(answers.values())), evidence["label"])
    assert result.scores["test/accuracy"] == np.mean(evidence["label"] == evidence["truth"])


def test_a_seconds_budget_ends_training_and_the_clock_stops_for_the_judge(
    plan: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a clock where an epoch lasts a second and a validation a thousand."""
    from paralab import run as module
    from paralab.problems.classification import Classification
    from paralab.trainers.supervised.mlp import MLP

    now = [0.0]
    train, judge = MLP.train, Classification.evaluate

    def slow_train(*args: object) -> Iterator[object]:
        for snapshot in train(*args):
            now[0] += 1
            yield snapshot

    def slow_judge(*args: object) -> object:
        now[0] += 1000
        return judge(*args)

    monkeypatch.setattr(MLP, "train", slow_train)
    monkeypatch.setattr(Classification, "evaluate", slow_judge)
    monkeypatch.setattr(module.time, "perf_counter", lambda: now[0])
    result = run(plan("iris", "supervised/mlp", "budget.seconds=5", "select=true"))
    assert result.scores["cost/seconds"] == 5
    assert history.read(result.folder / "history.jsonl")[-1]["step"] == 5


def test_the_grant_ends_a_bandit_and_is_never_exceeded(plan: Make) -> None:
    result = run(plan("digits", "reinforcement/linucb", "labels=73"))
    assert result.scores["cost/feedback"] == result.scores["cost/env_steps"] == result.scores["cost/bits"] == 73
    assert history.read(result.folder / "history.jsonl")[-1]["step"] == 73


def test_a_diverged_run_says_so_and_keeps_its_last_finite_checkpoint(plan: Make) -> None:
    decided = plan(
        "diabetes", "supervised/mlp", "trainer.learning_rate=1e30", "trainer.weight_decay=0", "checkpoint_seconds=0"
    )
    with pytest.raises(Failed, match="train/loss is"):
        run(decided)
    record = json.loads((decided.folder / "record.json").read_text())
    assert record["status"] == "diverged"
    assert "Traceback" in (decided.folder / "run.log").read_text()
    saved = checkpoint.load(decided.folder / "checkpoint", decided.config_id)
    assert saved is None or all(
        np.isfinite(array).all() for array in saved.state.values() if np.asarray(array).dtype.kind == "f"
    )


def test_the_record_tells_where_a_run_comes_from(plan: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_SECRET_TOKEN", "hunter2")
    result = run(plan("wine", "supervised/logistic", "labels=30", "seed=4"))
    text = (result.folder / "record.json").read_text()
    record = json.loads(text)
    assert "hunter2" not in text
    assert record["status"] == "finished"
    assert record["files"].keys() == {
        path.relative_to(result.folder).as_posix()
        for path in result.folder.rglob("*")
        if path.is_file() and path.name not in ("record.json", "run.log") and "checkpoint" not in path.parts
    }
    for name, digest in record["files"].items():
        assert files.digest(result.folder / name) == digest, name
    for key in ("experiment", "problem", "trainer", "config_id", "seed", "labels", "objective", "unit", "steps"):
        assert record[key] is not None, key
    came = record["provenance"]
    assert {"python", "packages", "os", "cpu", "git", "threads", "environment", "lock"} <= set(came)
    assert came["packages"]["numpy"]
    assert came["environment"]["OMP_NUM_THREADS"] == "1"
    assert len(set(record["seeds"].values())) == len(record["seeds"])


def test_a_failure_is_one_line_with_its_traceback_in_the_log(plan: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    from paralab.problems.classification import Classification

    def broken(*args: object) -> object:
        raise RuntimeError("the judge is ill")

    decided = plan("iris", "supervised/logistic")
    with monkeypatch.context() as patch:
        patch.setattr(Classification, "evaluate", broken)
        with pytest.raises(Failed, match="the judge is ill"):
            run(decided)
    assert json.loads((decided.folder / "record.json").read_text())["status"] == "failed"
    assert "RuntimeError: the judge is ill" in (decided.folder / "run.log").read_text()
    assert not (decided.folder / "scores.json").exists()
    assert run(decided).scores  # a failed run is tried again


def test_a_refused_run_leaves_nothing(plan: Make) -> None:
    with pytest.raises(Refused):
        run(plan("diabetes", "supervised/logistic"))
    assert not Path("experiments").exists()


def test_data_that_changed_under_a_checkpoint_is_refused(plan: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    import dataclasses

    from paralab.datasets import bundled

    decided = plan("wine", *FAST)
    with pytest.raises(Interrupted):
        run(decided, tell=stop_at(2))
    wine = bundled.wine()

    def changed():  # type: ignore[no-untyped-def]
        return dataclasses.replace(wine, inputs=wine.inputs + 1)

    changed.__module__, changed.__annotations__ = bundled.__name__, {"return": bundled.Dataset}
    monkeypatch.setattr(bundled, "wine", changed)
    with pytest.raises(Failed, match="the data changed"):
        run(decided)


@pytest.mark.parametrize("words", [("select=true",), ()], ids=["selecting", "last"])
def test_a_run_killed_while_it_is_scored_does_not_train_again(
    words: tuple[str, ...], plan: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    from paralab import run as module
    from paralab.trainers.supervised.mlp import MLP

    def die(*args: object) -> None:
        raise KeyboardInterrupt

    def never(*args: object) -> Iterator[object]:
        raise AssertionError("it trained again")
        yield

    whole = run(plan("wine", "supervised/mlp", "budget.steps=7", "root=whole", *words))
    cut = plan("wine", "supervised/mlp", "budget.steps=7", "root=cut", *words)
    with monkeypatch.context() as patch:
        patch.setattr(module, "_score", die)
        with pytest.raises(KeyboardInterrupt):
            run(cut)
    monkeypatch.setattr(MLP, "train", never)
    scored = run(cut)
    assert artefacts(scored) == artefacts(whole)
    assert without_costs(scored.scores) == without_costs(whole.scores)
