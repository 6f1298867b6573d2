"""`paralab verify`: real runs pass, and every fault put into them is found."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paralab.audit.look import Seen, folders, look
from paralab.audit.together import unpaired
from paralab.audit.verify import Verified, conclude
from paralab.compose import compose, loader
from paralab.record import files
from paralab.record.folder import SCORES
from paralab.record.plan import Plan
from paralab.record.writer import write_record
from paralab.run import run
from paralab.seeds import TUNING
from paralab.sweep import manifest
from paralab.sweep.plan import freeze
from tests.conftest import Cli
from tests.unit.fake_runs import write_run

RULE = ("decision.candidate=supervised/forest", "decision.baseline=supervised/logistic", "decision.max_seeds=6")
HERE = Path("experiments")


def planned(trainer: str, seed: int, *words: str) -> Plan:
    few = ["trainer.trees=3"] * trainer.endswith("forest")
    said = [f"trainer={trainer}", f"seed={seed}", "name=demo", f"root={HERE}", *few, *words]
    return freeze(compose(loader(), ["problem=iris", "labels=30", *said]))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two learners, two seeds, as a sweep under a rule, and a network with checkpoints beside them."""
    home = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        plans = [
            planned(trainer, seed, *RULE) for trainer in ("supervised/logistic", "supervised/forest") for seed in (0, 1)
        ]
        plans += [planned("supervised/mlp", seed, "budget.steps=3", *RULE) for seed in (0, 1)]
        manifest.write(plans)
        for plan in plans:
            run(plan)
    return home / HERE


@pytest.fixture
def home(made: Path) -> Path:
    """A copy of it in the test's own folder."""
    shutil.copytree(made, HERE)
    return HERE


def verified(root: Path = HERE) -> Verified:
    seen = Seen()
    return conclude(root, "demo", [look(place, "demo", seen) for place in folders(root, "demo")], seen)


def kinds(root: Path = HERE) -> set[str]:
    return {fault.kind for fault in verified(root).faults}


def place(trainer: str, seed: int = 0) -> Path:
    return next(
        path for path in folders(HERE, "demo") if path.parents[1].name == trainer and path.name == f"seed-{seed}"
    )


def change_record(folder: Path, **facts: Any) -> None:
    """As whoever seals it again does."""
    write_record(folder, {**files.read_json(folder / "record.json"), **facts})


def test_real_runs_hold_in_one_line(home: Path, cli: Cli) -> None:
    found = verified()
    assert found.faults == ()
    assert found.warnings == ()
    code, out, _ = cli("verify", "demo")
    assert (code, out) == (0, f"demo: 6 runs, {found.files} files: all holds\n")
    assert found.files == sum(len(files.read_json(each / "record.json")["files"]) for each in folders(home, "demo"))


def test_a_record_without_a_seal_is_not_called_changed(home: Path) -> None:
    folder = folders(home, "demo")[0]
    record = files.read_json(folder / "record.json")
    files.write_json(folder / "record.json", {key: value for key, value in record.items() if key != "seal"})
    (fault,) = verified().faults
    assert "holds no seal: an older paralab wrote it, or it was changed" in str(fault)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_byte_changed_in_any_file_is_found(home: Path, data: st.DataObject) -> None:
    paths = sorted(p for p in home.glob("demo/runs/**/*") if p.is_file() and p.name != "run.log")
    paths += sorted(home.glob("demo/sweeps/*/manifest.jsonl"))
    path = data.draw(st.sampled_from(paths))
    old = path.read_bytes()
    at, flip = data.draw(st.integers(0, len(old) - 1)), data.draw(st.integers(1, 255))
    path.write_bytes(old[:at] + bytes([old[at] ^ flip]) + old[at + 1 :])
    try:
        run = next((each for each in path.parents if each.name.startswith("seed-")), None)
        found = verified().faults if run is None else look(run, "demo", Seen()).faults
    finally:
        path.write_bytes(old)
    assert any(fault.where in (str(path), *map(str, path.parents)) for fault in found)


@pytest.mark.parametrize(
    ("key", "value"),
    [("labels", 50), ("seed", 1), ("split", "cv"), ("steps", 9), ("data", "00"), ("objective", "macro_f1"),
     ("seeds", {"split": 1}), ("files", None), ("budget", {"steps": 9}), ("decision", {"digest": "00"}),
     ("status", "failed")],
)  # fmt: skip
def test_a_record_that_says_otherwise_is_found(home: Path, key: str, value: object) -> None:
    change_record(place("logistic"), **{key: value})
    assert look(place("logistic"), "demo", Seen()).faults


def _remove(folder: Path) -> None:
    (folder / SCORES).unlink()


def _lose_model(folder: Path) -> None:
    shutil.rmtree(folder / "model")


def _add(folder: Path) -> None:
    (folder / "model" / "other.bin").write_bytes(b"x")


def _link(folder: Path) -> None:
    (folder / "history.jsonl").rename(folder.parent / "elsewhere")
    (folder / "history.jsonl").symlink_to(folder.parent.absolute() / "elsewhere")


def _lose(folder: Path) -> None:
    shutil.rmtree(folder)


def _fail(folder: Path) -> None:
    (folder / SCORES).unlink()
    change_record(folder, status="failed", error="on purpose")


def _run_on(folder: Path) -> None:
    (folder / SCORES).unlink()
    change_record(folder, status="running", files=None)


def _break(folder: Path) -> None:
    (folder / "record.json").write_text("{")


@pytest.mark.parametrize(
    ("fault", "found"),
    [(_remove, {"missing"}), (_lose_model, {"missing"}), (_add, {"foreign"}), (_link, {"changed", "record"}),
     (_lose, {"seeds", "planned", "rule"}), (_fail, {"unfinished", "missing"}), (_run_on, {"unfinished"}),
     (_break, {"record", "rule"})],
)  # fmt: skip
def test_each_fault_is_found(home: Path, cli: Cli, fault: Callable[[Path], None], found: set[str]) -> None:
    fault(place("forest"))
    assert kinds() <= found
    assert kinds()
    code, out, _ = cli("verify", "demo")
    assert code == 1
    assert "forest" in out


def test_what_may_lie_there_is_no_fault(home: Path) -> None:
    folder = place("forest")
    (folder / "tensorboard").mkdir()
    (folder / "tensorboard" / "events").write_bytes(b"x")
    (folder / ".lock.host.1.2").write_text("left by a process that was killed")
    with (folder / "run.log").open("a") as log:
        log.write("more\n")
    shutil.rmtree(place("mlp") / "checkpoint")  # `paralab clean` does
    (HERE / "demo" / "README.md").write_text("what was found\n")
    assert verified().faults == ()


def test_a_seed_that_one_config_lacks_is_named(home: Path) -> None:
    run(planned("supervised/logistic", 4, *RULE))
    told = [str(fault) for fault in verified().faults if fault.kind == "seeds"]
    assert len(told) == 2
    assert all("at labels=30 lacks seed 4, which others have" in text for text in told)
    run(planned("supervised/logistic", 4, "labels=40", *RULE))  # another cell, where all agree
    assert len([fault for fault in verified().faults if fault.kind == "seeds"]) == 2


def test_methods_tested_on_other_rows_are_found(home: Path) -> None:
    for seed in (0, 1):
        shutil.rmtree(place("forest", seed))
        run(planned("supervised/forest", seed, "split_seed=5", *RULE))
    told = [str(fault) for fault in verified().faults if fault.kind == "unpaired"]
    assert len(told) == 1
    assert "has other test rows than the other methods at seeds 0, 1" in told[0]


def test_a_run_that_was_planned_and_is_gone_is_named(home: Path) -> None:
    shutil.rmtree(place("forest", 1))
    told = [str(fault) for fault in verified().faults if fault.kind == "planned"]
    assert len(told) == 1
    assert "lacks 1 of 6 runs planned: " in told[0]
    assert " seed 1" in told[0]
    path = next(HERE.glob("demo/sweeps/*/manifest.jsonl"))
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    assert {fault.where for fault in verified().faults if fault.kind == "changed"} == {str(path)}


def test_a_record_written_otherwise_is_found_though_it_says_the_same(home: Path) -> None:
    path = place("forest") / "record.json"
    path.write_text(json.dumps(files.read_json(path), indent=7))
    assert [(fault.kind, fault.where) for fault in verified().faults] == [("record", str(path))]


def test_methods_tested_on_other_data_are_found() -> None:
    """The same numbers of rows, but of a table that has changed in between."""
    runs_of = {
        trainer: replace(
            look(write_run(HERE, f"supervised/{trainer}"), "demo", Seen()), rows="same", data="new" * (trainer == "mlp")
        )
        for trainer in ("logistic", "forest", "mlp")
    }
    (told,) = unpaired(list(runs_of.values()))
    assert (told.kind, "supervised/mlp" in told.where) == ("unpaired", True)
    assert told.what == "has other data than the other methods at seed 0"


@pytest.mark.slow
def test_folds_have_rows_of_their_own(home: Path) -> None:
    shutil.rmtree(HERE)
    for fold in (0, 1):
        for trainer in ("supervised/logistic", "supervised/forest"):
            run(planned(trainer, 0, "split=cv", f"fold={fold}"))
    assert verified().faults == ()


def tuner(seed: int, *words: str) -> Plan:
    plan = planned("supervised/logistic", 0, "select=true", *words, *RULE)
    config = {**plan.config, "seed": seed, "scenario": {**plan.config["scenario"], "seed": seed}}
    problem = {**plan.config["problem"], "scenario": {**plan.config["problem"]["scenario"], "seed": seed}}
    return replace(plan, config={**config, "problem": problem})


@pytest.mark.slow
@pytest.mark.parametrize(("words", "found"), [(["split_seed=0"], set()), ([], {"tuning"})])
def test_tuning_must_not_see_what_the_report_tests_on(made: Path, words: list[str], found: set[str]) -> None:
    for seed in (TUNING, TUNING + 1, 0, 1):
        run(tuner(seed, *words))
    assert {kind for kind in kinds() if kind != "rule"} == found  # its baseline is not there


def test_a_tuner_s_run_scored_on_test_rows_is_found(made: Path) -> None:
    folder = run(tuner(TUNING, "split_seed=0")).folder
    scores = {**files.read_json(folder / SCORES), "test/accuracy": 0.9}
    files.write_json(folder / SCORES, scores)
    told = files.read_json(folder / "record.json")["files"]
    change_record(folder, files={**told, SCORES: files.digest(folder / SCORES)})
    assert "tuning" in kinds()


def test_a_study_that_reports_tuning_seeds_is_found(home: Path) -> None:
    study = HERE / "demo" / "sweeps" / "study"
    study.mkdir()
    files.write_json(study / "summary.json", {"winner": {"runs": ["runs/a/seed-3"]}})
    assert verified().faults == ()
    files.write_json(study / "summary.json", {"winner": {"runs": [f"runs/a/seed-{TUNING}"]}})
    assert kinds() == {"tuning"}


@pytest.mark.slow
def test_a_rule_changed_after_the_first_run_is_found(home: Path) -> None:
    for trainer in ("logistic", "forest", "mlp"):
        steps = ["budget.steps=3"] * (trainer == "mlp")
        run(planned(f"supervised/{trainer}", 2, *steps, *RULE, "decision.at_least=0.1"))
    told = [str(fault) for fault in verified().faults if fault.kind == "rule"]
    assert len(told) == 2
    assert "3 runs" in told[1]


@pytest.mark.slow
def test_seeds_beyond_the_rule_and_gaps_are_found(home: Path) -> None:
    for trainer in ("logistic", "forest", "mlp"):
        steps = ["budget.steps=3"] * (trainer == "mlp")
        for seed in (3, 7):
            run(planned(f"supervised/{trainer}", seed, *steps, *RULE))
    told = sorted(str(fault) for fault in verified().faults)
    assert len(told) == 4
    assert any("beyond its max_seeds of 6" in text and "seed 7" in text for text in told)
    assert any("lacks seed 2: a look" in text for text in told)


def test_other_versions_are_a_warning(home: Path, cli: Cli) -> None:
    record = files.read_json(place("forest") / "record.json")
    packages = {**record["provenance"]["packages"], "numpy": "2.3.1"}
    change_record(place("forest"), provenance={**record["provenance"], "packages": packages})
    found = verified()
    assert found.faults == ()
    assert len(found.warnings) == 1
    assert found.warnings[0].startswith("1 of 6 runs: numpy 2.3.1 instead of ")
    assert cli("verify", "demo")[0] == 0


def test_verify_says_what_it_was_asked_wrong(home: Path, cli: Cli) -> None:
    assert cli("verify", "demi")[0] == 2
    assert cli("verify")[0] == 2
    assert cli("verify", "demo", "--all")[0] == 2
    code, out, _ = cli("verify", "--all", "--json")
    said = json.loads(out)
    assert (code, said["holds"], said["experiments"]["demo"]["runs"]) == (0, True, 6)


def test_names_in_folders_do_not_steer_the_terminal(home: Path, cli: Cli) -> None:
    (place("forest") / "a\x1b[31mb").write_text("x")
    code, out, _ = cli("verify", "demo")
    assert code == 1
    assert "\x1b" not in out
