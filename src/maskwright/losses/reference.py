"""The losses of the reference, under its names."""

from __future__ import annotations

import numpy as np
from keras import ops

from maskwright.losses.base import Tensor, aligned, dice_coefficient, iou_coefficient, loss


def ssim(truth: Tensor, prediction: Tensor, size: int = 11, sigma: float = 1.5) -> Tensor:
    """Structural similarity (Wang et al. 2004) with range 1, K1 0.01, K2 0.03; the mean over batch and classes."""
    truth, prediction = aligned(truth, prediction)
    channels = prediction.shape[-1]
    size = min(size, *(edge for edge in prediction.shape[1:3] if edge))
    bell = np.exp(-0.5 * ((np.arange(size) - (size - 1) / 2) / sigma) ** 2)
    window = np.outer(bell, bell) / bell.sum() ** 2
    kernel = ops.convert_to_tensor(np.repeat(window[..., None, None], channels, axis=2).astype("float32"))

    def smooth(values: Tensor) -> Tensor:
        return ops.depthwise_conv(values, kernel, strides=1, padding="valid")

    mean_t, mean_p = smooth(truth), smooth(prediction)
    covariance = smooth(truth * prediction) - mean_t * mean_p
    variances = smooth(truth**2 + prediction**2) - mean_t**2 - mean_p**2
    c1, c2 = 0.01**2, 0.03**2
    luminance = (2 * mean_t * mean_p + c1) / (mean_t**2 + mean_p**2 + c1)
    structure = (2 * covariance + c2) / (variances + c2)
    return ops.mean(luminance * structure)


@loss
def binary_crossentropy(truth: Tensor, prediction: Tensor) -> Tensor:
    """Mean over pixels and classes of -t·log p - (1-t)·log(1-p), p clipped to 1e-7…1-1e-7."""
    truth, prediction = aligned(truth, prediction)
    prediction = ops.clip(prediction, 1e-7, 1 - 1e-7)
    return -ops.mean(truth * ops.log(prediction) + (1 - truth) * ops.log(1 - prediction))


@loss
def categorical_crossentropy(truth: Tensor, prediction: Tensor) -> Tensor:
    """Mean over pixels of -Σ t·log p over the classes, p clipped to 1e-7."""
    truth, prediction = aligned(truth, prediction)
    return -ops.mean(ops.sum(truth * ops.log(ops.clip(prediction, 1e-7, 1.0)), axis=-1))


def cross_entropy(truth: Tensor, prediction: Tensor) -> Tensor:
    """Binary for one structure, categorical for several classes."""
    return (categorical_crossentropy if prediction.shape[-1] > 1 else binary_crossentropy)(truth, prediction)


@loss
def dice_loss(truth: Tensor, prediction: Tensor) -> Tensor:
    """1 - soft Dice."""
    return 1 - dice_coefficient(truth, prediction)


@loss
def iou_loss(truth: Tensor, prediction: Tensor) -> Tensor:
    """1 - soft IoU."""
    return 1 - iou_coefficient(truth, prediction)


@loss
def jacard_loss(truth: Tensor, prediction: Tensor) -> Tensor:
    """1 - soft IoU, under the reference's second name."""
    return iou_loss(truth, prediction)


@loss
def ssim_loss(truth: Tensor, prediction: Tensor) -> Tensor:
    """1 - SSIM."""
    return 1 - ssim(truth, prediction)


@loss
def bce_dice_loss(truth: Tensor, prediction: Tensor) -> Tensor:
    """(cross-entropy + Dice loss) / 2."""
    return (cross_entropy(truth, prediction) + dice_loss(truth, prediction)) / 2


@loss
def bce_iou_loss(truth: Tensor, prediction: Tensor) -> Tensor:
    """(cross-entropy + IoU loss) / 2."""
    return (cross_entropy(truth, prediction) + iou_loss(truth, prediction)) / 2


@loss
def basnet_hybrid_loss(truth: Tensor, prediction: Tensor) -> Tensor:
    """(cross-entropy + SSIM loss + IoU loss) / 3 (BASNet, Qin et al. 2019)."""
    parts = cross_entropy(truth, prediction) + ssim_loss(truth, prediction) + iou_loss(truth, prediction)
    return parts / 3
