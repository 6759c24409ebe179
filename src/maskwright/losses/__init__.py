"""Losses by name. To add one: a function of truth and prediction in this folder, decorated by `loss`."""

from maskwright.losses import modern, reference, shape
from maskwright.losses.base import (
    LOSSES,
    Loss,
    Tensor,
    aligned,
    choose_loss,
    dice_coefficient,
    get_loss,
    iou_coefficient,
    loss,
    regional,
)
from maskwright.losses.reference import bce_dice_loss

__all__ = [
    "LOSSES",
    "Loss",
    "Tensor",
    "aligned",
    "bce_dice_loss",
    "choose_loss",
    "dice_coefficient",
    "get_loss",
    "iou_coefficient",
    "loss",
    "modern",
    "reference",
    "regional",
    "shape",
]
