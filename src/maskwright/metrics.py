"""Metrics by name, on `keras.ops`; shapes as in `losses/base.py`, pictures and volumes alike.

A metric may take `known`, `(B, …, 1)` of 0 and 1: pixels of 0 count for nothing, neither as right nor as wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from maskwright.errors import MaskwrightError, choices
from maskwright.keras_names import keras_object
from maskwright.losses import aligned, dice_coefficient, iou_coefficient, regional
from maskwright.losses.base import without_ignored
from maskwright.losses.modern import tversky_index
from maskwright.losses.shape import centreline_dice

Tensor = Any
Metric = Callable[..., Tensor]
METRICS: dict[str, Metric] = {}
_EPSILON = 1e-7


def metric(function: Metric) -> Metric:
    """Make a metric selectable by the name of its function."""
    METRICS[function.__name__] = function
    return function


def get_metric(
    name: str, channels: int | None = None, ignore_label: int | None = None, regions: Any | None = None
) -> Any:
    """The metric of that name, or a Keras metric written as `Name(option=value)`.

    Args:
        channels: where predictions have more channels than that, only the first ones count (deep supervision).
        ignore_label: pixels of this class number count for nothing.
        regions: table of overlapping regions, as in `losses.regional`; the mean over them is taken.

    Raises:
        MaskwrightError: there is none of that name, or a Keras metric would have to ignore pixels or see regions.
    """
    if name in METRICS:
        function = _prepared(METRICS[name], channels, ignore_label)
        function = function if regions is None else regional(function, regions)
        return keras.metrics.MeanMetricWrapper(function, name=name)
    found = keras_object(name, keras.metrics)
    if found is None:
        raise MaskwrightError(
            f"there is no metric {name!r}", where="[train] metrics", fix=choices(name, sorted(METRICS))
        )
    if ignore_label is not None or regions is not None:
        what = "see regions" if regions is not None else "leave out the pixels of mask.ignore"
        raise MaskwrightError(
            f"Keras's {name} cannot {what}",
            where="[train] metrics",
            fix=f"These can: {', '.join(sorted(METRICS))}.",
        )
    return found


def _prepared(function: Metric, channels: int | None, ignore_label: int | None) -> Metric:
    def prepared(truth: Tensor, prediction: Tensor) -> Tensor:
        if channels is not None:
            prediction = prediction[..., :channels]
        if ignore_label is None:
            return function(truth, prediction)
        truth, prediction, known = without_ignored(truth, prediction, ignore_label)
        return function(truth, prediction, known)

    return prepared


def _mean(values: Tensor, known: Tensor | None) -> Tensor:
    """Mean over the known pixels; 1 where there is none."""
    if known is None:
        return ops.mean(values)
    known = known * ops.ones_like(values)
    count = ops.sum(known)
    return ops.where(count > 0, ops.sum(values * known) / ops.maximum(count, 1.0), 1.0)


@metric
def binary_accuracy(truth: Tensor, prediction: Tensor, known: Tensor | None = None) -> Tensor:
    """Share of values with (p > 0.5) == t."""
    truth, prediction = aligned(truth, prediction)
    return _mean(ops.cast(ops.equal(truth > 0.5, prediction > 0.5), "float32"), known)


@metric
def accuracy(truth: Tensor, prediction: Tensor, known: Tensor | None = None) -> Tensor:
    """Share of pixels of the right class; with one class the same as `binary_accuracy`."""
    if prediction.shape[-1] == 1:
        return binary_accuracy(truth, prediction, known)
    truth, prediction = aligned(truth, prediction)
    right = ops.cast(ops.equal(ops.argmax(truth, -1), ops.argmax(prediction, -1)), "float32")
    return _mean(right[..., None], known)


@metric
def dice_coef(truth: Tensor, prediction: Tensor, known: Tensor | None = None) -> Tensor:
    """Soft Dice over the whole batch, smoothing 1."""
    return dice_coefficient(truth, prediction)


@metric
def iou_coef(truth: Tensor, prediction: Tensor, known: Tensor | None = None) -> Tensor:
    """Soft IoU over the whole batch."""
    return iou_coefficient(truth, prediction)


@metric
def jacard_similarity(truth: Tensor, prediction: Tensor, known: Tensor | None = None) -> Tensor:
    """Soft IoU over the whole batch, under the reference's second name."""
    return iou_coefficient(truth, prediction)


@metric
def tversky_coef(truth: Tensor, prediction: Tensor, known: Tensor | None = None) -> Tensor:
    """Tversky index over the whole batch, alpha 0.3 and beta 0.7: what is missing weighs more than what is too much."""
    return ops.mean(tversky_index(truth, prediction, 0.3, 0.7))


@metric
def cldice_coef(truth: Tensor, prediction: Tensor, known: Tensor | None = None) -> Tensor:
    """Soft clDice over the whole batch (Shit et al. 2021): how far middle lines lie in the other mask."""
    return centreline_dice(truth, prediction, steps=5)


@metric
def sensitivity(truth: Tensor, prediction: Tensor, known: Tensor | None = None) -> Tensor:
    """Σ round(t·p) / (Σ round(t) + 1e-7) over the whole batch."""
    truth, prediction = aligned(truth, prediction)
    hit = ops.sum(ops.round(ops.clip(truth * prediction, 0, 1)))
    return hit / (ops.sum(ops.round(ops.clip(truth, 0, 1))) + _EPSILON)


@metric
def specificity(truth: Tensor, prediction: Tensor, known: Tensor | None = None) -> Tensor:
    """Σ round((1-t)·(1-p)) / (Σ round(1-t) + 1e-7) over the whole batch."""
    truth, prediction = aligned(truth, prediction)
    weight = 1.0 if known is None else known
    right = ops.sum(weight * ops.round(ops.clip((1 - truth) * (1 - prediction), 0, 1)))
    return right / (ops.sum(weight * ops.round(ops.clip(1 - truth, 0, 1))) + _EPSILON)


@metric
def balanced_accuracy(truth: Tensor, prediction: Tensor, known: Tensor | None = None) -> Tensor:
    """Mean of sensitivity and specificity over the whole batch."""
    return (sensitivity(truth, prediction) + specificity(truth, prediction, known)) / 2


@metric
def precision(truth: Tensor, prediction: Tensor, known: Tensor | None = None) -> Tensor:
    """Σ round(t·p) / (Σ round(p) + 1e-7) over the whole batch; with several classes, of those after the background."""
    truth, prediction = aligned(truth, prediction)
    if prediction.shape[-1] > 1:
        truth, prediction = truth[..., 1:], prediction[..., 1:]
    hit = ops.sum(ops.round(ops.clip(truth * prediction, 0, 1)))
    return hit / (ops.sum(ops.round(ops.clip(prediction, 0, 1))) + _EPSILON)


@metric
def dice_per_image(truth: Tensor, prediction: Tensor, known: Tensor | None = None) -> Tensor:
    """Dice of the decided mask of each image, `(B,)`, so that the mean does not depend on batches.

    Decided at 0.5, or by the largest probability; 1 where truth and prediction are both empty; the mean over the
    classes after the background.
    """
    truth, prediction = aligned(truth, prediction)
    if prediction.shape[-1] > 1:
        decided = ops.one_hot(ops.argmax(prediction, -1), prediction.shape[-1])[..., 1:]
        truth = truth[..., 1:]
    else:
        decided = ops.cast(prediction >= 0.5, "float32")
    axes = tuple(range(1, len(truth.shape) - 1))
    both = ops.sum(truth * decided, axes)
    total = ops.sum(truth, axes) + ops.sum(decided, axes)
    empty = ops.equal(total, 0)
    return ops.mean(ops.where(empty, 1.0, 2 * both / ops.where(empty, 1.0, total)), axis=-1)
