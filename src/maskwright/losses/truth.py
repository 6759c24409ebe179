"""The one place where labels become truth, for every loss and metric, ours and Keras's.

Labels are `(B, …, 1)` class numbers, with `IGNORED` (255) where the truth is not known, or one-hot like the prediction
already. A prediction is `(B, …, K)` probabilities: K = 1 for one structure (sigmoid), K classes with the background
first (softmax), or K overlapping regions (sigmoid each). A registered loss or metric never sees class numbers; it is
`f(truth, prediction, known, **options)` on float32 tensors of pictures or volumes:

    truth       (B, …, K)  one-hot; the structure itself where K = 1; of regions, one that may be 1 in several channels
    prediction  (B, …, K)  probabilities
    known       (B, …, 1)  1 where the truth is known, else 0

Where a pixel is not known, truth and prediction are 0 in every channel, so that no value there can reach a result:
sums over pixels need nothing else, means are over the known pixels (`mean_known`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

from keras import ops

from maskwright.labels.regions import IGNORED

Tensor = Any
Function = Callable[..., Tensor]


class Truth(NamedTuple):
    """What is true, `(B, …, K)`, and where that is known, `(B, …, 1)`; float32 of 0 and 1."""

    masks: Tensor
    known: Tensor


def read_truth(labels: Tensor, channels: int, regions: Any | None = None) -> Truth:
    """Labels as one-hot masks and what is known of them.

    Args:
        labels: `(B, …, 1)` class numbers, or `(B, …, channels)` one-hot; `IGNORED` where not known.
        channels: of the prediction.
        regions: table of overlapping regions, `(256, channels)`: what a class number is in each (`labels.regions`).
    """
    labels = ops.cast(labels, "float32")
    if labels.shape[-1] > 1:
        known, masks = ops.min(_is_not(labels, IGNORED), axis=-1, keepdims=True), labels
    else:
        known = _is_not(labels, IGNORED)
        if regions is not None:
            table = ops.convert_to_tensor((regions == 1).astype("float32"))
            masks = ops.take(table, ops.cast(labels[..., 0], "int32"), axis=0)
        elif channels > 1:
            masks = ops.cast(ops.equal(labels, ops.arange(channels, dtype="float32")), "float32")
        else:
            masks = labels
    return Truth(masks * known, known)


def _is_not(labels: Tensor, number: int) -> Tensor:
    return ops.cast(ops.not_equal(labels, float(number)), "float32")


def of_labels(function: Function, regions: Any | None = None) -> Function:
    """A function of truth, prediction and known as one of labels and prediction, which may be of any float type.

    Args:
        regions: as in `read_truth`; then the result is the mean of `function` over the regions, each as one structure.
    """

    @functools.wraps(function)
    def called(labels: Tensor, prediction: Tensor, **options: Any) -> Tensor:
        parts = split(labels, prediction, regions)
        return sum(function(*part, **options) for part in parts) / len(parts)

    return called


def split(labels: Tensor, prediction: Tensor, regions: Any | None = None) -> list[tuple[Tensor, Tensor, Tensor]]:
    """Truth, prediction and known: once, or for each region as one structure by itself."""
    channels = prediction.shape[-1]
    truth, known = read_truth(labels, channels, regions)
    prediction = ops.cast(prediction, "float32")
    # Chosen and not multiplied: even a value that is not finite has no way out.
    prediction = ops.where(known > 0, prediction, ops.zeros_like(prediction))
    if regions is None:
        return [(truth, prediction, known)]
    return [(truth[..., place : place + 1], prediction[..., place : place + 1], known) for place in range(channels)]


def mean_known(values: Tensor, known: Tensor) -> Tensor:
    """Mean of `(B, …, C)` values over channels and known pixels, a scalar; 0 where none is known.

    Args:
        known: `(B, …, 1)`, how much each pixel counts.
    """
    count = ops.sum(known) * values.shape[-1]
    return ops.sum(values * known) / ops.maximum(count, 1e-7)


def any_known(known: Tensor) -> Tensor:
    """1 if a pixel of the batch is known, else 0; a scalar."""
    return ops.max(known)


def after_background(*masks: Tensor) -> tuple[Tensor, ...]:
    """Each `(B, …, K)` without the background; one structure has none."""
    return tuple(mask[..., 1:] if mask.shape[-1] > 1 else mask for mask in masks)


def with_background(truth: Tensor, prediction: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
    """Truth and prediction with the background as a class of its own, `(…, K)` with K at least 2; 0 where not known."""
    if prediction.shape[-1] > 1:
        return truth, prediction
    return ops.concatenate([known - truth, truth], -1), ops.concatenate([known - prediction, prediction], -1)
