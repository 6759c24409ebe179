"""The losses of the reference, under its names."""

from __future__ import annotations

import numpy as np
from keras import ops

from maskwright.losses.base import Tensor, dice_coefficient, iou_coefficient, loss
from maskwright.losses.truth import mean_known


def ssim(truth: Tensor, prediction: Tensor, known: Tensor, size: int = 11, sigma: float = 1.5) -> Tensor:
    """Structural similarity (Wang et al. 2004) with range 1, K1 0.01, K2 0.03, of pictures or volumes.

    The mean over classes and over the windows whose pixels are all known; 1 where there is none. The window is as wide
    in depth as in the plane, and no wider than the smallest edge.
    """
    size = min(size, *prediction.shape[1:-1])
    bell = np.exp(-0.5 * ((np.arange(size) - (size - 1) / 2) / sigma) ** 2)
    bell = bell / bell.sum()

    def smooth(values: Tensor) -> Tensor:
        return _windows(values, bell)

    mean_t, mean_p = smooth(truth), smooth(prediction)
    covariance = smooth(truth * prediction) - mean_t * mean_p
    variances = smooth(truth**2 + prediction**2) - mean_t**2 - mean_p**2
    c1, c2 = 0.01**2, 0.03**2
    luminance = (2 * mean_t * mean_p + c1) / (mean_t**2 + mean_p**2 + c1)
    structure = (2 * covariance + c2) / (variances + c2)
    whole = ops.cast(_windows(1 - known, np.ones(size)) < 0.5, "float32")  # no pixel of the window is unknown
    return 1 - mean_known(1 - luminance * structure, whole)


def _windows(values: Tensor, bell: np.ndarray) -> Tensor:
    """Sums of `(B, H, W, K)` weighted by a separable window, or of `(B, D, H, W, K)` as `(B, D', H'·W', K)`."""
    channels, plane = values.shape[-1], np.outer(bell, bell)
    if len(values.shape) == 4:
        return ops.depthwise_conv(values, _kernel(plane, channels), strides=1, padding="valid")
    depth = values.shape[1]
    flat = ops.depthwise_conv(
        ops.reshape(values, (-1, *values.shape[2:])), _kernel(plane, channels), strides=1, padding="valid"
    )
    stack = ops.reshape(flat, (-1, depth, flat.shape[1] * flat.shape[2], channels))
    return ops.depthwise_conv(stack, _kernel(bell[:, None], channels), strides=1, padding="valid")


def _kernel(window: np.ndarray, channels: int) -> Tensor:
    return ops.convert_to_tensor(np.repeat(window[..., None, None], channels, axis=2).astype("float32"))


@loss
def binary_crossentropy(truth: Tensor, prediction: Tensor, known: Tensor) -> Tensor:
    """Mean over pixels and classes of -t·log p - (1-t)·log(1-p), p clipped to 1e-7…1-1e-7."""
    prediction = ops.clip(prediction, 1e-7, 1 - 1e-7)
    return -mean_known(truth * ops.log(prediction) + (1 - truth) * ops.log(1 - prediction), known)


@loss
def categorical_crossentropy(truth: Tensor, prediction: Tensor, known: Tensor) -> Tensor:
    """Mean over pixels of -Σ t·log p over the classes, p clipped to 1e-7; for several classes."""
    costs = ops.sum(truth * ops.log(ops.clip(prediction, 1e-7, 1.0)), axis=-1, keepdims=True)
    return -mean_known(costs, known)


def cross_entropy(truth: Tensor, prediction: Tensor, known: Tensor) -> Tensor:
    """Binary for one structure, categorical for several classes."""
    return (categorical_crossentropy if prediction.shape[-1] > 1 else binary_crossentropy)(truth, prediction, known)


@loss
def dice_loss(truth: Tensor, prediction: Tensor, known: Tensor) -> Tensor:
    """1 - soft Dice."""
    return 1 - dice_coefficient(truth, prediction)


@loss
def iou_loss(truth: Tensor, prediction: Tensor, known: Tensor) -> Tensor:
    """1 - soft IoU."""
    return 1 - iou_coefficient(truth, prediction)


@loss
def jacard_loss(truth: Tensor, prediction: Tensor, known: Tensor) -> Tensor:
    """1 - soft IoU, under the reference's second name."""
    return iou_loss(truth, prediction, known)


@loss
def ssim_loss(truth: Tensor, prediction: Tensor, known: Tensor) -> Tensor:
    """1 - SSIM."""
    return 1 - ssim(truth, prediction, known)


@loss
def bce_dice_loss(truth: Tensor, prediction: Tensor, known: Tensor) -> Tensor:
    """(cross-entropy + Dice loss) / 2."""
    return (cross_entropy(truth, prediction, known) + dice_loss(truth, prediction, known)) / 2


@loss
def bce_iou_loss(truth: Tensor, prediction: Tensor, known: Tensor) -> Tensor:
    """(cross-entropy + IoU loss) / 2."""
    return (cross_entropy(truth, prediction, known) + iou_loss(truth, prediction, known)) / 2


@loss
def basnet_hybrid_loss(truth: Tensor, prediction: Tensor, known: Tensor) -> Tensor:
    """(cross-entropy + SSIM loss + IoU loss) / 3 (BASNet, Qin et al. 2019)."""
    similarity, union = ssim_loss(truth, prediction, known), iou_loss(truth, prediction, known)
    return (cross_entropy(truth, prediction, known) + similarity + union) / 3
