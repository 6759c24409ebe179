"""Losses by name. To add one: `f(truth, prediction, known)` in this folder, on the tensors of `truth.py`, decorated by
`loss`."""

from maskwright.losses import modern, reference, shape
from maskwright.losses.base import LOSSES, Loss, Tensor, choose_loss, dice_coefficient, get_loss, iou_coefficient, loss
from maskwright.losses.trial import Kind, try_loss

__all__ = [
    "LOSSES",
    "Kind",
    "Loss",
    "Tensor",
    "choose_loss",
    "dice_coefficient",
    "get_loss",
    "iou_coefficient",
    "loss",
    "modern",
    "reference",
    "shape",
    "try_loss",
]
