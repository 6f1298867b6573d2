"""monitor=tensorboard: what TensorBoard itself reads from the event files is the history, and no score moves by it."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2

from paralab.errors import Failed, Interrupted, Refused
from paralab.record import files, history, monitor
from paralab.record.plan import Plan
from paralab.run import run
from tests.unit.test_run import artefacts, stop_at, without_costs

Make = Callable[..., Plan]
MLP = ("wine", "supervised/mlp", "budget.steps=12", "select=true")
BOOSTING = ("wine", "supervised/hist_gradient_boosting", "trainer.stride=5")


@pytest.fixture(autouse=True)
def _quiet() -> None:
    logging.getLogger("tensorboard").setLevel(logging.ERROR)  # it tells of every purge


def seen(folder: Path) -> EventAccumulator:
    events = EventAccumulator(str(folder / monitor.FOLDER), size_guidance={"scalars": 0})
    events.Reload()
    return events


def points(folder: Path) -> dict[str, list[tuple[int, float]]]:
    events = seen(folder)
    return {tag: [(each.step, each.value) for each in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


def expected(folder: Path, scores: bool = True) -> dict[str, list[tuple[int, Any]]]:
    """What the history and the scores say, in TensorBoard's single precision."""
    rows = history.read(folder / "history.jsonl")
    drawn: dict[str, list[tuple[int, Any]]] = {}
    for row in rows:
        for name in row.keys() - {"step"}:
            drawn.setdefault(name, []).append((row["step"], pytest.approx(row[name])))
    ends = files.read_json(folder / "scores.json") if scores else {}
    for name, value in ends.items():
        drawn.setdefault(name, []).append((rows[-1]["step"], pytest.approx(value)))
    return drawn


def test_curves_are_the_history_and_move_no_score(plan: Make) -> None:
    bare = run(plan(*MLP, "root=bare"))
    drawn = run(plan(*MLP, "root=drawn", "monitor=tensorboard"))
    assert drawn.folder.parent.name == bare.folder.parent.name
    assert artefacts(drawn) == artefacts(bare)
    assert without_costs(drawn.scores) == without_costs(bare.scores)
    assert points(drawn.folder) == expected(drawn.folder)
    assert {"train/loss", "valid/accuracy", "test/accuracy", "cost/seconds"} <= points(drawn.folder).keys()
    assert not (bare.folder / monitor.FOLDER).exists()
    names = files.read_json(drawn.folder / "record.json")["files"]
    assert not any(name.startswith(monitor.FOLDER) for name in names)  # they may be deleted once seen
    walls = [each.wall_time for each in seen(drawn.folder).Scalars("seconds")]
    seconds = [row["seconds"] for row in history.read(drawn.folder / "history.jsonl")]
    assert [wall - walls[0] for wall in walls] == pytest.approx([each - seconds[0] for each in seconds], abs=1e-5)


def test_lines_are_there_while_it_trains(plan: Make) -> None:
    decided = plan(*MLP, "monitor=tensorboard")
    looked: list[int] = []

    def look(step: int, steps: int, scores: object) -> int:
        looked.append(len(points(decided.folder)["train/loss"]))
        return 0

    run(decided, tell=look)
    assert looked == list(range(1, 12))


@pytest.mark.parametrize("first", ["tensorboard", "none"])
def test_a_resumed_run_draws_every_step_once(first: str, plan: Make) -> None:
    with pytest.raises(Interrupted):
        run(plan(*MLP, f"monitor={first}"), tell=stop_at(5))

    def die(step: int, steps: int, scores: object) -> int:
        if step == 8:
            raise KeyboardInterrupt  # as a kill does: steps 6 to 8 are trained, and drawn, again
        return 0

    with pytest.raises(KeyboardInterrupt):
        run(plan(*MLP, f"monitor={first}"), tell=die)
    result = run(plan(*MLP, "monitor=tensorboard"))
    assert points(result.folder) == expected(result.folder)


def test_a_continued_run_draws_its_parents_part_too(plan: Make) -> None:
    run(plan(*BOOSTING, "budget.steps=10"))
    result = run(plan(*BOOSTING, "budget.steps=20", "monitor=tensorboard"))
    assert result.parent
    assert points(result.folder) == expected(result.folder)
    assert [step for step, _ in points(result.folder)["seconds"]] == [5, 10, 15, 20]


def test_the_hparams_tab_has_settings_and_an_end(plan: Make) -> None:
    result = run(plan(*MLP, "monitor=tensorboard", "trainer.hidden=[8,4]"))
    events = seen(result.folder)
    said = {}
    for tag in ("_hparams_/session_start_info", "_hparams_/session_end_info"):
        content = events.SummaryMetadata(tag).plugin_data.content
        said[tag.split("/")[1]] = plugin_data_pb2.HParamsPluginData.FromString(content)
    settings = said["session_start_info"].session_start_info.hparams
    assert settings["trainer.learning_rate"].number_value == 0.003
    assert settings["trainer.hidden"].string_value == "[8, 4]"
    assert settings["trainer.name"].string_value == "supervised/mlp"
    assert settings["problem"].string_value == "wine"
    assert not {"labels", "budget.seconds", "trainer._target_"} & set(settings)
    assert said["session_end_info"].session_end_info.status == 1  # success


def test_a_run_that_breaks_keeps_what_it_drew(plan: Make) -> None:
    decided = plan("diabetes", "supervised/mlp", "trainer.learning_rate=1e30", "trainer.weight_decay=0")
    decided.config["monitor"] = "tensorboard"  # type: ignore[index]
    with pytest.raises(Failed, match="train/loss is"):
        run(decided)
    rows = history.read(decided.folder / "history.jsonl")
    assert len(points(decided.folder).get("train/loss", [])) == len(rows)
    assert "_hparams_/session_end_info" not in seen(decided.folder).Tags()["tensors"]


def test_without_tensorboard_nothing_is_trained(plan: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitor, "find_spec", lambda name: None)
    with pytest.raises(Refused, match=r"pip install paralab\[tensorboard\]"):
        run(plan(*MLP, "monitor=tensorboard"))
    assert not Path("experiments").exists()
    run(plan("iris", "supervised/logistic"))


def test_drawing_imports_neither_torch_nor_tensorflow(tmp_path: Path) -> None:
    code = (
        "import sys, json; from pathlib import Path; from paralab.record.monitor import curves\n"
        "with curves('tensorboard', Path(sys.argv[1])) as drawn:\n"
        "    drawn.line({'step': 1, 'seconds': .5, 'train/loss': 2})\n"
        "    drawn.end(1, {'cost/seconds': 1}, {'a': 1})\n"
        "print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert not {"torch", "tensorflow", "jax", "pandas"} & set(json.loads(done.stdout))
    assert points(tmp_path)["train/loss"] == [(1, 2.0)]
