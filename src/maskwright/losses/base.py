"""What losses have in common: how they are found, and sums over batches.

Tensors are those of `truth.py`. Sums run over the whole batch, as in the reference; with several classes Dice and IoU
are means over the classes after the background. All compute in float32.
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
from maskwright.labels.regions import IGNORED
from maskwright.losses.from_keras import loss_of_keras
from maskwright.losses.truth import after_background, any_known, of_labels

Tensor = Any
Loss = Callable[..., Tensor]
LOSSES: dict[str, Loss] = {}  # of labels and prediction
_GIVEN = ("truth", "prediction", "known")


def loss(function: Loss) -> Loss:
    """Make a loss, `f(truth, prediction, known, **options)`, selectable by the name of its function."""
    LOSSES[function.__name__] = of_labels(function)
    return function


def get_loss(name: str) -> Loss:
    """The loss of labels and prediction of that name.

    Args:
        name: written as `name` or `name(option=value)`, or a Keras loss as `Name(option=value)`.

    Raises:
        MaskwrightError: there is none of that name, it has no such option, or it is a loss of another task.
    """
    return choose_loss(name)


def choose_loss(
    name: str, class_weights: Sequence[float] = (), ignore_label: int | None = None, regions: Any | None = None
) -> Loss:
    """The loss that a training uses: of labels `(B, …, 1)` and prediction `(B, …, K)`, a scalar.

    Pixels whose label is 255 count nowhere, and a batch without a known pixel costs 0.

    Args:
        name: as in `get_loss`.
        class_weights: one number a class, background first; for losses that have classes of different weight.
        ignore_label: 255 or None, which mean the same.
        regions: table of overlapping regions, `(256, K)`; the loss is the mean over them, each as one structure.

    Raises:
        MaskwrightError: as `get_loss`, or the loss has no class weights.
    """
    if ignore_label not in (None, IGNORED):
        raise MaskwrightError(
            f"pixels that count nowhere are marked with {IGNORED}, not with {ignore_label}", where="[train] loss"
        )
    function = _find(name)
    if class_weights:
        able = sorted(key for key, one in LOSSES.items() if "class_weights" in inspect.signature(one).parameters)
        if name.partition("(")[0] not in able:
            raise MaskwrightError(
                f"{name} has no weights of classes",
                where="[train] class_weights",
                fix=f"These have: {', '.join(able)}.",
            )
        function = functools.partial(function, class_weights=tuple(class_weights))

    def nothing_without_truth(truth: Tensor, prediction: Tensor, known: Tensor) -> Tensor:
        return function(truth, prediction, known) * any_known(known)

    return of_labels(nothing_without_truth, regions)


def _find(name: str) -> Loss:
    called = read_call(name)
    if called and called.name in LOSSES:
        if called.arguments:
            raise MaskwrightError(
                f"{name}: options are given by their names", where="[train] loss", fix="As in tversky_loss(alpha=0.3)."
            )
        return _with_options(inspect.unwrap(LOSSES[called.name]), called.options, name)
    found = keras_object(name, keras.losses)
    if found is None:
        raise MaskwrightError(f"there is no loss {name!r}", where="[train] loss", fix=choices(name, sorted(LOSSES)))
    return loss_of_keras(found, name)


def _with_options(function: Loss, options: dict[str, Any], text: str) -> Loss:
    accepted = [name for name in inspect.signature(function).parameters if name not in _GIVEN]
    for option in options:
        if option not in accepted:
            raise MaskwrightError(
                f"{text}: there is no option {option!r}",
                where="[train] loss",
                fix=choices(option, accepted) if accepted else "This loss has none.",
            )
    return functools.partial(function, **options) if options else function


def overlap(truth: Tensor, prediction: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Sums of t·p, t and p over the batch, for each class that is scored: `(1,)`, or `(K-1,)` without background."""
    truth, prediction = after_background(truth, prediction)
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
