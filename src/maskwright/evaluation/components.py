"""Scores of connected parts (lesions, cells, …), each as one thing; neighbours at edges and corners are connected.

- Component F1: a part of the truth is found if the prediction touches it; a part of the prediction is wrong if it
  touches no truth. With TP found, FN missed and FP wrong parts, F1 = 2TP / (2TP + FN + FP).
- Panoptic quality (Kirillov et al. 2019): parts that overlap with IoU over 0.5 are pairs (each part has one at most);
  Σ IoU of the pairs / (TP + FP/2 + FN/2).

Two empty masks: both are 1. One empty mask: both are 0.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

NAMES = ("component_f1", "panoptic_quality")


def component_scores(prediction: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """The two scores of this module, of bool masks `(H, W)` or `(D, H, W)`."""
    eight = np.ones((3,) * truth.ndim)
    found, count_found = ndimage.label(prediction, eight)
    true, count_true = ndimage.label(truth, eight)
    if not count_found and not count_true:
        return dict.fromkeys(NAMES, 1.0)
    if not count_found or not count_true:
        return dict.fromkeys(NAMES, 0.0)
    both = prediction & truth
    pairs = true[both].astype(np.int64) * (count_found + 1) + found[both]
    numbers, overlaps = np.unique(pairs, return_counts=True)
    in_truth, in_found = np.divmod(numbers, count_found + 1)
    touched, right = len(np.unique(in_truth)), len(np.unique(in_found))
    sizes_true, sizes_found = np.bincount(true.ravel()), np.bincount(found.ravel())
    ious = overlaps / (sizes_true[in_truth] + sizes_found[in_found] - overlaps)
    matched = ious[ious > 0.5]
    return {
        "component_f1": 2 * touched / (2 * touched + (count_true - touched) + (count_found - right)),
        "panoptic_quality": float(matched.sum() / ((count_true + count_found) / 2)),
    }
