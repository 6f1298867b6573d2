"""`paralab decide` on run folders: yes, no, not yet, what it waits for, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from paralab.compare.decide import Decision, decide
from paralab.compare.rule import Rule, digest, plain, rule_of
from paralab.errors import Refused
from paralab.record.read import runs as read
from tests.conftest import Cli
from tests.unit.fake_runs import write_run

ONE, OTHER = "semi_supervised/label_spreading", "supervised/logistic"
NODE: Mapping[str, object] = {"candidate": ONE, "baseline": OTHER, "max_seeds": 20, "looks": [10, 20]}
LABELS = {"candidate": {"trainer": ONE, "labels": 100}, "baseline": {"trainer": OTHER, "labels": 100}}
WOBBLE = (0.01, -0.012, 0.004, 0.0, -0.007, 0.011, -0.003, 0.006, -0.009, 0.002)


def rule(**more: object) -> Rule:
    made = rule_of({**NODE, **more})
    assert made is not None
    return made


def write(
    trainer: str, mean: float, seeds: Sequence[int], *, stamp: Rule | None = None, started: str = "", **more: Any
) -> list[Path]:
    """Runs whose scores lie about a mean, each seed in its own way."""
    folders = []
    for seed in seeds:
        wobble = WOBBLE[seed % 10] if trainer == ONE else WOBBLE[(3 * seed + 1) % 10]
        folders.append(write_run(Path("experiments"), trainer, seed=seed, score=mean + wobble, **more))
        change(folders[-1], decision=None if stamp is None else {"digest": digest(stamp), **plain(stamp)})
        if started:
            change(folders[-1], started=started)
    return folders


def change(folder: Path, **facts: object) -> None:
    path = folder / "record.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | facts))


def fail(folder: Path, status: str = "diverged") -> None:
    change(folder, status=status, error="train/loss is nan")
    (folder / "scores.json").unlink()


def both(mean: float, seeds: Sequence[int], **more: Any) -> None:
    write(ONE, mean, seeds, **more)
    write(OTHER, 0.8, seeds, **more)


def asked(**more: object) -> Decision:
    return decide(read(Path("experiments"), "demo"), rule(**more))


def test_not_yet_until_the_first_look_then_yes_whatever_comes_later() -> None:
    both(0.9, range(9))
    before = asked()
    assert (before.answer, before.effect, before.look, before.next_look) == ("not yet", None, None, 10)
    assert before.missing == (9,)
    both(0.9, [9])
    first = asked()
    assert (first.answer, first.look, first.seeds, first.missing) == ("yes", 10, 10, ())
    assert first.effect is not None
    assert first.effect.low > 0
    assert first.test == "corrected resampled t"
    assert "a new split" in first.about
    both(0.1, range(10, 20))  # seeds after the look that answered
    assert asked().effect == first.effect


def test_no_where_it_is_worse_and_where_nothing_is_shown_at_the_last_look() -> None:
    both(0.7, range(10))
    worse = asked()
    assert (worse.answer, worse.look) == ("no", 10)
    assert "below 0" in worse.why
    for path in Path("experiments").rglob("scores.json"):
        scores = json.loads(path.read_text())
        path.write_text(json.dumps({**scores, "test/accuracy": 0.8 + scores["test/accuracy"] % 0.01}))
    assert (asked().answer, asked().next_look) == ("not yet", 20)
    assert asked(max_seeds=10, looks=1).answer == "no"
    assert "not shown" in asked(max_seeds=10, looks=1).why


def test_a_seed_in_the_middle_cannot_be_left_out() -> None:
    both(0.9, [0, 1, 2, *range(4, 15)])
    now = asked()
    assert (now.answer, now.seeds, now.missing) == ("not yet", 3, (3,))
    write(ONE, 0.9, [3])
    assert asked().missing == (3,)
    write(OTHER, 0.8, [3])
    assert asked().answer == "yes"


def test_at_least_and_fixed_test_rows() -> None:
    both(0.9, range(10), settings={})
    for path in Path("experiments").rglob("config.yaml"):
        path.write_text(path.read_text() + "split: holdout\nsplit_seed: 3\n")
    fixed = asked(max_seeds=10, looks=1)
    assert fixed.test == "paired t"
    assert "training seed" in fixed.about
    assert asked(max_seeds=10, looks=1, at_least=0.05).answer == "yes"
    assert asked(max_seeds=10, looks=1, at_least=0.1).answer == "no"


@pytest.mark.parametrize("status", ["failed", "diverged"])
def test_failures_keep_their_place_and_count_against_the_candidate(status: str) -> None:
    one, other = write(ONE, 0.9, range(10)), write(OTHER, 0.8, range(10))
    whole = asked(max_seeds=10, looks=1).effect
    fail(one[4], status)
    failed = asked(max_seeds=10, looks=1)
    assert failed.failed == ("candidate, seed 4",)
    assert failed.effect is not None
    assert whole is not None
    assert failed.effect.value < whole.value
    assert failed.effect.low < whole.low
    fail(other[5], status)
    assert asked(max_seeds=10, looks=1).failed == ("candidate, seed 4", "baseline, seed 5")


def test_the_declared_floor_is_what_a_failed_candidate_scored() -> None:
    folders = write(ONE, 0.9, range(10)) + write(OTHER, 0.8, range(10))
    fail(folders[4])
    seen = asked(max_seeds=10, looks=1).effect
    for folder in folders:
        change(folder, bounds={"floor": {"value": 0.1, "source": "chance"}, "ceiling": {"value": 1.0, "source": "all"}})
    floored = asked(max_seeds=10, looks=1).effect
    assert seen is not None
    assert floored is not None
    assert floored.value < seen.value - 0.05


def test_a_failure_after_the_look_that_answered_is_not_told_of_it() -> None:
    both(0.9, range(12))
    fail(next(Path("experiments").glob(f"demo/runs/digits/{ONE}/*/seed-11")))
    assert (asked().answer, asked().look, asked().failed) == ("yes", 10, ())


def test_sides_with_other_shares_of_test_rows_do_not_pair() -> None:
    both(0.9, range(10))
    for path in Path("experiments").rglob("config.yaml"):
        path.write_text(path.read_text() + f"test_size: {0.2 if ONE in str(path) else 0.3}\n")
    with pytest.raises(Refused, match=r"do not pair by seed, for they differ in test_size 0\.2 and 0\.3"):
        asked()


def test_interrupted_runs_are_waited_for() -> None:
    both(0.9, range(10))
    folder = next(Path("experiments").glob(f"demo/runs/digits/{ONE}/*/seed-7"))
    change(folder, status="interrupted")
    (folder / "scores.json").unlink()
    assert asked().missing == (7,)


def test_copies_of_one_run_are_told_from_seeds_that_agree() -> None:
    for trainer, score in ((ONE, 0.9), (OTHER, 0.8)):
        for seed in range(10):
            folder = write_run(Path("experiments"), trainer, seed=seed, score=score)
            (folder / "predictions.npz").write_bytes(trainer.encode())
    assert (asked(max_seeds=10, looks=1).answer, "one run repeated" in asked().why) == ("no", True)
    for path in Path("experiments").rglob("predictions.npz"):
        path.write_bytes(str(path).encode())
    assert asked(max_seeds=10, looks=1).answer == "yes"


def test_the_same_folder_gives_the_same_answer_in_any_order() -> None:
    both(0.82, range(14))
    runs = read(Path("experiments"), "demo")
    assert decide(runs, rule()) == decide(runs[::-1], rule())


def test_settings_tell_two_configurations_of_a_trainer_apart() -> None:
    write(OTHER, 0.8, range(10), settings={"C": 1.0}, labels=20)
    write(OTHER, 0.9, range(10), settings={"C": 10.0}, labels=20)
    sides = {"candidate": {"trainer": OTHER, "trainer.C": 10}, "baseline": {"trainer": OTHER, "trainer.C": 1}}
    assert asked(**sides).answer == "yes"
    assert asked(candidate=sides["baseline"], baseline=sides["candidate"]).answer == "no"
    with pytest.raises(Refused, match=r"fits several settings \(C=1\.0; C=10\.0\)"):
        asked(candidate={"trainer": OTHER, "labels": 20}, baseline=sides["baseline"])


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"candidate": "semi_supervised/label_spreding"}, "Did you mean 'semi_supervised/label_spreading'?"),
        ({"baseline": "logistic"}, "Did you mean 'supervised/logistic'?"),
        ({"candidate": {"trainer": ONE, "lables": 20}}, "has no setting 'lables'. Did you mean 'labels'?"),
        ({"metric": "test/acuracy"}, "has no such score. Did you mean 'test/accuracy'?"),
        ({}, "decision.candidate=semi_supervised/label_spreading fits runs of labels 20, 100, null: name one"),
    ],
)
def test_what_does_not_fit_the_runs_is_refused(more: Mapping[str, object], says: str) -> None:
    for labels in (100, 20, None):
        both(0.9, range(2), labels=labels)
    with pytest.raises(Refused) as refused:
        asked(**{**({} if not more else LABELS), **more})
    assert says in str(refused.value)


def test_two_problems_are_named_or_refused() -> None:
    for problem in ("digits", "wine"):
        both(0.9, range(10), problem=problem)
    with pytest.raises(Refused, match="fits runs of problem digits, wine"):
        asked()
    assert asked(candidate={"trainer": ONE, "problem": "wine"}).answer == "yes"
    with pytest.raises(Refused, match="do not pair by seed, for they differ in problem digits and wine"):
        asked(candidate={"trainer": ONE, "problem": "digits"}, baseline={"trainer": OTHER, "problem": "wine"})


def test_the_verb_answers_by_its_exit_code_too(cli: Cli) -> None:
    now = rule(at_least=0.01)
    both(0.9, range(7), stamp=now)
    code, out, err = cli("decide", "demo")
    assert (code, err) == (3, "")
    assert out.startswith("not yet: semi_supervised/label_spreading better than supervised/logistic by more\nthan 0.01")
    assert "7 of the 10 paired seeds of the first look are there" in out
    assert out.splitlines()[-1] == "paralab train experiment=demo 'seed=range(7,10)' -m"
    both(0.9, range(7, 10), stamp=now)
    code, out, _ = cli("decide", "demo", "--json")
    said = json.loads(out)
    assert (code, said["answer"], said["digest"], said["changed"]) == (0, "yes", digest(now), None)
    assert said["effect"]["low"] > 0.01
    for folder in Path("experiments").glob(f"demo/runs/digits/{ONE}/*/seed-*"):
        (folder / "scores.json").write_text('{"test/accuracy": 0.5}')
    code, out, _ = cli("decide", "demo", "--root", "experiments")
    assert (code, out.split(":")[0]) == (1, "no")
    assert max(map(len, out.splitlines())) <= 80


def test_without_a_rule_the_user_is_told_what_to_write(cli: Cli) -> None:
    both(0.9, range(2))
    code, out, err = cli("decide", "demo")
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert "states no rule; write decision:" in err
    assert "conf/experiment/demo.yaml" in err
    assert cli("decide", "demos")[2].count("Did you mean 'demo'?") == 1


def yaml_of(text: str) -> None:
    Path("conf/experiment").mkdir(parents=True, exist_ok=True)
    Path("conf/experiment/demo.yaml").write_text(f"# @package _global_\nname: demo\n{text}\n")


RULED = f"decision: {{candidate: {ONE}, baseline: {OTHER}, max_seeds: 10, at_least: AT}}"


def test_a_rule_changed_after_the_first_run_shows(cli: Cli) -> None:
    first = rule(max_seeds=10, looks=1)
    both(0.9, range(10), stamp=first)
    yaml_of(RULED.replace("AT", "0"))
    assert json.loads(cli("decide", "demo", "--json")[1])["changed"] is None
    yaml_of(RULED.replace("AT", "0.05"))
    changed = json.loads(cli("decide", "demo", "--json")[1])["changed"]
    assert changed == (
        f"changed after the first run: 20 of 20 runs carry {digest(first)[:12]} (at_least 0.0, now 0.05)"
    )
    assert "changed after the first run" in " ".join(cli("decide", "demo")[1].split())


def test_a_rule_declared_after_the_first_run_shows(cli: Cli) -> None:
    both(0.9, range(6), started="2026-01-01T00:00:00+00:00")
    both(0.9, range(6, 10), stamp=rule(max_seeds=10, looks=1), started="2026-01-02T00:00:00+00:00")
    said = json.loads(cli("decide", "demo", "--json")[1])
    assert said["changed"] == "declared after the first run: 12 of 20 runs carry no rule"


def test_runs_replaced_by_force_are_remembered(cli: Cli) -> None:
    both(0.9, range(10), stamp=rule())
    old = next(Path("experiments/demo/runs").glob("digits/*/*/*/seed-3/record.json"))
    kept = Path("experiments/demo/runs/.replaced/17") / old.relative_to("experiments/demo/runs")
    kept.parent.mkdir(parents=True)
    kept.write_text(old.read_text())
    assert json.loads(cli("decide", "demo", "--json")[1])["changed"] is None
    kept.write_text(json.dumps(json.loads(old.read_text()) | {"decision": None}))
    changed = json.loads(cli("decide", "demo", "--json")[1])["changed"]
    assert changed == "1 more under another rule, or none, were replaced since"


def test_the_command_names_the_axes_of_both_sides(cli: Cli) -> None:
    yaml_of(
        f"decision: {{candidate: {{trainer: {ONE}, labels: 100}}, baseline: {{trainer: {OTHER}, labels: 100}}, "
        "max_seeds: 10}"
    )
    write(ONE, 0.9, [0, 1, 3], labels=100)
    write(OTHER, 0.9, [0, 1], labels=100)
    code, out, err = cli("decide", "demo", "--json")
    assert (code, err) == (3, "")
    assert json.loads(out)["commands"] == [
        f"paralab train experiment=demo trainer={ONE},{OTHER} labels=100 'seed=range(2,10)'"
    ]
