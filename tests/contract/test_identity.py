"""The id of a config changes with every key that decides the outcome, and with no other."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from paralab.record.identity import KEYS
from paralab.record.plan import Plan

DECIDES = {
    "problem": "problem.probe=2.0",
    "trainer": "trainer.alpha=.5",
    "budget": "budget.steps=7",
    "labels": "labels=7",
    "split": "split=all",
    "split_seed": "split_seed=3",
    "select": "select=true",
    "test_size": "test_size=.2",
    "folds": "folds=7",
    "fold": "fold=2",
    "device": None,  # another than cpu is not everywhere
    "threads": "threads=2",
    "compile": "compile=true",
    "repeat": "repeat=1",
    "extend": "extend=true",
}
DECIDES_NOT = [
    "seed=3",
    "name=other",
    "root=elsewhere",
    "force=true",
    "question=why",
    "checkpoint_seconds=1",
    "monitor=tensorboard",
    "+plan.scope=none",
    "device=auto",
    "decision={candidate:supervised/logistic,baseline:supervised/forest,max_seeds:6}",
]


def test_every_key_of_the_id_is_tried() -> None:
    assert set(DECIDES) == set(KEYS)


@pytest.mark.parametrize("override", [override for override in DECIDES.values() if override])
def test_what_decides_changes_the_id(override: str, plan: Callable[..., Plan]) -> None:
    base = plan("digits", "reinforcement/linucb").config_id
    assert plan("digits", "reinforcement/linucb", override).config_id != base
    assert plan("iris", "reinforcement/linucb").config_id != base


@pytest.mark.parametrize("override", DECIDES_NOT)
def test_nothing_else_does(override: str, plan: Callable[..., Plan]) -> None:
    assert (
        plan("digits", "reinforcement/linucb", override).config_id == plan("digits", "reinforcement/linucb").config_id
    )


def test_a_default_given_by_hand_is_the_same_run(plan: Callable[..., Plan]) -> None:
    base = plan("cartpole", "reinforcement/ppo")
    assert plan("cartpole", "reinforcement/ppo", "budget.steps=100000").folder == base.folder


def test_the_root_config_has_no_key_that_was_forgotten(plan: Callable[..., Plan]) -> None:
    derived = {"scenario"}  # built from labels, split, split_seed, select and the seed
    assert set(plan("iris", "supervised/ridge").config) == {*KEYS, *derived} | {
        override.lstrip("+").split("=")[0].split(".")[0] for override in DECIDES_NOT
    }
