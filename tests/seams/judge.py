"""The judge: every number again, from the files of masks and of truth alone, with NumPy and SciPy."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from scipy.ndimage import binary_erosion, distance_transform_edt

TOLERANCE = 2.0  # of the surface Dice: the default of evaluate.tolerance


def counted(found, true, known):
    """TP, FP, FN of what is known."""
    return np.array([(found & true & known).sum(), (found & ~true & known).sum(), (~found & true & known).sum()])


def surface_distances(found, true, spacing):
    """From each pixel of one mask's edge to the nearest of the other's, and back; infinite where there is none."""
    edges = [mask & ~binary_erosion(mask) for mask in (found, true)]
    far = [distance_transform_edt(~edge, spacing) if edge.any() else np.full(edge.shape, np.inf) for edge in edges]
    return far[1][edges[0]], far[0][edges[1]]


def percentile(values):
    """The 95th, between two neighbours; infinite as soon as it touches an infinite one."""
    place, values = 0.95 * (len(values) - 1), np.sort(values)
    low, high = values[int(np.floor(place))], values[int(np.ceil(place))]
    return low if low == high else low + (high - low) * (place % 1)


def measured(there, back):
    """Hausdorff95, mean distance and surface Dice of the distances of both sides."""
    both = np.concatenate([there, back])
    if not len(there) or not len(back):
        return np.nan, np.nan, (both <= TOLERANCE).mean() if len(both) else np.nan
    found = np.array([max(percentile(there), percentile(back)), both.mean(), (both <= TOLERANCE).mean()])
    return tuple(np.where(np.isfinite(found), found, np.nan))


def judged(cases, members, hidden):
    """Scores of each patient: `{patient: [scores of each class]}`.

    Args:
        cases: `(patient, mask, truth, spacing)` of each picture or scan; pictures of a patient are pooled, of scans
            the pixels are pooled and the distances are means.
        members: of each class (or region) the numbers that are it in a mask, and in a truth. hidden: that is ignored.
    """
    counts, distances = defaultdict(lambda: np.zeros((len(members), 3))), defaultdict(list)
    for patient, mask, truth, spacing in cases:
        for place, (here, there) in enumerate(members):
            known, found, true = truth != hidden, np.isin(mask, here), np.isin(truth, there)
            counts[patient][place] += counted(found, true, known)
            distances[patient, place].append(surface_distances(found & known, true & known, spacing))
    return {patient: [_scores(row, distances[patient, place], mask.ndim) for place, row in enumerate(table)]
            for patient, table in counts.items()}  # fmt: skip


def _scores(row, distances, axes):
    (tp, fp, fn), sides = row, [both for both in distances if len(both[0]) or len(both[1])]
    groups = sides if axes == 3 else [[np.concatenate(side) for side in zip(*distances, strict=True)]]
    far = np.mean([measured(*group) for group in groups], axis=0) if groups else np.full(3, np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = {"sensitivity": tp / (tp + fn), "precision": tp / (tp + fp)}
    one = {"dice": 2 * tp / (2 * tp + fp + fn), "iou": tp / (tp + fp + fn)} if tp + fp + fn else {"dice": 1, "iou": 1}
    return one | shares | dict(zip(("hausdorff95", "surface_distance", "surface_dice"), far, strict=True))


def mean_dice(scores):
    """The mean over patients of the mean over classes."""
    return float(np.mean([[one["dice"] for one in rows] for rows in scores.values()]))
