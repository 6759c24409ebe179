"""Metrics by name, on the tensors of `losses/truth.py`: what is not known counts neither as right nor as wrong.

One structure is decided at 0.5, several classes by the largest probability, unless a metric says otherwise. With
several classes, counts and overlaps are of the classes after the background, which would drown them.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops

from maskwright.errors import MaskwrightError, choices
from maskwright.keras_names import keras_object, read_call
from maskwright.labels.regions import IGNORED
from maskwright.losses import dice_coefficient, iou_coefficient
from maskwright.losses.from_keras import check_task, metric_arguments, metric_result
from maskwright.losses.modern import tversky_index
from maskwright.losses.shape import centreline_dice
from maskwright.losses.trial import Kind, judge_metric
from maskwright.losses.truth import after_background, any_known, mean_known, of_labels, read_truth, split

Tensor = Any
Metric = Callable[..., Tensor]
METRICS: dict[str, Metric] = {}  # of labels and prediction
_EPSILON = 1e-7


def metric(function: Metric) -> Metric:
    """Make a metric, `f(truth, prediction, known)`, selectable by the name of its function."""
    METRICS[function.__name__] = of_labels(function)
    return function


def get_metric(
    name: str, channels: int | None = None, ignore_label: int | None = None, regions: Any | None = None
) -> Any:
    """The metric of that name, or a Keras metric written as `Name(option=value)`, to be updated with labels.

    Args:
        channels: where predictions have more channels than that, only the first ones count (deep supervision).
        ignore_label: 255 or None, which mean the same: pixels of that label never count.
        regions: table of overlapping regions, `(256, K)`; the mean over them is taken, each as one structure.

    Raises:
        MaskwrightError: there is none of that name, or it does not compare masks.
    """
    if ignore_label not in (None, IGNORED):
        raise MaskwrightError(
            f"pixels that count nowhere are marked with {IGNORED}, not with {ignore_label}", where="[train] metrics"
        )
    if name in METRICS:
        return _Ours(name, channels, regions)
    if keras_object(name, keras.metrics) is None:
        raise MaskwrightError(
            f"there is no metric {name!r}", where="[train] metrics", fix=choices(name, sorted(METRICS))
        )
    return _OfKeras(name, channels, regions)


def get_metrics(names: Sequence[str], channels: int | None = None, regions: Any | None = None) -> list[Any]:
    """The metrics of those names, as in `get_metric`, each with a log entry of its own: the second AUC is `auc_1`."""
    found = [get_metric(name, channels, regions=regions) for name in names]
    for place, one in enumerate(found):
        before = sum(other.label == one.label for other in found[:place])
        one.name = f"{one.label}_{before}" if before else one.label
    return found


@functools.cache
def try_metric(name: str, kind: Kind) -> None:
    """Refuse a metric that cannot judge a network.

    Raises:
        MaskwrightError: as `get_metric` and `losses.trial.judge_metric`.
    """
    judge_metric(get_metric(name), name, kind)


class _Ours(keras.metrics.Mean):
    """The mean over batches, or over images where the function gives a value for each; only where truth is known."""

    def __init__(self, name: str, channels: int | None, regions: Any | None) -> None:
        super().__init__(name=name)
        self.function = of_labels(METRICS[name].__wrapped__, regions)  # type: ignore[attr-defined]
        self.label, self.channels = name, channels

    def update_state(self, labels: Tensor, prediction: Tensor, sample_weight: None = None) -> None:
        """Add a batch: labels `(B, …, 1)`, prediction `(B, …, K)`."""
        prediction = prediction[..., : self.channels]
        values = self.function(labels, prediction)
        known = read_truth(labels, prediction.shape[-1]).known
        axes = tuple(range(1, len(known.shape)))
        super().update_state(values, any_known(known) if len(values.shape) == 0 else ops.max(known, axis=axes))


class _OfKeras(keras.metrics.Metric):
    """A metric of Keras, updated with truth in the form it is written for; one for each region."""

    def __init__(self, text: str, channels: int | None, regions: Any | None) -> None:
        inner: list[Any] = [
            keras_object(text, keras.metrics) for _ in range(1 if regions is None else regions.shape[1])
        ]
        self.label = _label(text, inner[0].name)
        super().__init__(name=self.label)
        check_task(inner[0], "[train] metrics")
        self.inner, self.channels, self.regions = inner, channels, regions

    def update_state(self, labels: Tensor, prediction: Tensor, sample_weight: None = None) -> None:
        """Add a batch: labels `(B, …, 1)`, prediction `(B, …, K)`."""
        parts = split(labels, prediction[..., : self.channels], self.regions)
        for one, part in zip(self.inner, parts, strict=True):
            truth, answer, known = metric_arguments(one, *part)
            one.update_state(truth, answer, sample_weight=known)

    def result(self) -> Tensor:
        """A scalar, also of a metric that gives a value a class."""
        return sum(metric_result(one) for one in self.inner) / len(self.inner)

    def reset_state(self) -> None:
        """Forget all batches."""
        for one in self.inner:
            one.reset_state()


def _label(text: str, name: str) -> str:
    """A name given in the text, or that of Keras without its count of all that were ever made."""
    called = read_call(text)
    given = called is not None and ("name" in called.options or any(isinstance(one, str) for one in called.arguments))
    return name if given else re.sub(r"_\d+$", "", name)


@metric
def binary_accuracy(truth: Tensor, prediction: Tensor, known: Tensor) -> Tensor:
    """Share of values with (p > 0.5) == t; with several classes those of every class, the background too."""
    return mean_known(ops.cast(ops.equal(truth > 0.5, prediction > 0.5), "float32"), known)


@metric
def accuracy(truth: Tensor, prediction: Tensor, known: Tensor) -> Tensor:
    """Share of pixels of the right class; with one structure the same as `binary_accuracy`."""
    if prediction.shape[-1] == 1:
        return binary_accuracy(truth, prediction, known)
    right = ops.cast(ops.equal(ops.argmax(truth, -1), ops.argmax(prediction, -1)), "float32")
    return mean_known(right[..., None], known)


@metric
def dice_coef(truth: Tensor, prediction: Tensor, known: Tensor) -> Tensor:
    """Soft Dice over the whole batch, smoothing 1."""
    return dice_coefficient(truth, prediction)


@metric
def iou_coef(truth: Tensor, prediction: Tensor, known: Tensor) -> Tensor:
    """Soft IoU over the whole batch."""
    return iou_coefficient(truth, prediction)


@metric
def jacard_similarity(truth: Tensor, prediction: Tensor, known: Tensor) -> Tensor:
    """Soft IoU over the whole batch, under the reference's second name."""
    return iou_coefficient(truth, prediction)


@metric
def tversky_coef(truth: Tensor, prediction: Tensor, known: Tensor) -> Tensor:
    """Tversky index over the whole batch, alpha 0.3 and beta 0.7: what is missing weighs more than what is too much."""
    return ops.mean(tversky_index(truth, prediction, 0.3, 0.7))


@metric
def cldice_coef(truth: Tensor, prediction: Tensor, known: Tensor) -> Tensor:
    """Soft clDice over the whole batch (Shit et al. 2021): how far middle lines lie in the other mask."""
    return centreline_dice(truth, prediction, known, steps=5)


def _counted(truth: Tensor, prediction: Tensor) -> tuple[Tensor, Tensor]:
    """Truth and prediction to be counted: of several classes the decided ones after the background."""
    if prediction.shape[-1] > 1:
        prediction = _decided(prediction)
    return after_background(truth, prediction)


def _decided(prediction: Tensor) -> Tensor:
    """1 for the class of the largest probability, the first one where several have it."""
    classes = ops.arange(prediction.shape[-1], dtype="int32")
    return ops.cast(ops.equal(ops.cast(ops.argmax(prediction, -1), "int32")[..., None], classes), "float32")


@metric
def sensitivity(truth: Tensor, prediction: Tensor, known: Tensor) -> Tensor:
    """Σ round(t·p) / (Σ round(t) + 1e-7) over the whole batch.

    Several classes are decided by the largest probability, and the sums run over the classes after the background
    (scikit-learn's micro average over these), so that the background is not counted as found.
    """
    truth, prediction = _counted(truth, prediction)
    hit = ops.sum(ops.round(ops.clip(truth * prediction, 0, 1)))
    return hit / (ops.sum(ops.round(ops.clip(truth, 0, 1))) + _EPSILON)


@metric
def specificity(truth: Tensor, prediction: Tensor, known: Tensor) -> Tensor:
    """Σ round((1-t)·(1-p)) / (Σ round(1-t) + 1e-7) over the known pixels of the batch; classes as in `sensitivity`."""
    truth, prediction = _counted(truth, prediction)
    right = ops.sum(known * ops.round(ops.clip((1 - truth) * (1 - prediction), 0, 1)))
    return right / (ops.sum(known * ops.round(ops.clip(1 - truth, 0, 1))) + _EPSILON)


@metric
def balanced_accuracy(truth: Tensor, prediction: Tensor, known: Tensor) -> Tensor:
    """Mean of `sensitivity` and `specificity` over the whole batch."""
    return (sensitivity(truth, prediction, known) + specificity(truth, prediction, known)) / 2


@metric
def precision(truth: Tensor, prediction: Tensor, known: Tensor) -> Tensor:
    """Σ round(t·p) / (Σ round(p) + 1e-7) over the known pixels of the batch; classes as in `sensitivity`."""
    truth, prediction = _counted(truth, prediction)
    # The largest of probabilities that are all 0, as where nothing is known, is the background.
    hit = ops.sum(ops.round(ops.clip(truth * prediction, 0, 1)))
    return hit / (ops.sum(ops.round(ops.clip(prediction, 0, 1))) + _EPSILON)


@metric
def dice_per_image(truth: Tensor, prediction: Tensor, known: Tensor) -> Tensor:
    """Dice of the decided mask of each image, `(B,)`, so that the mean does not depend on batches.

    Decided at 0.5, or by the largest probability; 1 where truth and prediction are both empty; the mean over the
    classes after the background.
    """
    decided = ops.cast(prediction >= 0.5, "float32") if prediction.shape[-1] == 1 else _decided(prediction)
    truth, decided = after_background(truth, decided)
    axes = tuple(range(1, len(truth.shape) - 1))
    both = ops.sum(truth * decided, axes)
    total = ops.sum(truth, axes) + ops.sum(decided, axes)
    empty = ops.equal(total, 0)
    return ops.mean(ops.where(empty, 1.0, 2 * both / ops.where(empty, 1.0, total)), axis=-1)
