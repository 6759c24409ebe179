"""Scores of masks against ground truth: pixel counts first, so that a patient's slices can be pooled.

Formulas by their usual names (Taha and Hanbury 2015): with TP, FP, FN, TN pixels of one class,
Dice = 2TP / (2TP + FP + FN), IoU = TP / (TP + FP + FN), sensitivity = TP / (TP + FN), specificity = TN / (TN + FP),
precision = TP / (TP + FP). Where truth and prediction are both empty Dice and IoU are 1: to find nothing was right.
The others are undefined (NaN) where their denominator is 0, and are left out of means.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from maskwright.data.regions import Regions, membership

NAMES = ("dice", "iou", "sensitivity", "specificity", "precision")
Counts = np.ndarray  # (4,) int64: TP, FP, FN, TN


@dataclass(frozen=True)
class ImageScore:
    """The counts of one image, `(N, 4)`: a row TP, FP, FN, TN for each class after the background, or region."""

    name: str
    patient: str
    counts: np.ndarray


def count_pixels(prediction: np.ndarray, truth: np.ndarray, classes: int, regions: Regions = ()) -> np.ndarray:
    """TP, FP, FN, TN of each class after the background, or of each region.

    Args:
        prediction, truth: class numbers of the same shape, uint8. Pixels whose truth is no class (255, ignored) are
            left out.
        classes: number of classes, background counted. regions: class numbers of each overlapping region.

    Returns:
        `(classes - 1, 4)` or `(R, 4)` int64.

    Raises:
        ValueError: the shapes differ.
    """
    if prediction.shape != truth.shape:
        raise ValueError(f"prediction is {prediction.shape}, truth is {truth.shape}")
    # A truth of 255 lands beyond the table.
    pairs = np.bincount(truth.ravel().astype(np.int64) * classes + prediction.ravel(), minlength=classes**2)
    table = pairs[: classes**2].reshape(classes, classes)
    if regions:
        member = membership(regions)[:classes].astype(np.int64)
        cells = [(member, member), (1 - member, member), (member, 1 - member), (1 - member, 1 - member)]
        return np.stack([np.einsum("tr,tp,pr->r", true, table, found) for true, found in cells], axis=1)
    hit = np.diagonal(table)
    false_positive, false_negative = table.sum(axis=0) - hit, table.sum(axis=1) - hit
    rest = table.sum() - hit - false_positive - false_negative
    return np.stack([hit, false_positive, false_negative, rest], axis=1)[1:]


def scores(counts: Counts) -> dict[str, float]:
    """Every score of one row of counts; NaN where it is undefined."""
    tp, fp, fn, tn = (float(value) for value in counts)
    return {
        "dice": _ratio(2 * tp, 2 * tp + fp + fn, 1.0),
        "iou": _ratio(tp, tp + fp + fn, 1.0),
        "sensitivity": _ratio(tp, tp + fn),
        "specificity": _ratio(tn, tn + fp),
        "precision": _ratio(tp, tp + fp),
    }


def _ratio(part: float, whole: float, empty: float = float("nan")) -> float:
    return part / whole if whole else empty


def pool(images: Iterable[ImageScore]) -> list[ImageScore]:
    """One score a patient: the counts of all its images added up, in the order of the patients' names."""
    sums: dict[str, np.ndarray] = {}
    for image in images:
        sums[image.patient] = sums.get(image.patient, 0) + image.counts
    return [ImageScore(patient, patient, sums[patient]) for patient in sorted(sums)]


def table(images: Sequence[ImageScore], class_names: Sequence[str]) -> list[dict[str, str | float]]:
    """Rows for a CSV file: name, patient, class and every score."""
    return [
        {"name": image.name, "patient": image.patient, "class": name, **scores(row)}
        for image in images
        for name, row in zip(class_names[1:], image.counts, strict=True)
    ]
