"""Metrics by name, on `keras.ops`; shapes as in `losses.py`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from maskwright.errors import MaskwrightError, choices
from maskwright.keras_names import keras_object
from maskwright.losses import aligned, dice_coefficient, iou_coefficient

Tensor = Any
Metric = Callable[[Tensor, Tensor], Tensor]
METRICS: dict[str, Metric] = {}
_EPSILON = 1e-7


def metric(function: Metric) -> Metric:
    """Make a metric selectable by the name of its function."""
    METRICS[function.__name__] = function
    return function


def get_metric(name: str, channels: int | None = None) -> Any:
    """The metric of that name, or a Keras metric written as `Name(option=value)`.

    Args:
        channels: where predictions have more channels than that, only the first ones count (deep supervision).

    Raises:
        MaskwrightError: there is none of that name.
    """
    if name in METRICS:
        function = METRICS[name]
        if channels is None:
            return keras.metrics.MeanMetricWrapper(function, name=name)
        first = lambda truth, prediction: function(truth, prediction[..., :channels])  # noqa: E731
        return keras.metrics.MeanMetricWrapper(first, name=name)
    found = keras_object(name, keras.metrics)
    if found is None:
        raise MaskwrightError(
            f"there is no metric {name!r}", where="[train] metrics", fix=choices(name, sorted(METRICS))
        )
    return found


@metric
def binary_accuracy(truth: Tensor, prediction: Tensor) -> Tensor:
    """Share of values with (p > 0.5) == t."""
    truth, prediction = aligned(truth, prediction)
    return ops.mean(ops.cast(ops.equal(truth > 0.5, prediction > 0.5), "float32"))


@metric
def accuracy(truth: Tensor, prediction: Tensor) -> Tensor:
    """Share of pixels of the right class; with one class the same as `binary_accuracy`."""
    if prediction.shape[-1] == 1:
        return binary_accuracy(truth, prediction)
    truth, prediction = aligned(truth, prediction)
    return ops.mean(ops.cast(ops.equal(ops.argmax(truth, -1), ops.argmax(prediction, -1)), "float32"))


@metric
def dice_coef(truth: Tensor, prediction: Tensor) -> Tensor:
    """Soft Dice over the whole batch, smoothing 1."""
    return dice_coefficient(truth, prediction)


@metric
def iou_coef(truth: Tensor, prediction: Tensor) -> Tensor:
    """Soft IoU over the whole batch."""
    return iou_coefficient(truth, prediction)


@metric
def jacard_similarity(truth: Tensor, prediction: Tensor) -> Tensor:
    """Soft IoU over the whole batch, under the reference's second name."""
    return iou_coefficient(truth, prediction)


@metric
def sensitivity(truth: Tensor, prediction: Tensor) -> Tensor:
    """Σ round(t·p) / (Σ round(t) + 1e-7) over the whole batch."""
    truth, prediction = aligned(truth, prediction)
    hit = ops.sum(ops.round(ops.clip(truth * prediction, 0, 1)))
    return hit / (ops.sum(ops.round(ops.clip(truth, 0, 1))) + _EPSILON)


@metric
def specificity(truth: Tensor, prediction: Tensor) -> Tensor:
    """Σ round((1-t)·(1-p)) / (Σ round(1-t) + 1e-7) over the whole batch."""
    truth, prediction = aligned(truth, prediction)
    right = ops.sum(ops.round(ops.clip((1 - truth) * (1 - prediction), 0, 1)))
    return right / (ops.sum(ops.round(ops.clip(1 - truth, 0, 1))) + _EPSILON)


@metric
def dice_per_image(truth: Tensor, prediction: Tensor) -> Tensor:
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
