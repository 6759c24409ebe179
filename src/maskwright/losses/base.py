"""What losses have in common: how they are found, and sums over batches.

Truth is `(B, H, W, 1)` class numbers (or one-hot like the prediction), prediction `(B, H, W, K)` probabilities: K = 1
for one structure (sigmoid), else one a class, background first (softmax). Sums run over the whole batch, as in the
reference; with several classes Dice and IoU are means over the classes after the background. All compute in float32.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops

from maskwright.errors import MaskwrightError, choices
from maskwright.keras_names import keras_object, read_call

Tensor = Any
Loss = Callable[..., Tensor]
LOSSES: dict[str, Loss] = {}


def loss(function: Loss) -> Loss:
    """Make a loss selectable by the name of its function."""
    LOSSES[function.__name__] = function
    return function


def get_loss(name: str) -> Loss:
    """The loss of that name, written as `name` or `name(option=value)`, or a Keras loss as `Name(option=value)`.

    Raises:
        MaskwrightError: there is none of that name, or it has no such option.
    """
    called = read_call(name)
    if called and called.name in LOSSES:
        return _with_options(LOSSES[called.name], called.options, name)
    found = keras_object(name, keras.losses)
    if found is None:
        raise MaskwrightError(f"there is no loss {name!r}", where="[train] loss", fix=choices(name, sorted(LOSSES)))
    if type(found).__name__.startswith("Categorical"):
        return lambda truth, prediction: found(*aligned(truth, prediction))
    return found


def choose_loss(name: str, class_weights: Sequence[float] = (), ignore_label: int | None = None) -> Loss:
    """The loss that a training uses.

    Args:
        name: as in `get_loss`.
        class_weights: one number a class, background first; for losses that have classes of different weight.
        ignore_label: pixels of this class number count for nothing.

    Raises:
        MaskwrightError: as `get_loss`, or the loss has no class weights.
    """
    chosen = get_loss(name)
    if class_weights:
        able = sorted(key for key, one in LOSSES.items() if "class_weights" in inspect.signature(one).parameters)
        if name.partition("(")[0] not in able:
            raise MaskwrightError(
                f"{name} has no weights of classes",
                where="[train] class_weights",
                fix=f"These have: {', '.join(able)}.",
            )
        chosen = functools.partial(chosen, class_weights=tuple(class_weights))
    return chosen if ignore_label is None else ignoring(chosen, ignore_label)


def regional(inner: Loss, table: Any) -> Loss:
    """A loss or metric over overlapping regions: the mean of `inner` over them, each as one structure by itself.

    Args:
        table: `(256, R)` of 0 and 1 (and of numbers to ignore): what a class number is in each region.
    """

    def over_regions(truth: Tensor, prediction: Tensor, *rest: Any) -> Tensor:
        numbers = ops.cast(truth[..., 0], "int32")
        inside = ops.cast(ops.take(ops.convert_to_tensor(table), numbers, axis=0), "float32")
        count = table.shape[1]
        found = [inner(inside[..., r : r + 1], prediction[..., r : r + 1], *rest) for r in range(count)]
        return sum(found) / count

    return over_regions


def ignoring(inner: Loss, label: int) -> Loss:
    """A loss for which pixels of class number `label` are neither truth nor prediction of anything."""

    def loss_without(truth: Tensor, prediction: Tensor) -> Tensor:
        truth, prediction, _ = without_ignored(truth, prediction, label)
        return inner(truth, prediction)

    return loss_without


def without_ignored(truth: Tensor, prediction: Tensor, label: int) -> tuple[Tensor, Tensor, Tensor]:
    """Aligned truth and prediction, both 0 where truth is `label`, and where it is not: `(B, …, 1)` of 0 and 1."""
    known = ops.cast(ops.not_equal(truth[..., :1], label), "float32")
    truth, prediction = aligned(ops.where(truth == label, ops.zeros_like(truth), truth), prediction)
    return truth * known, prediction * known, known


def _with_options(function: Loss, options: dict[str, Any], text: str) -> Loss:
    accepted = [name for name in inspect.signature(function).parameters if name not in ("truth", "prediction")]
    for option in options:
        if option not in accepted:
            raise MaskwrightError(
                f"{text}: there is no option {option!r}",
                where="[train] loss",
                fix=choices(option, accepted) if accepted else "This loss has none.",
            )
    return functools.partial(function, **options) if options else function


def aligned(truth: Tensor, prediction: Tensor) -> tuple[Tensor, Tensor]:
    """Truth and prediction as float32 of one shape; class numbers become one-hot where there are several classes."""
    prediction = ops.cast(prediction, "float32")
    classes = prediction.shape[-1]
    if classes > 1 and truth.shape[-1] == 1:
        truth = ops.one_hot(ops.cast(truth[..., 0], "int32"), classes)
    return ops.cast(truth, "float32"), prediction


def overlap(truth: Tensor, prediction: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Sums of t·p, t and p over the batch, for each class that is scored: `(1,)`, or `(K-1,)` without background."""
    truth, prediction = aligned(truth, prediction)
    if prediction.shape[-1] > 1:
        truth, prediction = truth[..., 1:], prediction[..., 1:]
    axes = tuple(range(len(prediction.shape) - 1))
    return ops.sum(truth * prediction, axes), ops.sum(truth, axes), ops.sum(prediction, axes)


def dice_coefficient(truth: Tensor, prediction: Tensor) -> Tensor:
    """Soft Dice with smoothing 1: (2·Σtp + 1) / (Σt + Σp + 1), a scalar of 0…1."""
    both, true, predicted = overlap(truth, prediction)
    return ops.mean((2 * both + 1) / (true + predicted + 1))


def iou_coefficient(truth: Tensor, prediction: Tensor) -> Tensor:
    """Soft IoU without smoothing: Σtp / Σ(t + p - tp); 1 where truth and prediction are both empty."""
    both, true, predicted = overlap(truth, prediction)
    union = true + predicted - both
    empty = ops.equal(union, 0)
    return ops.mean(ops.where(empty, 1.0, both / ops.where(empty, 1.0, union)))
