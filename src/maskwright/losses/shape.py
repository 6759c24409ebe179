"""Losses that look at shape: how far from the boundary, and whether thin structures stay connected."""

from __future__ import annotations

from keras import ops

from maskwright.losses.base import Tensor, loss
from maskwright.losses.modern import dice_ce_loss, generalized_dice_loss
from maskwright.losses.reference import dice_loss
from maskwright.losses.truth import after_background, mean_known

_FAR = 32  # px; distances are not followed further


def signed_distance(truth: Tensor, known: Tensor, far: int = _FAR) -> Tensor:
    """Distance to the boundary in px, negative inside: `(B, …, K)` of 0 and 1 to the same shape.

    Exact and Euclidean up to `far` along each axis, `far` beyond. Inside, the boundary is the nearest known pixel
    outside; an empty or full class has no boundary, and its distances are `far` with their sign.
    """
    inside = ops.cast(truth > 0.5, "float32")
    return _distance(inside, far) * (1 - inside) - _distance((1 - inside) * known, far) * inside


def _distance(target: Tensor, far: int) -> Tensor:
    """From each pixel to the nearest one where `target` is 1."""
    squared = (1 - target) * float(far * far)
    for axis in range(1, len(target.shape) - 1):
        size = squared.shape[axis]
        nearest = squared
        for step in range(1, min(far, size)):
            for shifted in _shifts(squared, axis, step, float(far * far)):
                nearest = ops.minimum(nearest, shifted + float(step * step))
        squared = nearest
    return ops.sqrt(ops.minimum(squared, float(far * far)))


def _shifts(x: Tensor, axis: int, step: int, fill: float) -> list[Tensor]:
    """`x` moved by `step` along an axis, both ways; what comes in is `fill`."""
    before = [slice(None)] * len(x.shape)
    after = list(before)
    before[axis], after[axis] = slice(0, step), slice(-step, None)
    rest_low, rest_high = list(before), list(before)
    rest_low[axis], rest_high[axis] = slice(step, None), slice(0, -step)
    edge = ops.zeros_like(x[tuple(before)]) + fill
    return [ops.concatenate([x[tuple(rest_low)], edge], axis), ops.concatenate([edge, x[tuple(rest_high)]], axis)]


@loss
def boundary_loss(truth: Tensor, prediction: Tensor, known: Tensor) -> Tensor:
    """Mean of probability times signed distance to the truth's boundary (Kervadec et al. 2019).

    In px, so that it is negative where the prediction is inside; meant to be added to another loss.
    """
    truth, prediction = after_background(truth, prediction)
    return mean_known(prediction * ops.stop_gradient(signed_distance(truth, known)), known)


@loss
def dice_boundary_loss(truth: Tensor, prediction: Tensor, known: Tensor, weight: float = 0.01) -> Tensor:
    """Generalised Dice plus `weight` times the boundary loss, as its paper trains."""
    return generalized_dice_loss(truth, prediction, known) + weight * boundary_loss(truth, prediction, known)


def soft_skeleton(x: Tensor, steps: int, known: Tensor) -> Tensor:
    """The middle lines of `(B, …, K)` values of 0…1, by repeated erosion (Shit et al. 2021).

    What is not known erodes nothing and grows into nothing, like what lies beyond the edges; it is 0 before and after.
    """
    dims = len(x.shape) - 2

    def erode(y: Tensor) -> Tensor:
        y, parts = y + (1 - known), []
        for axis in range(dims):
            size = tuple(3 if place == axis else 1 for place in range(dims))
            parts.append(-ops.max_pool(-y, size, strides=1, padding="same"))
        thin = parts[0]
        for part in parts[1:]:
            thin = ops.minimum(thin, part)
        return thin * known

    def opened(y: Tensor) -> Tensor:
        return ops.max_pool(erode(y), (3,) * dims, strides=1, padding="same") * known

    skeleton = ops.relu(x - opened(x))
    for _ in range(steps):
        x = erode(x)
        more = ops.relu(x - opened(x))
        skeleton = skeleton + ops.relu(more - skeleton * more)
    return skeleton


@loss
def cldice_loss(truth: Tensor, prediction: Tensor, known: Tensor, share: float = 0.5, steps: int = 5) -> Tensor:
    """(1 - share) · Dice loss + share · (1 - clDice), for vessels and other tubes (Shit et al. 2021).

    clDice is the harmonic mean of how much of the prediction's middle lines lies in the truth and the other way round.

    Args:
        steps: erosions, at least half the width of the widest tube in px.
    """
    lines = 1 - centreline_dice(truth, prediction, known, steps)
    return (1 - share) * dice_loss(truth, prediction, known) + share * lines


def centreline_dice(truth: Tensor, prediction: Tensor, known: Tensor, steps: int) -> Tensor:
    """Soft clDice over the whole batch, 0…1, smoothing 1; the mean over the classes after the background."""
    truth, prediction = after_background(truth, prediction)
    lines, true_lines = soft_skeleton(prediction, steps, known), soft_skeleton(truth, steps, known)
    axes = tuple(range(len(prediction.shape) - 1))
    precision = (ops.sum(lines * truth, axes) + 1) / (ops.sum(lines, axes) + 1)
    sensitivity = (ops.sum(true_lines * prediction, axes) + 1) / (ops.sum(true_lines, axes) + 1)
    return ops.mean(2 * precision * sensitivity / (precision + sensitivity))


@loss
def dice_ce_boundary_loss(truth: Tensor, prediction: Tensor, known: Tensor, weight: float = 0.01) -> Tensor:
    """nnU-Net's Dice and cross-entropy plus `weight` times the boundary loss."""
    return dice_ce_loss(truth, prediction, known) + weight * boundary_loss(truth, prediction, known)
