"""Trainers that learn a label as well as a value: one pipeline, the model that fits the answer."""

from __future__ import annotations

from sklearn.base import is_classifier
from sklearn.pipeline import Pipeline

from paralab.core import Labelled, Meaning, Model
from paralab.errors import Mismatch
from paralab.trainers.skops_models import ClassifierModel, RegressorModel
from paralab.trainers.targets import ClassWeight, asked, unweighted, varied


def asks_value(shown: Labelled, trainer: str, class_weight: ClassWeight = None) -> bool:
    """Whether the answer is a value and no label.

    Raises Mismatch where it is neither, Refused where labels of one class only are shown, or values with class weights.
    """
    if Meaning.VALUE in shown.task.outputs:
        unweighted(class_weight, trainer)
        return True
    if Meaning.LABEL not in shown.task.outputs:
        asks = asked(shown.task)
        raise Mismatch(
            f"{trainer} learns labels or values, this problem asks for {asks}: pick another, see paralab list trainers"
        )
    varied(shown.targets, trainer)
    return False


def model(pipeline: Pipeline, shown: Labelled) -> Model:
    """The fitted pipeline as the model of its kind of answer."""
    if is_classifier(pipeline):
        return ClassifierModel.of(pipeline, shown.task)
    return RegressorModel.of(pipeline, shown.task.inputs)
