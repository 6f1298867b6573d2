"""`paralab.frame` and `paralab export`: every run, setting and score is there as the folder has it."""

from __future__ import annotations

import json
import logging
import math
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

import paralab
from paralab.errors import Refused
from paralab.mirror import events, tables
from paralab.mirror import frame as framing
from paralab.record import read
from paralab.seeds import TUNING
from tests.conftest import Cli
from tests.unit.fake_runs import write_run

ROOT = Path("experiments")
VALUES = (
    some.none()
    | some.booleans()
    | some.integers(-(2**62), 2**62)
    | some.floats(allow_nan=False)
    | some.text("aé,\n\"'=")
)


def two_methods() -> None:
    for seed in (0, 1):
        write_run(ROOT, "supervised/logistic", seed=seed, labels=20, settings={"C": 1.0, "scale": "range"})
        write_run(ROOT, "supervised/logistic", seed=seed, settings={"C": 10.0, "scale": "range"}, more={"valid/x": 0.5})
        write_run(
            ROOT, "supervised/mlp", seed=seed, score=None, status="failed", error="boom", settings={"hidden": [64]}
        )


def test_a_frame_has_a_row_a_run_and_what_differs() -> None:
    two_methods()
    table = paralab.frame("demo", root=ROOT)
    assert len(table) == 6
    assert [name for name in table if name.startswith("trainer.")] == ["trainer.C"]  # scale is one, hidden one's alone
    fitted = table[table.trainer == "supervised/logistic"]
    assert sorted(zip(fitted["trainer.C"], fitted["labels"].astype(object), strict=True), key=str) == [
        (1.0, 20), (1.0, 20), (10.0, pandas.NA), (10.0, pandas.NA),
    ]  # fmt: skip
    assert (fitted["test/accuracy"] == 0.9).all()
    assert (fitted["score"] == 0.9).all()
    assert fitted["valid/x"].notna().tolist() == [False, False, True, True]
    failed = table[table.status == "failed"]
    assert failed.score.isna().all()
    assert failed.error.tolist() == ["boom", "boom"]
    assert list(table)[-4:] == ["cost/feedback", "cost/seconds", "error", "folder"]


def test_seeds_of_tuning_are_marked_and_damaged_runs_are_rows_too() -> None:
    write_run(ROOT)
    write_run(ROOT, seed=TUNING)
    (write_run(ROOT, seed=1) / "record.json").write_text("{")
    table = paralab.frame(root=ROOT)
    assert table.set_index("seed").tuning.to_dict() == {0: False, 1: False, TUNING: True}
    assert table.set_index("seed").status.to_dict() == {0: "finished", 1: "damaged", TUNING: "finished"}


def test_what_follows_from_the_budget_and_what_copies_the_root_is_no_column() -> None:
    for steps in (5, 10):
        folder = write_run(ROOT, seed=steps, settings={"steps": steps})
        config = {"trainer": {"horizon": steps}, "budget": {"steps": steps}, "split": "cv", "fold": steps,
                  "problem": {"scenario": {"fold": steps}}, "question": str(steps)}  # fmt: skip
        (folder / "config.yaml").write_text(json.dumps(config))
    assert {"budget.steps", "fold"} == set(paralab.frame("demo", root=ROOT)) & {
        "budget.steps", "fold", "trainer.horizon", "problem.scenario.fold", "question",
    }  # fmt: skip


def test_an_unknown_experiment_is_refused_with_the_closest_name() -> None:
    write_run(ROOT)
    with pytest.raises(Refused, match="Did you mean 'demo'"):
        paralab.frame("dema", root=ROOT)


def test_no_runs_are_an_empty_table() -> None:
    table = framing.table([])
    assert len(table) == 0
    assert tables.csv(table).decode().startswith("experiment,problem,")
    assert json.loads(tables.as_json(table)) == []


@settings(max_examples=20, deadline=None)
@given(some.lists(VALUES, min_size=2, max_size=4))
def test_whatever_a_setting_holds_each_kind_of_file_says_it(values: list[Any]) -> None:
    with TemporaryDirectory() as place:
        root = Path(place)
        for seed, value in enumerate(values):
            write_run(root, settings={"this": value, "number": seed}, seed=seed)
        table = framing.frame("demo", root).sort_values("seed", ignore_index=True)
        tables.write(table, root / "x.parquet")
        assert pandas.read_parquet(root / "x.parquet").equals(table)
        said = json.loads(tables.as_json(table))
        texts = pandas.read_csv(root / "x.csv", dtype=str) if tables.write(table, root / "x.csv") is None else None
        assert texts is not None
        assert len(texts) == len(values)
    if len({(type(value), value) for value in values}) == 1:
        assert "trainer.this" not in table
        return
    kinds = {type(value) for value in values if value is not None}
    for value, held in zip(values, (row["trainer.this"] for row in said), strict=True):
        if value is None or (isinstance(value, float) and math.isinf(value) and kinds <= {int, float}):
            assert held is None
        elif len(kinds) == 1 or kinds <= {int, float}:
            assert held == pytest.approx(value)
        else:
            assert held == (str(value).lower() if isinstance(value, bool) else str(value))


@pytest.mark.parametrize("ending", ["csv", "json", "parquet"])
def test_export_writes_the_frame_and_the_same_bytes_again(ending: str, cli: Cli) -> None:
    two_methods()
    written = []
    for name in ("one", "two"):
        code, out, err = cli("export", "demo", "-o", f"{name}/scores.{ending}")
        assert (code, err) == (0, "")
        assert out == f"6 runs, 19 columns: {name}/scores.{ending}\n"
        written.append(Path(name, f"scores.{ending}").read_bytes())
    assert written[0] == written[1]
    reader = {"csv": pandas.read_csv, "json": pandas.read_json, "parquet": pandas.read_parquet}[ending]
    again, table = reader(Path(f"one/scores.{ending}")), paralab.frame("demo", root=ROOT)
    assert again["cost/seconds"].equals(table["cost/seconds"])
    assert again.folder.tolist() == table.folder.tolist()


def test_export_prints_csv_or_json(cli: Cli) -> None:
    two_methods()
    code, out, err = cli("export", "--all")
    assert (code, err, len(out.splitlines())) == (0, "", 7)
    code, out, err = cli("export", "demo", "--json")
    assert (code, err, len(json.loads(out))) == (0, "", 6)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["demo", "--all"], "name one experiment, or give --all"),
        ([], "name one experiment, or give --all"),
        (["demo", "-o", "x.xlsx"], ".csv, .parquet, .json"),
        (["demo", "-o", "x.csv", "--json"], "-o x.json"),
        (["demo", "--tensorboard"], "-o DIR"),
        (["demo", "-o", "file/x.csv"], "-o file/x.csv cannot be written"),
        (["demo", "-o", "file/x", "--tensorboard"], "-o file/x cannot be written"),
        (["dema"], "Did you mean 'demo'"),
    ],
)
def test_export_refuses_in_one_line(words: list[str], said: str, cli: Cli) -> None:
    two_methods()
    Path("file").write_text("")
    code, out, err = cli("export", *words)
    assert (code, out) == (2, "")
    assert said in err
    assert len(err.splitlines()) == 1


def with_history(seed: int = 0, **more: Any) -> Path:
    folder = write_run(ROOT, seed=seed, **more)
    rows = [{"step": step, "seconds": step / 10, "train/loss": 1 / step} for step in (1, 2, 3)]
    (folder / "history.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    record = json.loads((folder / "record.json").read_text()) | {"steps": 3}
    (folder / "record.json").write_text(json.dumps(record))
    return folder


def test_tensorboard_reads_history_and_scores_from_what_is_exported(cli: Cli) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    logging.getLogger("tensorboard").setLevel(logging.ERROR)
    home = with_history(settings={"C": 3.0})
    with_history(1, status="failed", score=None)
    (with_history(2) / "record.json").unlink()
    for _ in range(2):
        code, out, err = cli("export", "demo", "--tensorboard", "-o", "curves")
        assert (code, err) == (0, "")
        assert out.startswith("curves of 2 runs in curves; ")
    place = Path("curves") / home.relative_to(ROOT / "demo/runs").as_posix().join(("demo/", ""))
    assert len(list(place.iterdir())) == 1
    seen = EventAccumulator(str(place), size_guidance={"scalars": 0})
    seen.Reload()
    assert [(e.step, e.value) for e in seen.Scalars("train/loss")] == [(n, pytest.approx(1 / n)) for n in (1, 2, 3)]
    assert [e.wall_time - seen.Scalars("train/loss")[0].wall_time for e in seen.Scalars("train/loss")] == [
        pytest.approx(after, abs=1e-5) for after in (0, 0.1, 0.2)
    ]
    assert [(e.step, e.value) for e in seen.Scalars("test/accuracy")] == [(3, pytest.approx(0.9))]
    assert "hparams" in seen.summary_metadata["_hparams_/session_start_info"].plugin_data.plugin_name


def test_event_files_are_the_same_in_another_process() -> None:
    """Protocol buffers write a map in an order of the process unless told otherwise."""
    with_history(settings=dict.fromkeys("abcdefgh", 1.0))
    events.write(read.runs(ROOT), Path("one"))
    words = ["export", "demo", "--tensorboard", "-o", "two"]
    subprocess.run([sys.executable, "-m", "paralab", *words], check=True, timeout=60)
    one, two = (next(path for path in Path(place).rglob("events*")).read_bytes() for place in ("one", "two"))
    assert one == two


def test_importing_paralab_stays_light() -> None:
    script = "import sys, paralab; paralab.frame; print({'pandas', 'numpy', 'hydra', 'torch'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "set()\n"


def test_the_frame_is_in_the_order_of_the_readers() -> None:
    two_methods()
    assert paralab.frame("demo", root=ROOT).folder.tolist() == [r.folder.as_posix() for r in read.demand(ROOT, "demo")]
