"""What a view hides stays hidden: training on permuted labels changes nothing where no labels are granted."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from paralab.build import job_of
from paralab.catalog import folders, names
from paralab.core import Unlabelled
from paralab.problems.classification import Classification
from paralab.record.plan import Plan
from paralab.trust import TRAINER, resolve

UNLABELLED = [
    name for name in names("trainer", folders()[:1]) if name.startswith("unsupervised/")
]  # the folder's promise, checked below


@pytest.mark.parametrize("trainer", UNLABELLED)
def test_labels_not_granted_change_no_byte(trainer: str, plan: Callable[..., Plan]) -> None:
    job = job_of(plan("wine", trainer), [])
    assert isinstance(job.problem, Classification)
    rows, data = job.problem.rows, job.problem.data
    targets = data.targets.copy()
    targets[rows.train] = np.random.default_rng(0).permutation(targets[rows.train])
    permuted = dataclasses.replace(job.problem, data=dataclasses.replace(data, targets=targets))
    vars(permuted)["rows"] = rows  # the same split, which is stratified by the true labels
    shown, hidden = job.problem.views[Unlabelled](), permuted.views[Unlabelled]()
    one, other = (next(job.trainer.train(view, 5)).model.predict(data.inputs) for view in (shown, hidden))
    assert one.keys() == other.keys()
    for meaning in one:
        assert np.asarray(one[meaning]).tobytes() == np.asarray(other[meaning]).tobytes()


def test_the_folder_keeps_its_promise(plan: Callable[..., Plan]) -> None:
    for trainer in names("trainer", folders()[:1]):
        view = resolve(plan("wine", trainer).config["trainer"], "trainer", TRAINER).view
        home = {"Labelled": "supervised", "PartlyLabelled": "semi_supervised", "Unlabelled": "unsupervised"}
        assert trainer.split("/")[0] == home.get(view.__name__, "reinforcement")
