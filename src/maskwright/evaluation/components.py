"""Scores of connected parts (lesions, cells, …), each as one thing; neighbours at edges and corners are connected.

- Component F1: a part of the truth is found if the prediction touches it; a part of the prediction is wrong if it
  touches no truth. With TP found, FN missed and FP wrong parts, F1 = 2TP / (2TP + FN + FP).
- Panoptic quality (Kirillov et al. 2019): parts that overlap with IoU over 0.5 are pairs (each part has one at most);
  Σ IoU of the pairs / (TP + FP/2 + FN/2).

Parts of several pictures of one patient are counted together. No part in truth or prediction: both scores are 1. None
in one of them: both are 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

NAMES = ("component_f1", "panoptic_quality")


@dataclass(frozen=True)
class Parts:
    """What was counted of the parts of two masks.

    Attributes:
        true, predicted: how many there are. found: true ones that the prediction touches. right: predicted ones that
            touch the truth. iou: sum of the IoU of the pairs.
    """

    true: int = 0
    predicted: int = 0
    found: int = 0
    right: int = 0
    iou: float = 0.0

    def __add__(self, other: Parts) -> Parts:
        return Parts(
            self.true + other.true, self.predicted + other.predicted, self.found + other.found,
            self.right + other.right, self.iou + other.iou,
        )  # fmt: skip

    def scores(self) -> dict[str, float]:
        """The two scores of this module."""
        if not self.true and not self.predicted:
            return dict.fromkeys(NAMES, 1.0)
        missed, wrong = self.true - self.found, self.predicted - self.right
        return {
            "component_f1": 2 * self.found / (2 * self.found + missed + wrong),
            "panoptic_quality": self.iou / ((self.true + self.predicted) / 2),
        }


def component_scores(prediction: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """The two scores of this module, of bool masks `(H, W)` or `(D, H, W)`."""
    return count_parts(prediction, truth).scores()


def count_parts(prediction: np.ndarray, truth: np.ndarray) -> Parts:
    """Count the parts of bool masks `(H, W)` or `(D, H, W)`."""
    eight = np.ones((3,) * truth.ndim)
    found, count_found = ndimage.label(prediction, eight)
    true, count_true = ndimage.label(truth, eight)
    if not count_found or not count_true:
        return Parts(count_true, count_found)
    both = prediction & truth
    pairs = true[both].astype(np.int64) * (count_found + 1) + found[both]
    numbers, overlaps = np.unique(pairs, return_counts=True)
    in_truth, in_found = np.divmod(numbers, count_found + 1)
    touched, right = len(np.unique(in_truth)), len(np.unique(in_found))
    sizes_true, sizes_found = np.bincount(true.ravel()), np.bincount(found.ravel())
    ious = overlaps / (sizes_true[in_truth] + sizes_found[in_found] - overlaps)
    return Parts(count_true, count_found, touched, right, float(ious[ious > 0.5].sum()))
