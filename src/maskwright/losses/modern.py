"""Losses of today's recipes: regions, focus on what is hard, and weights of classes.

Tensors are those of `truth.py`. `class_weights` has one number a class, background first (two for
one structure); they are relative.
"""

from __future__ import annotations

from collections.abc import Sequence

from keras import ops

from maskwright.errors import MaskwrightError
from maskwright.losses.base import Tensor, loss, overlap
from maskwright.losses.truth import mean_known, with_background

_SMALL = 1e-7


def pixel_cross_entropy(
    truth: Tensor, prediction: Tensor, known: Tensor, class_weights: Sequence[float] | None = None
) -> Tensor:
    """-Σ w·t·log p over the classes, of each pixel: `(B, …, 1)`; p is clipped to 1e-7; 0 where not known."""
    truth, prediction = with_background(truth, prediction, known)
    costs = -truth * ops.log(ops.clip(prediction, _SMALL, 1.0))
    if class_weights is not None:
        costs = costs * _relative(class_weights, prediction.shape[-1])
    return ops.sum(costs, -1, keepdims=True)


def _relative(weights: Sequence[float], classes: int) -> Tensor:
    """Weights whose mean is 1."""
    if len(weights) != classes:
        raise MaskwrightError(
            f"{len(weights)} weights for {classes} classes, the background counted",
            where="[train] class_weights",
            fix="Give one number a class; two for one structure.",
        )
    mean = sum(weights) / len(weights)
    return ops.convert_to_tensor([weight / mean for weight in weights], "float32")


@loss
def cross_entropy_loss(
    truth: Tensor, prediction: Tensor, known: Tensor, class_weights: Sequence[float] | None = None
) -> Tensor:
    """Mean cross-entropy, each pixel with the weight of its class."""
    return mean_known(pixel_cross_entropy(truth, prediction, known, class_weights), known)


@loss
def dice_ce_loss(
    truth: Tensor, prediction: Tensor, known: Tensor, class_weights: Sequence[float] | None = None
) -> Tensor:
    """Cross-entropy plus 1 - soft Dice (nnU-Net: batch-wise, without background, smoothing 1e-5)."""
    both, true, predicted = overlap(truth, prediction)
    dice = ops.mean((2 * both + 1e-5) / (true + predicted + 1e-5))
    return cross_entropy_loss(truth, prediction, known, class_weights) + 1 - dice


def tversky_index(truth: Tensor, prediction: Tensor, alpha: float, beta: float) -> Tensor:
    """(tp + 1) / (tp + alpha·fp + beta·fn + 1) of each class after the background (Salehi et al. 2017)."""
    both, true, predicted = overlap(truth, prediction)
    return (both + 1) / (both + alpha * (predicted - both) + beta * (true - both) + 1)


@loss
def tversky_loss(truth: Tensor, prediction: Tensor, known: Tensor, alpha: float = 0.3, beta: float = 0.7) -> Tensor:
    """1 - Tversky index; alpha weighs what is too much, beta what is missing. 0.5 and 0.5 is Dice."""
    return 1 - ops.mean(tversky_index(truth, prediction, alpha, beta))


@loss
def focal_tversky_loss(
    truth: Tensor, prediction: Tensor, known: Tensor, alpha: float = 0.3, beta: float = 0.7, gamma: float = 0.75
) -> Tensor:
    """(1 - Tversky index)^gamma (Abraham and Khan 2018, whose exponent 1/gamma with 4/3 is 0.75)."""
    rest = 1 - tversky_index(truth, prediction, alpha, beta)
    return ops.mean(ops.maximum(rest, _SMALL) ** gamma)  # a root has no slope at 0


@loss
def focal_loss(
    truth: Tensor,
    prediction: Tensor,
    known: Tensor,
    gamma: float = 2.0,
    class_weights: Sequence[float] | None = None,
) -> Tensor:
    """Mean of (1 - p)^gamma · cross-entropy, p the probability of the right class (Lin et al. 2017)."""
    costs = pixel_cross_entropy(truth, prediction, known, class_weights)
    right = ops.sum(ops.multiply(*with_background(truth, prediction, known)), -1, keepdims=True)
    return mean_known((1 - ops.clip(right, 0.0, 1.0)) ** gamma * costs, known)


@loss
def topk_cross_entropy_loss(truth: Tensor, prediction: Tensor, known: Tensor, share: float = 0.1) -> Tensor:
    """Mean cross-entropy of the `share` of the known pixels of the batch where it is largest (nnU-Net's top-k)."""
    costs = pixel_cross_entropy(truth, prediction, known)
    order = ops.sort(ops.reshape(costs - (1 - known), (-1,)))  # what is not known is -1, before all costs
    place = ops.cast(ops.arange(1, ops.shape(order)[0] + 1), "float32")
    size, count = ops.cast(ops.shape(order)[0], "float32"), ops.sum(known)
    chosen = ops.cast(place > size - ops.maximum(ops.floor(count * share), 1.0), "float32")
    return ops.sum(order * chosen) / ops.sum(chosen)


@loss
def generalized_dice_loss(truth: Tensor, prediction: Tensor, known: Tensor) -> Tensor:
    """1 - 2·Σ w·tp / Σ w·(t + p) over all classes, background too, w = 1 / (Σ t)² (Sudre et al. 2017).

    A class that the batch does not have weighs as much as one of a single pixel.
    """
    truth, prediction = with_background(truth, prediction, known)
    axes = tuple(range(len(prediction.shape) - 1))
    true, predicted = ops.sum(truth, axes), ops.sum(prediction, axes)
    weights = 1 / ops.maximum(true, 1.0) ** 2
    both = ops.sum(truth * prediction, axes)
    return 1 - 2 * ops.sum(weights * both) / ops.maximum(ops.sum(weights * (true + predicted)), _SMALL)


@loss
def lovasz_loss(truth: Tensor, prediction: Tensor, known: Tensor) -> Tensor:
    """The Lovász extension of 1 - IoU (Berman et al. 2018, Lovász-softmax on probabilities), over the whole batch.

    One structure: of the foreground. Several classes: the mean over the classes that the batch has, without background.
    """
    classes = prediction.shape[-1]
    start = 1 if classes > 1 else 0
    costs, present = [], []
    for number in range(start, classes):
        true = ops.reshape(truth[..., number], (-1,))
        costs.append(_lovasz(true, ops.reshape(prediction[..., number], (-1,))))
        present.append(ops.cast(ops.sum(true) > 0, "float32"))
    if classes == 1:
        return costs[0]
    total = ops.sum(ops.stack(present))
    return ops.sum(ops.stack(costs) * ops.stack(present)) / ops.maximum(total, 1.0)


def _lovasz(true: Tensor, predicted: Tensor) -> Tensor:
    errors = ops.abs(true - predicted)
    order = ops.argsort(-ops.stop_gradient(errors))
    errors, true = ops.take(errors, order), ops.take(true, order)
    total = ops.sum(true)
    left = total - ops.cumsum(true)
    union = total + ops.cumsum(1 - true)
    jaccard = 1 - left / ops.maximum(union, 1.0)
    steps = ops.concatenate([jaccard[:1], jaccard[1:] - jaccard[:-1]])
    return ops.sum(errors * ops.stop_gradient(steps))
