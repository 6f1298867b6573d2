"""What a grid would cost is said from runs that are there, by the nearest of them, and nothing is made up."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from paralab.record.plan import Plan
from paralab.sweep.estimate import Records, estimate, workers_of

Make = Callable[..., Plan]
MLP = "supervised/mlp"


def recorded(plan: Plan, seconds: float = 1.0, status: str = "finished", **scores: float) -> None:
    """The folder of a finished run of `plan`, or of one with another status."""
    plan.folder.mkdir(parents=True)
    config = plan.config
    record = {
        "format": 1, "status": status, "problem": plan.problem, "trainer": plan.trainer, "seed": config["seed"],
        "config_id": plan.config_id, "labels": config["labels"], "budget": config["budget"], "objective": "x",
        "wall_seconds": seconds, "error": None,
    }  # fmt: skip
    (plan.folder / "record.json").write_text(json.dumps(record))
    if status == "finished":
        costs = {
            "cost/seconds": seconds / 2,
            "cost/feedback": 20.0,
            **{f"cost/{key}": scores[key] for key in scores},
        }
        (plan.folder / "scores.json").write_text(json.dumps({"test/x": 1.0, **costs}))
        (plan.folder / "model").mkdir()
        (plan.folder / "model" / "weights").write_bytes(b"0" * 1000)


def test_other_seeds_of_the_same_config_tell_first(plan: Make) -> None:
    for seed, seconds in ((0, 2.0), (1, 4.0), (2, 90.0)):
        recorded(plan("iris", MLP, "labels=20", f"seed={seed}"), seconds)
    recorded(plan("iris", MLP, "labels=20", "trainer.hidden=[8]"), 1000.0)
    todo = [plan("iris", MLP, "labels=20", f"seed={seed}") for seed in (3, 4, 5)]
    cost = estimate(todo, Records(todo), workers=2)
    assert (cost.known.seconds, cost.wall, cost.known.feedback) == (12.0, 6.0, 60.0)
    assert (cost.bases, cost.unknown) == ({"config": 3}, 0)
    assert 3000 < cost.known.bytes < 6000
    assert estimate(todo, Records(todo), workers=100).wall == 4.0  # no shorter than its longest run


def test_similar_runs_tell_in_proportion_to_steps(plan: Make) -> None:
    recorded(plan("iris", MLP, "labels=20", "budget.steps=10", "name=other"), 3.0)
    for words, seconds in ((("budget.steps=30",), 9.0), ((), 30.0), (("budget.steps=10", "trainer.hidden=[8]"), 3.0)):
        todo = [plan("iris", MLP, "labels=20", "seed=1", *words)]  # open steps: the trainer's default is 100
        cost = estimate(todo, Records(todo), workers=1)
        assert (cost.known.seconds, cost.known.feedback, cost.bases) == (pytest.approx(seconds), 20.0, {"steps": 1})


def test_runs_of_as_many_steps_tell_before_others(plan: Make) -> None:
    recorded(plan("iris", MLP, "budget.steps=10"), 1000.0)
    recorded(plan("iris", MLP, "budget.steps=20"), 5.0)
    todo = [plan("iris", MLP, "budget.steps=20", "trainer.hidden=[8]")]
    assert estimate(todo, Records(todo), workers=1).known.seconds == 5.0


def test_an_environment_s_feedback_grows_with_steps(plan: Make) -> None:
    recorded(plan("corridor", "reinforcement/q_table", "budget.steps=10"), env_steps=10.0)
    todo = [plan("corridor", "reinforcement/q_table", "budget.steps=40")]
    assert estimate(todo, Records(todo), workers=1).known.feedback == 80.0


def test_other_labels_problems_trainers_and_unfinished_runs_tell_nothing(plan: Make) -> None:
    recorded(plan("iris", MLP, "labels=50"))
    recorded(plan("wine", MLP, "labels=20"))
    recorded(plan("iris", "supervised/logistic", "labels=20"))
    recorded(plan("iris", MLP, "labels=20"), status="failed")
    todo = [plan("iris", MLP, "labels=20", f"seed={seed}") for seed in (3, 4)]
    cost = estimate(todo, Records(todo), workers=1)
    assert (cost.runs, cost.unknown, cost.known.seconds, cost.bases) == (2, 2, 0.0, {})


def test_each_plan_has_the_status_of_its_folder(plan: Make) -> None:
    said = (
        "finished",
        "failed",
        "interrupted",
        "diverged",
        "pruned",
        "running",
    )  # running, and nobody holds it: killed
    plans = [plan("iris", MLP, f"seed={seed}") for seed in range(7)]
    for each, status in zip(plans, said, strict=False):
        recorded(each, status=status)
    records = Records(plans)
    assert [records.status(each) for each in plans] == [
        "finished", "failed", "interrupted", "failed", "interrupted", "interrupted", "missing",
    ]  # fmt: skip


def test_a_run_that_disappears_meanwhile_is_no_error(plan: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    one = plan("iris", MLP)
    recorded(one)
    from paralab.record import read

    seen = read.runs(Path("experiments"))
    (one.folder / "record.json").unlink()
    monkeypatch.setattr(read, "runs", lambda root: seen)
    assert estimate([one], Records([one]), 1).unknown == 1


@pytest.mark.parametrize(("node", "count"), [("local.Local", 3), ("inline.Inline", 1)])
def test_workers_are_as_the_executor_says(node: str, count: int, plan: Make) -> None:
    assert workers_of({"_target_": f"paralab.sweep.executors.{node}", "workers": 3}, [plan("iris", MLP)]) == count
    assert workers_of({"_target_": "x.Local", "workers": None}, [plan("iris", MLP, "threads=1000")]) == 1
    slurm = {"_target_": "x.Slurm", "tasks": 4, "cpus_per_task": 4}
    assert workers_of(slurm, [plan("iris", MLP), plan("iris", MLP, "threads=2")]) == 8
