"""Promises of the loop, each found by planting the bug that would break it."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from paralab import run as run_module
from paralab import seeds
from paralab.core import Environment, Meaning, Verdict, show
from paralab.errors import Failed, Interrupted, Refused
from paralab.package.model import load_model
from paralab.problems.classification import Classification
from paralab.record import files, history, lock
from paralab.record.plan import Plan
from paralab.resume import Judge
from paralab.run import run
from tests.unit.test_problems import Fixed, classification
from tests.unit.test_rl_control import Always, control, scenario
from tests.unit.test_run import stop_at

Make = Callable[..., Plan]


@pytest.mark.parametrize("split", ["valid", "test"])
def test_a_split_is_judged_on_its_own_rows(split: Any) -> None:
    from gymnasium.spaces import Discrete

    problem = classification(labels=30, select=True)
    verdict = problem.evaluate(Fixed(Meaning.LABEL, Discrete(3), problem.data, problem.data.targets), split)
    np.testing.assert_array_equal(verdict.evidence["rows"], problem.indices[split])


def test_a_bandits_contexts_are_the_training_rows() -> None:
    """Also those that another view would withhold: a bandit has no validation."""
    problem = classification(labels=60, select=True)
    env = show(problem, Environment).make(0)
    seen = {env.reset()[0].tobytes() for _ in range(3000)}
    rows = np.union1d(problem.rows.train, problem.rows.valid)
    assert seen == {row.tobytes() for row in problem.data.inputs[rows]}


def test_validation_episodes_are_played_on_validation_seeds() -> None:
    problem = control(scenario=scenario(select=True))
    for split in ("valid", "test"):
        played = problem.evaluate(Always(1), split).evidence["seeds"]
        np.testing.assert_array_equal(played, problem.indices[f"{split}_seeds"])


def test_training_and_evaluation_episodes_share_no_seed_and_follow_the_seed() -> None:
    first = show(control(), Environment).make(0).unwrapped.np_random_seed
    assert first == seeds.integer(0, "environment")
    assert first != show(control(scenario=scenario(seed=1)), Environment).make(0).unwrapped.np_random_seed
    assert control().indices["test_seeds"].tolist() != control(scenario=scenario(seed=1)).indices["test_seeds"].tolist()
    for seed in range(20):
        trained, valid, test = (
            seeds.integers(seed, s, 100) for s in ("environment", "valid episodes", "test episodes")
        )
        assert max(trained) < 2**29 <= min(valid) <= max(valid) < 2**30 <= min(test)


def test_a_bandits_contexts_follow_the_seed() -> None:
    draws = [show(classification(seed=s, split_seed=0), Environment).make(0) for s in (0, 1)]
    one, other = (np.stack([env.reset()[0] for _ in range(20)]) for env in draws)
    assert not np.array_equal(one, other)


def test_the_trainer_is_seeded_by_the_run(plan: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    from paralab.trainers.supervised.mlp import MLP

    train, given = MLP.train, []
    monkeypatch.setattr(
        MLP, "train", lambda self, shown, seed, state=None: given.append(seed) or train(self, shown, seed, state)
    )
    for seed in (0, 1):
        run(plan("iris", "supervised/mlp", "budget.steps=1", f"seed={seed}"))
    assert given == [seeds.integer(seed, "trainer") for seed in (0, 1)]


def test_the_model_is_the_best_on_validation_and_model_last_the_last(plan: Make) -> None:
    from paralab.build import job_of

    decided = plan(
        "digits", "supervised/mlp", "labels=100", "select=true", "budget.steps=40", "trainer.learning_rate=.03"
    )
    result, problem = run(decided), job_of(decided).problem
    judged = [row for row in history.read(result.folder / "history.jsonl") if "valid/accuracy" in row]
    model, last = (load_model(result.folder / name) for name in ("model", "model_last"))
    assert problem.evaluate(model, "valid").scores["neg_log_loss"] == pytest.approx(result.scores["valid/neg_log_loss"])
    assert problem.evaluate(last, "valid").scores["neg_log_loss"] == pytest.approx(judged[-1]["valid/neg_log_loss"])
    assert judged[-1]["valid/neg_log_loss"] != result.scores["valid/neg_log_loss"]
    for split, kept in (("test", model), ("test_last", last)):
        assert result.scores[f"{split}/neg_log_loss"] == problem.evaluate(kept, "test").scores["neg_log_loss"]
    said = files.read_arrays(result.folder / "predictions.npz")
    np.testing.assert_array_equal(said["probability"], problem.evaluate(model, "test").evidence["probability"])


def test_patience_the_clock_and_the_cadence_survive_a_stop(plan: Make) -> None:
    words = ("wine", "supervised/mlp", "budget.steps=60", "budget.evaluate_every=7", "select=true", "budget.patience=3")
    whole = run(plan(*words, "root=whole"))
    cut = plan(*words, "root=cut")
    for count in (10, 10):
        with pytest.raises(Interrupted):
            run(cut, tell=stop_at(count))
    before = history.read(cut.folder / "history.jsonl")[-1]["seconds"]
    resumed = run(cut)

    def bare(folder: Path) -> list[dict[str, Any]]:
        return [{k: v for k, v in row.items() if k != "seconds"} for row in history.read(folder / "history.jsonl")]

    assert bare(resumed.folder) == bare(whole.folder)
    steps = [row["step"] for row in bare(whole.folder) if "valid/accuracy" in row]
    assert steps[:3] == [7, 14, 21]
    assert resumed.scores["cost/seconds"] > before


def test_what_was_trained_beyond_the_checkpoint_leaves_no_line(plan: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    decided = plan("wine", "supervised/mlp", "budget.steps=12")
    with pytest.raises(Interrupted):
        run(decided, tell=stop_at(3))

    def die(step: int, steps: int, scores: object) -> int:
        if step == 6:
            raise KeyboardInterrupt  # as a kill does: no checkpoint
        return 0

    with pytest.raises(KeyboardInterrupt):
        run(decided, tell=die)
    assert [row["step"] for row in history.read(run(decided).folder / "history.jsonl")] == list(range(1, 13))


def test_the_last_snapshot_is_validated(plan: Make) -> None:
    result = run(plan("wine", "supervised/mlp", "budget.steps=10", "budget.evaluate_every=4", "select=true"))
    rows = history.read(result.folder / "history.jsonl")
    assert [row["step"] for row in rows if "valid/accuracy" in row] == [4, 8, 10]


def test_threads_are_set_by_the_config(plan: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(run_module, "set_threads", asked.append)
    run(plan("iris", "supervised/logistic", "threads=2"))
    assert set(asked) == {2}


def test_a_lock_beats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "BEAT", 0.01)
    with lock.locked(tmp_path):
        os.utime(tmp_path / "lock.json", (0, 0))
        end = time.monotonic() + 5
        while (tmp_path / "lock.json").stat().st_mtime < 1 and time.monotonic() < end:
            time.sleep(0.01)
        assert (tmp_path / "lock.json").stat().st_mtime > 1


def test_a_pid_given_to_another_process_holds_nothing(tmp_path: Path) -> None:
    (tmp_path / "lock.json").write_text(json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "born": "1"}))
    with lock.locked(tmp_path):
        assert json.loads((tmp_path / "lock.json").read_text())["born"] != "1"


def test_a_stream_is_closed_when_the_budget_is_spent(plan: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    from paralab.trainers.supervised.mlp import MLP

    train, closed = MLP.train, []

    def watched(*args: object) -> Any:
        try:
            yield from train(*args)
        finally:
            closed.append(True)

    streams = []
    monkeypatch.setattr(MLP, "train", lambda *args: streams.append(watched(*args)) or streams[-1])
    run(plan("iris", "supervised/mlp", "budget.steps=2"))
    assert closed == [True]


def test_force_keeps_every_file_of_the_old_run(plan: Make) -> None:
    first = run(plan("iris", "supervised/logistic"))
    before = {
        p.relative_to(first.folder): p.read_bytes()
        for p in first.folder.rglob("*")
        if p.is_file() and p.name != "run.log"
    }
    run(plan("iris", "supervised/logistic", "force=true"))
    (old,) = Path("experiments/scratch/runs/.replaced").glob("*/iris/supervised/logistic/*/seed-0")
    assert {p.relative_to(old): p.read_bytes() for p in old.rglob("*") if p.is_file()} == before


def test_what_is_scored_is_the_reloaded_model(plan: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded, judged = [], []
    load, judge = run_module.load_model, Classification.evaluate
    monkeypatch.setattr(run_module, "load_model", lambda *a: loaded.append(load(*a)) or loaded[-1])
    monkeypatch.setattr(Classification, "evaluate", lambda self, m, s: judged.append((m, s)) or judge(self, m, s))
    run(plan("iris", "supervised/mlp", "budget.steps=3", "select=true"))
    tested = [m for m, s in judged if s == "test"]
    assert [id(m) for m in tested] == [id(m) for m in loaded]
    assert not {id(m) for m in tested} & {id(m) for m, s in judged if s == "valid"}


def test_scores_are_written_after_the_record(plan: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    names: list[str] = []
    write = files.write
    monkeypatch.setattr(files, "write", lambda path, data: names.append(path.name) or write(path, data))
    run(plan("iris", "supervised/logistic"))
    assert names[-2:] == ["record.json", "scores.json"]


def test_a_stop_forgets_neither_best_nor_patience(plan: Callable[..., Plan], monkeypatch: pytest.MonkeyPatch) -> None:
    judge = Classification.evaluate
    flat = Verdict({"accuracy": 0.5}, {}, 0)  # the first is the best, all others are stale
    monkeypatch.setattr(Classification, "evaluate", lambda self, m, s: flat if s == "valid" else judge(self, m, s))
    decided = plan("wine", "supervised/mlp", "budget.steps=20", "select=true", "budget.patience=6")
    with pytest.raises(Interrupted):
        run(decided, tell=stop_at(3))
    result = run(decided)
    assert history.read(result.folder / "history.jsonl")[-1]["step"] == 7
    assert files.read_json(result.folder / "record.json")["best_step"] == 1


def test_the_first_of_equals_is_the_best_and_patience_counts_what_follows() -> None:
    judge = Judge()
    seen = [judge.see(step, score, 2) for step, score in enumerate([0.5, 0.7, 0.7, None, 0.6], start=1)]
    assert seen == [True, True, False, False, False]
    assert (judge.best, judge.best_step, judge.over) == (0.7, 2, True)


def test_a_stream_that_ends_by_itself_is_validated(plan: Make) -> None:
    result = run(plan("iris", "supervised/logistic", "select=true", "budget.steps=100"))
    assert "valid/accuracy" in result.scores
    assert (result.folder / "model_last").is_dir()


def test_a_loser_of_a_race_deletes_nothing(plan: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two commands start together, both find no folder; the second is refused by the lock."""
    decided = plan("iris", "supervised/logistic")
    folder_module = run_module.folder
    open_folder = folder_module.open_folder
    decided.folder.mkdir(parents=True)

    def late(place: Path) -> Path | None:
        open_folder(place)
        return Path("experiments")  # as if it had been made by this command

    monkeypatch.setattr(folder_module, "open_folder", late)
    with lock.locked(decided.folder), pytest.raises(Refused, match="is being written by process"):
        run(decided)
    assert decided.folder.is_dir()


def test_a_lock_taken_over_meanwhile_is_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "lock.json"
    path.write_text(json.dumps({"pid": 2**22 + 1, "host": socket.gethostname(), "born": "1"}))
    living = json.dumps({"pid": 1, "host": "elsewhere", "born": "1"})
    holder = lock.holder_of

    def meanwhile(text: str, age: float) -> str:
        said = holder(text, age)
        if not said:
            path.write_text(living)
        return said

    monkeypatch.setattr(lock, "holder_of", meanwhile)
    with pytest.raises(Refused, match="1 on elsewhere"), lock.locked(tmp_path):
        pass
    assert path.read_text() == living


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}'])
def test_an_unreadable_lock_is_believed_for_a_minute(tmp_path: Path, text: str) -> None:
    path = tmp_path / "lock.json"
    path.write_text(text)
    with pytest.raises(Refused, match="unreadable lock"), lock.locked(tmp_path):
        pass
    os.utime(path, (0, 0))
    with lock.locked(tmp_path):
        pass


def test_one_damaged_run_takes_only_itself_down(plan: Make) -> None:
    decided = plan("iris", "supervised/logistic")
    (run(decided).folder / "scores.json").write_text("{")
    with pytest.raises(Failed, match="JSONDecodeError"):
        run(decided)


def test_force_killed_half_way_leaves_no_finished_run(plan: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    result = run(plan("iris", "supervised/logistic"))
    moved: list[Path] = []
    rename = Path.rename

    def once(self: Path, target: Path) -> Path:
        if moved:
            raise KeyboardInterrupt
        moved.append(self)
        return rename(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", once)
        with pytest.raises(KeyboardInterrupt):
            run(plan("iris", "supervised/logistic", "force=true"))
    assert not (result.folder / "scores.json").exists()
    assert run(plan("iris", "supervised/logistic")).scores


def test_two_settings_never_share_a_line_of_the_report(plan: Make) -> None:
    from paralab.report.write import report

    run(plan("iris", "supervised/logistic", "labels=20", "trainer.C=1"))
    run(plan("iris", "supervised/logistic", "labels=50", "trainer.C=10"))
    (block,) = report(Path("experiments"), "scratch").blocks
    assert [method.name for method in block.methods] == ["logistic (C=1)", "logistic (C=10)"]
