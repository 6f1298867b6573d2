"""A rule is checked before anything runs, has one spelling, and is stamped into every run without being part of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paralab.compare.rule import FEWEST, MOST_LOOKS, carried, digest, plain, rule_of
from paralab.compose import loader
from paralab.errors import Refused
from paralab.record.plan import Plan
from paralab.sweep import manifest
from paralab.sweep.plan import compose_any, plan_grid
from tests.conftest import Cli

NODE: Mapping[str, object] = {
    "candidate": "semi_supervised/label_spreading",
    "baseline": {"trainer": "supervised/logistic", "labels": 100, "trainer.C": 10.0},
    "metric": "test/accuracy",
    "at_least": 0.0,
    "confidence": 0.95,
    "max_seeds": 20,
    "looks": [10, 20],
}
RULE = (
    "decision={candidate: semi_supervised/label_spreading, baseline: supervised/logistic, max_seeds: 10}",
    "decision.looks=[6,10]",
)


@given(
    st.integers(FEWEST, 500).flatmap(lambda most: st.tuples(st.just(most), st.integers(1, min(most, MOST_LOOKS)))),
    st.floats(-1, 1),
    st.floats(0.5, 0.99),
    st.dictionaries(st.sampled_from(["labels", "trainer.C", "select"]), st.integers(0, 9) | st.none() | st.booleans()),
)
def test_what_it_says_is_read_back_as_the_same_rule(
    seeds: tuple[int, int], at_least: float, confidence: float, more: dict[str, object]
) -> None:
    most, count = seeds
    node = {**NODE, "max_seeds": most, "looks": count, "at_least": at_least, "confidence": confidence}
    node["candidate"] = {"trainer": "supervised/mlp", **more}
    if most // count < FEWEST:
        return
    rule = rule_of(node)
    assert rule is not None
    assert len(rule.looks) == count
    assert (rule.looks[-1], sorted(set(rule.looks))) == (most, list(rule.looks))
    written = json.loads(json.dumps(plain(rule)))
    again = rule_of(written)
    assert again == rule
    assert carried({"digest": "whatever", **written}) == digest(rule) == digest(again)


def test_one_spelling_a_rule_and_another_digest_for_another_rule() -> None:
    rule = rule_of(NODE)
    assert rule is not None
    same = {
        **NODE, "looks": 2, "at_least": 0, "candidate": {"trainer": NODE["candidate"]},
        "baseline": {"trainer.C": 10.0, "labels": 100, "trainer": "supervised/logistic"},
    }  # fmt: skip
    assert rule_of(same) == rule
    changes: list[dict[str, Any]] = [{"at_least": 0.01}, {"looks": (20,)}, {"metric": None}, {"confidence": 0.9}]
    assert len({digest(rule), *(digest(replace(rule, **change)) for change in changes)}) == 5


@pytest.mark.parametrize("node", [None, {}, {"candidate": None, "at_least": 0.0, "looks": 1}])
def test_a_node_that_says_nothing_is_no_rule(node: Mapping[str, object] | None) -> None:
    assert rule_of(node) is None


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"candidate": None}, "decision.candidate is missing"),
        ({"max_seeds": None}, "decision.max_seeds is missing"),
        ({"candidate": ["a"]}, "a trainer is needed"),
        ({"candidate": {"labels": 100}}, "a trainer is needed"),
        ({"baseline": {"trainer": "supervised/mlp", "seed": 3}}, "decision.baseline names a seed"),
        ({"baseline": "semi_supervised/label_spreading"}, "name two methods"),
        ({"metric": "accuracy"}, "a score on test is needed, such as test/accuracy"),
        ({"metric": "cost/seconds"}, "a score on test is needed"),
        ({"metric": "valid/accuracy"}, "a score on test is needed"),
        ({"confidence": 95}, "decision.confidence=95: a share"),
        ({"at_least": float("nan")}, "decision.at_least=nan: a number is needed"),
        ({"at_least": "much"}, "decision.at_least=much: a number is needed"),
        ({"max_seeds": 5, "looks": 1}, "under 6 nothing can be told"),
        ({"looks": [5, 20]}, "looks at 5 seeds: under 6 nothing can be told"),
        ({"looks": 4}, "looks at 5 seeds: under 6"),
        ({"looks": [10, 10, 20]}, "rising numbers of seeds"),
        ({"looks": [20, 10]}, "rising numbers of seeds"),
        ({"looks": [10, 15]}, "ends at 15 seeds; the last look is at max_seeds=20"),
        ({"looks": 0}, "1 to 20 looks are needed"),
        ({"looks": []}, "1 to 20 rising numbers"),
        ({"looks": "10"}, "decision.looks=10: a whole number is needed"),
        ({"looks": True}, "decision.looks=True: a whole number is needed"),
        ({"at_lest": 0.1}, "there is no 'at_lest' in decision. Did you mean 'at_least'?"),
    ],
)
def test_what_cannot_be_a_rule_is_refused(change: Mapping[str, object], says: str) -> None:
    with pytest.raises(Refused) as refused:
        rule_of({**NODE, **change})
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["decision.max_seed=3"], "there is no 'max_seed' in decision. Did you mean 'max_seeds'?"),
        (["decision.max_seeds=10"], "decision.candidate is missing"),
        ([*RULE, "decision.candidate=label_spreading"], "Did you mean 'semi_supervised/label_spreading'?"),
        ([*RULE, "decision.baseline=supervised/logistc"], "decision.baseline: trainer 'supervised/logistc' is not"),
        (
            [*RULE, "decision.baseline={trainer: supervised/logistic, trainer.c: 3}"],
            "decision.baseline: supervised/logistic has no setting 'trainer.c'. Did you mean 'trainer.C'?",
        ),
        (["-m", "seed=0,1", *RULE, "decision.at_least=0,0.1"], "decision is an axis of this grid"),
    ],
)
def test_the_command_line_is_refused_before_anything_runs(words: list[str], says: str, cli: Cli) -> None:
    code, out, err = cli("train", "problem=digits", "trainer=supervised/logistic", "labels=20", *words)
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert says in err
    assert not Path("experiments").exists()


def test_a_rule_is_no_part_of_what_a_run_is(plan: Callable[..., Plan]) -> None:
    bare, ruled = (plan("digits", "supervised/logistic", "labels=20", *words) for words in ((), RULE))
    assert bare.config["decision"] is None
    assert ruled.config["decision"]["looks"] == [6, 10]
    assert (bare.config_id, bare.folder) == (ruled.config_id, ruled.folder)


def test_every_run_carries_the_stamp_and_a_finished_one_keeps_it(cli: Cli) -> None:
    words = ("train", "problem=digits", "trainer=supervised/logistic", "labels=20", "-q")
    assert cli(*words, *RULE)[0] == 0
    (record,) = Path("experiments").glob("scratch/runs/*/*/*/*/*/record.json")
    stamp = json.loads(record.read_text())["decision"]
    rule = rule_of({key: value for key, value in stamp.items() if key != "digest"})
    assert rule is not None
    assert stamp["digest"] == digest(rule) == carried(stamp)
    before = record.read_bytes()
    assert cli(*words, *RULE, "decision.at_least=.1")[0] == 0
    assert record.read_bytes() == before


def test_a_sweep_freezes_it(tmp_path: Path) -> None:
    words = ["problem=digits", "trainer=supervised/logistic", "labels=20", "seed=0,1", "hydra.mode=MULTIRUN", *RULE]
    config, grid = compose_any(loader(), words)
    assert grid
    plans = plan_grid(loader(), config, words)
    rules = [plan.config["decision"] for plan in manifest.read(manifest.write(plans))]
    assert rules == [plan.config["decision"] for plan in plans]
    assert rules[0]["candidate"] == {"trainer": "semi_supervised/label_spreading"}


def test_an_experiments_rule_can_be_dropped_or_changed_by_the_command_line() -> None:
    for more, at_least in ((["decision=null"], None), (["decision.at_least=.05"], 0.05), ([], 0.02)):
        words = ["experiment=label_efficiency", "seed=0", "labels=100", "trainer=supervised/logistic", *more]
        config, _ = compose_any(loader(), words)
        rule = plan_grid(loader(), config, words)[0].config["decision"]
        assert (None if rule is None else rule["at_least"]) == at_least
