"""Trainers that learn a label as well as a value: one pipeline, the model that fits the answer."""

from __future__ import annotations

from sklearn.base import is_classifier
from sklearn.pipeline import Pipeline

from paralab.core import Labelled, Meaning, Model
from paralab.errors import Mismatch
from paralab.trainers.skops_models import ClassifierModel, RegressorModel
from paralab.trainers.targets import asked, classes, varied


def asks_value(shown: Labelled, trainer: str) -> bool:
    """Whether the answer is a value and no label.

    Raises Mismatch where it is neither, Refused where labels of one class only are shown.
    """
    if Meaning.VALUE in shown.task.outputs:
        return True
    if Meaning.LABEL not in shown.task.outputs:
        asks = asked(shown.task)
        raise Mismatch(
            f"{trainer} learns labels or values, this problem asks for {asks}: pick another, see paralab list trainers"
        )
    varied(shown.targets, trainer)
    return False


def model(pipeline: Pipeline, shown: Labelled, trainer: str) -> Model:
    """The fitted pipeline as the model of its kind of answer."""
    if is_classifier(pipeline):
        return ClassifierModel.of(pipeline, shown.task.inputs, classes(shown.task, trainer))
    return RegressorModel.of(pipeline, shown.task.inputs)
