"""Distances between the surfaces of two masks, in mm (in px where the spacing is 1).

The surface of a mask is its pixels with a neighbour (across an edge in pictures, across a face in volumes) outside of
it, or at the border of the image, as in MONAI. With d(A→B) the distances of A's surface pixels to the nearest of B's:

- Hausdorff distance: max of all d(A→B) and d(B→A) (Huttenlocher et al. 1993).
- Its 95th percentile: the larger of the 95th percentiles of d(A→B) and of d(B→A); a few stray pixels do not count.
- Average symmetric surface distance: mean of d(A→B) and d(B→A) together (Heimann et al. 2009).
- Normalised surface Dice: share of both surfaces that lies within a tolerance of the other (Nikolov et al. 2018,
  counted in surface pixels instead of by area).

Two empty masks: distances 0, surface Dice 1. One empty mask: distances undefined (NaN), surface Dice 0.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.spatial import cKDTree

from maskwright.volumes.boxes import bounding_box

NAMES = ("hausdorff", "hausdorff95", "surface_distance", "surface_dice")


def surface_scores(
    prediction: np.ndarray, truth: np.ndarray, spacing: Sequence[float], tolerance: float
) -> dict[str, float]:
    """The four scores of this module.

    Args:
        prediction, truth: bool, `(H, W)` or `(D, H, W)`. spacing: mm a pixel along each axis. tolerance: mm.
    """
    if not prediction.any() or not truth.any():
        same = not prediction.any() and not truth.any()
        return dict.fromkeys(NAMES, 0.0 if same else float("nan")) | {"surface_dice": float(same)}
    there, back = surface_distances(prediction, truth, spacing)
    both = np.concatenate([there, back])
    return {
        "hausdorff": float(both.max()),
        "hausdorff95": float(max(np.percentile(there, 95), np.percentile(back, 95))),
        "surface_distance": float(both.mean()),
        "surface_dice": float((both <= tolerance).mean()),
    }


def surface_distances(
    prediction: np.ndarray, truth: np.ndarray, spacing: Sequence[float]
) -> tuple[np.ndarray, np.ndarray]:
    """For each surface pixel of each of two masks, neither empty, the distance to the other's surface, in mm."""
    box = bounding_box(prediction | truth, 1)  # a margin, so that its own edge is no border
    one, other = surface(prediction[box]), surface(truth[box])
    places = [np.flatnonzero(mask) for mask in (one, other)]
    points = [np.stack(np.unravel_index(flat, one.shape), axis=1) * np.asarray(spacing, float) for flat in places]
    found = []
    for mine, theirs, mask in ((0, 1, other), (1, 0, one)):
        # Most of two good masks' surfaces is the same, and there is nothing to look for.
        alone = ~mask.ravel()[places[mine]]
        distances = np.zeros(len(alone))
        if alone.any():
            tree = cKDTree(points[theirs], balanced_tree=False, compact_nodes=False)
            distances[alone] = tree.query(points[mine][alone], workers=-1)[0]
        found.append(distances)
    return found[0], found[1]


def surface(mask: np.ndarray) -> np.ndarray:
    """The pixels of a mask that have a neighbour outside of it, or none on some side."""
    inner = mask.copy()
    for axis in range(mask.ndim):
        first, last = [slice(None)] * mask.ndim, [slice(None)] * mask.ndim
        first[axis], last[axis] = slice(None, -1), slice(1, None)
        inner[tuple(first)] &= mask[tuple(last)]
        inner[tuple(last)] &= mask[tuple(first)]
        for edge in (0, -1):
            border = [slice(None)] * mask.ndim
            border[axis] = edge  # type: ignore[call-overload]
            inner[tuple(border)] = False
    return mask & ~inner
