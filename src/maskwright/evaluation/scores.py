"""Scores of masks against ground truth: pixel counts first, so that a patient's slices can be pooled.

Formulas by their usual names (Taha and Hanbury 2015): with TP, FP, FN, TN pixels of one class,
Dice = 2TP / (2TP + FP + FN), IoU = TP / (TP + FP + FN), sensitivity = TP / (TP + FN), specificity = TN / (TN + FP),
precision = TP / (TP + FP), accuracy = (TP + TN) / all, balanced accuracy = (sensitivity + specificity) / 2. Where truth
and prediction are both empty Dice and IoU are 1: to find nothing was right. The others are undefined (NaN) where their
denominator is 0, and are left out of means.

Volumes: difference = predicted - true, absolute difference its amount, relative difference its share of the true volume
(NaN where that is 0). Slices that make up a scan are one volume (see `stacks`). Of a patient's images pixels, volumes
and parts are added up, and the distances of all its pictures are pooled (see `distances`). Of several volumes of a
patient distances are means, undefined where one of them is because a structure was missed or invented.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from maskwright.evaluation.calibration import Calibration
from maskwright.evaluation.components import NAMES as PARTS
from maskwright.evaluation.components import Parts
from maskwright.evaluation.distances import Surfaces
from maskwright.labels.regions import Regions, membership

NAMES = ("dice", "iou", "sensitivity", "specificity", "precision", "accuracy", "balanced_accuracy")
SUMS = ("volume_true", "volume_predicted")
PERFECT = ("dice", "iou", *PARTS)  # 1 where truth and prediction are both empty
Counts = np.ndarray  # (4,) int64: TP, FP, FN, TN


@dataclass(frozen=True)
class ImageScore:
    """The counts of one image, `(N, 4)`: a row TP, FP, FN, TN for each class after the background, or region."""

    name: str
    patient: str
    counts: np.ndarray
    measures: tuple[dict[str, float], ...] = ()  # of each row, what pixel counts alone do not say
    calibration: Calibration | None = None
    class_calibrations: tuple[Calibration, ...] = ()  # of each row
    confusion: np.ndarray | None = None  # as `confusion` gives it
    surfaces: tuple[Surfaces, ...] = ()  # of each row, of pictures only
    parts: tuple[Parts, ...] = ()  # of each row

    def values(self) -> list[dict[str, float]]:
        """Every score of each class after the background, or region."""
        measures = self.measures or ({},) * len(self.counts)
        sure: Sequence[dict[str, float]] = ({},) * len(self.counts)
        if self.class_calibrations:
            sure = [{"brier": one.brier, "expected_calibration_error": one.error} for one in self.class_calibrations]
        rows = zip(self.counts, measures, sure, strict=True)
        return [scores(row) | _with_differences(more) | certain for row, more, certain in rows]


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
    return counts_of(confusion(prediction, truth, classes), regions)


def confusion(prediction: np.ndarray, truth: np.ndarray, classes: int) -> np.ndarray:
    """How many pixels of each true class (rows) were predicted as each class (columns): `(classes, classes)` int64.

    Raises:
        ValueError: the shapes differ.
    """
    if prediction.shape != truth.shape:
        raise ValueError(f"prediction is {prediction.shape}, truth is {truth.shape}")
    # A truth of 255 lands beyond the table.
    pairs = np.bincount(truth.ravel().astype(np.int64) * classes + prediction.ravel(), minlength=classes**2)
    return pairs[: classes**2].reshape(classes, classes)


def counts_of(table: np.ndarray, regions: Regions = ()) -> np.ndarray:
    """TP, FP, FN, TN of each class after the background, or region, of a confusion table."""
    classes = len(table)
    if regions:
        member = membership(regions)[:classes].astype(np.int64)
        cells = [(member, member), (1 - member, member), (member, 1 - member), (1 - member, 1 - member)]
        return np.stack([np.einsum("tr,tp,pr->r", true, table, found) for true, found in cells], axis=1)
    hit = np.diagonal(table)
    false_positive, false_negative = table.sum(axis=0) - hit, table.sum(axis=1) - hit
    rest = table.sum() - hit - false_positive - false_negative
    return np.stack([hit, false_positive, false_negative, rest], axis=1)[1:]


def scores(counts: Counts) -> dict[str, float]:
    """Every score of one row of counts; NaN where it is undefined: of no pixel at all everything is."""
    tp, fp, fn, tn = (float(value) for value in counts)
    empty = 1.0 if tp + fp + fn + tn else float("nan")
    return {
        "dice": _ratio(2 * tp, 2 * tp + fp + fn, empty),
        "iou": _ratio(tp, tp + fp + fn, empty),
        "sensitivity": _ratio(tp, tp + fn),
        "specificity": _ratio(tn, tn + fp),
        "precision": _ratio(tp, tp + fp),
        "accuracy": _ratio(tp + tn, tp + fp + fn + tn),
        "balanced_accuracy": (_ratio(tp, tp + fn) + _ratio(tn, tn + fp)) / 2,
    }


def _with_differences(measures: dict[str, float]) -> dict[str, float]:
    if "volume_true" not in measures:
        return measures
    difference = measures["volume_predicted"] - measures["volume_true"]
    return measures | {
        "volume_difference": difference,
        "volume_absolute_difference": abs(difference),
        "volume_relative_difference": _ratio(difference, measures["volume_true"]),
    }


def _ratio(part: float, whole: float, empty: float = float("nan")) -> float:
    return part / whole if whole else empty


def pool(images: Iterable[ImageScore]) -> list[ImageScore]:
    """One score a patient, of all its images together, in the order of the patients' names."""
    groups: dict[str, list[ImageScore]] = {}
    for image in images:
        groups.setdefault(image.patient, []).append(image)
    return [_together(patient, groups[patient]) for patient in sorted(groups)]


def _together(patient: str, images: Sequence[ImageScore]) -> ImageScore:
    if len(images) == 1:
        return replace(images[0], name=patient)
    counts = np.sum([image.counts for image in images], axis=0)
    parts = tuple(functools.reduce(Parts.__add__, row) for row in zip(*(one.parts for one in images), strict=True))
    far: tuple[Surfaces, ...] = ()
    if all(one.surfaces for one in images):  # of pictures; the surfaces of a volume are its own
        far = tuple(Surfaces.pooled(row) for row in zip(*(one.surfaces for one in images), strict=True))
    measures = []
    for place in range(len(images[0].measures)):
        columns = {name: np.array([one.measures[place][name] for one in images]) for name in images[0].measures[place]}
        # Where there is nothing in truth and prediction, nothing can be measured, and nothing is missed.
        full = np.array([one.counts[place, :3].any() for one in images])
        row = {name: float(values.sum()) if name in SUMS else _mean(values[full]) for name, values in columns.items()}
        measures.append(row | (far[place].scores() if far else {}) | (parts[place].scores() if parts else {}))
    found = [image.calibration for image in images if image.calibration is not None]
    calibration = functools.reduce(Calibration.merged, found) if found else None
    tables = [image.confusion for image in images if image.confusion is not None]
    table = np.sum(tables, axis=0) if tables else None
    by_class = zip(*(image.class_calibrations for image in images), strict=True)
    classes = tuple(functools.reduce(Calibration.merged, row) for row in by_class)
    return ImageScore(patient, patient, counts, tuple(measures), calibration, classes, table, far, parts)


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else float("nan")


def values_of(items: Sequence[ImageScore]) -> list[list[dict[str, float]]]:
    """Every score of every class of images or cases that were scored together.

    A class that no truth of any of them has says nothing where it is not predicted either: its Dice, IoU and scores of
    parts are then undefined instead of 1.
    """
    found = [item.values() for item in items]
    absent = np.flatnonzero(~occurring([item.counts for item in items])) if items else ()
    for place in absent:
        for item, rows in zip(items, found, strict=True):
            if not item.counts[place, :3].any():
                rows[place] |= {name: float("nan") for name in PERFECT if name in rows[place]}
    return found


def occurring(counts: Sequence[np.ndarray]) -> np.ndarray:
    """Which classes after the background, or regions, some truth has: `(N,)` bool.

    Args:
        counts: of each image or case `(N, 4)`: TP, FP, FN, TN of each class.
    """
    total = np.sum(counts, axis=0)
    return np.asarray(total[:, 0] + total[:, 2] > 0)


def table(images: Sequence[ImageScore], class_names: Sequence[str]) -> list[dict[str, str | float]]:
    """Rows for a CSV file: name, patient, class and every score."""
    return [
        {"name": image.name, "patient": image.patient, "class": name, **row}
        for image, rows in zip(images, values_of(images), strict=True)
        for name, row in zip(class_names[1:], rows, strict=True)
    ]
