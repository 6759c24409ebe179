"""Distances between the surfaces of two masks, in mm (in px where the spacing is 1).

The surface of a mask is its pixels with a neighbour (across an edge in pictures, across a face in volumes) outside of
it, or at the border of the image, as in MONAI. With d(A→B) the distances of A's surface pixels to the nearest of B's:

- Hausdorff distance: max of all d(A→B) and d(B→A) (Huttenlocher et al. 1993).
- Its 95th percentile: the larger of the 95th percentiles of d(A→B) and of d(B→A); a few stray pixels do not count.
- Average symmetric surface distance: mean of d(A→B) and d(B→A) together (Heimann et al. 2009).
- Normalised surface Dice: share of both surfaces that lies within a tolerance of the other (Nikolov et al. 2018,
  counted in surface pixels instead of by area).

Two empty masks have no surface, and every score is undefined (NaN). One empty mask: distances undefined, surface Dice
0.

Slices of a scan whose places are known are one volume (`stacks`). Other pictures of one patient are pooled: all
distances of all pictures together, where the surface in a picture whose other mask is empty is infinitely far from it.
Such pixels lie outside of any tolerance, and what becomes infinite by them (the maximum and the mean always, the
percentile if they are more than 5 %) is undefined.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.spatial import cKDTree

from maskwright.volumes.boxes import bounding_box

NAMES = ("hausdorff", "hausdorff95", "surface_distance", "surface_dice")


@dataclass(frozen=True)
class Surfaces:
    """Distances of the surface pixels of a prediction to those of its truth (`there`), and of the truth's (`back`).

    Attributes:
        there, back: in mm, infinite where the other mask is empty. tolerance: of the surface Dice, in mm.
    """

    there: np.ndarray = field(repr=False)
    back: np.ndarray = field(repr=False)
    tolerance: float

    def scores(self) -> dict[str, float]:
        """The four scores of this module; NaN where one is undefined."""
        both = np.concatenate([self.there, self.back])
        if not len(both):
            return dict.fromkeys(NAMES, float("nan"))
        inside = {"surface_dice": float((both <= self.tolerance).mean())}
        if not len(self.there) or not len(self.back):
            return dict.fromkeys(NAMES, float("nan")) | inside
        largest = {
            "hausdorff": float(both.max()),
            "hausdorff95": max(_percentile(self.there, 0.95), _percentile(self.back, 0.95)),
            "surface_distance": float(both.mean(dtype=np.float64)),
        }
        return {name: value if np.isfinite(value) else float("nan") for name, value in largest.items()} | inside

    def compact(self) -> Surfaces:
        """The same with 32 bits a distance, to be kept."""
        return Surfaces(self.there.astype(np.float32), self.back.astype(np.float32), self.tolerance)

    @staticmethod
    def pooled(parts: Sequence[Surfaces]) -> Surfaces:
        """All distances of all pictures together."""
        there, back = (np.concatenate([getattr(one, side) for one in parts]) for side in ("there", "back"))
        return Surfaces(there, back, parts[0].tolerance)


def surface_scores(
    prediction: np.ndarray, truth: np.ndarray, spacing: Sequence[float], tolerance: float
) -> dict[str, float]:
    """The four scores of this module.

    Args:
        prediction, truth: bool, `(H, W)` or `(D, H, W)`. spacing: mm a pixel along each axis. tolerance: mm.
    """
    return surfaces(prediction, truth, spacing, tolerance).scores()


def surfaces(prediction: np.ndarray, truth: np.ndarray, spacing: Sequence[float], tolerance: float) -> Surfaces:
    """The distances of two masks, either of which may be empty; arguments as of `surface_scores`."""
    if prediction.any() and truth.any():
        there, back = surface_distances(prediction, truth, spacing)
        return Surfaces(there, back, tolerance)
    there, back = (np.full(int(surface(mask).sum()), np.inf) for mask in (prediction, truth))
    return Surfaces(there, back, tolerance)


def _percentile(values: np.ndarray, share: float) -> float:
    """As `np.percentile` between two neighbours, which gives NaN where the upper one is infinite but not reached."""
    place = share * (len(values) - 1)
    low = int(place)
    ordered = np.partition(values, [low, min(low + 1, len(values) - 1)]).astype(np.float64)
    if place == low:
        return float(ordered[low])
    return (
        float(ordered[low] + (ordered[low + 1] - ordered[low]) * (place - low)) if np.isfinite(ordered[low]) else np.inf
    )


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
