"""Everything that is scored of one mask against its truth: pixels, surfaces, parts, volumes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from maskwright.errors import MaskwrightError
from maskwright.evaluation.calibration import Calibrations
from maskwright.evaluation.components import Parts, count_parts
from maskwright.evaluation.distances import surfaces
from maskwright.evaluation.scores import ImageScore, confusion, counts_of
from maskwright.labels.regions import IGNORED, inside
from maskwright.labels.rule import LabelRule
from maskwright.volumes.boxes import bounding_box


@dataclass(frozen=True)
class Scale:
    """How large pixels are.

    Attributes:
        spacing: along each axis of a mask. pixel: the size of one, in `volume_unit`. tolerance: of the surface Dice.
        unit: of distances, `mm` or `px`. volume_unit: `ml`, `mm²` or `px`.
    """

    spacing: tuple[float, ...]
    pixel: float
    tolerance: float
    unit: str = "mm"
    volume_unit: str = "ml"

    @property
    def units(self) -> dict[str, str | float]:
        """For evaluation.json."""
        return {"distance": self.unit, "volume": self.volume_unit, "tolerance": self.tolerance}


def picture_scale(spacing: Sequence[float], tolerance: float) -> Scale:
    """The scale of pictures: in px without spacing; in mm and mm² with that of rows and columns; in ml with slices too.

    Args:
        spacing: empty, (rows, columns), or (slices, rows, columns), in mm.

    Raises:
        MaskwrightError: another number of values.
    """
    if not spacing:
        return Scale((1.0, 1.0), 1.0, tolerance, "px", "px")
    if len(spacing) == 2:
        return Scale(tuple(spacing), float(np.prod(spacing)), tolerance, "mm", "mm²")
    if len(spacing) == 3:
        return Scale(tuple(spacing[1:]), float(np.prod(spacing)) / 1000, tolerance)
    raise MaskwrightError(
        f"has {len(spacing)} numbers",
        where="[evaluate] spacing",
        fix="Give mm along rows and columns, or slices first.",
    )


def scan_scale(spacing: Sequence[float], voxel_ml: float, tolerance: float) -> Scale:
    """The scale of a scan."""
    return Scale(tuple(spacing), voxel_ml, tolerance)


def score_masks(
    name: str,
    patient: str,
    prediction: np.ndarray,
    truth: np.ndarray,
    rule: LabelRule,
    scale: Scale,
    calibrations: Calibrations | None = None,
) -> ImageScore:
    """Every score of an image or scan.

    Args:
        prediction, truth: class numbers `(H, W)` or `(D, H, W)`; pixels that the truth ignores count for nothing.
        calibrations: of its probabilities, where they are known.
    """
    table = confusion(prediction, truth, rule.classes)
    counts = counts_of(table, rule.regions)
    known = truth != IGNORED if (truth == IGNORED).any() else None
    measures, distances, parts = [], [], []
    for (found, true), row in zip(_masks(prediction, truth, rule), counts, strict=True):
        if known is not None:
            found = found & known
        far, pieces = surfaces(found, true, scale.spacing, scale.tolerance), _parts(found, true)
        measures.append(
            {
                **far.scores(),
                **pieces.scores(),
                "volume_true": float(row[0] + row[2]) * scale.pixel,
                "volume_predicted": float(row[0] + row[1]) * scale.pixel,
            }
        )
        parts.append(pieces)
        if truth.ndim == 2:  # those of volumes are many, and a volume is a case by itself
            distances.append(far.compact())
    whole, classes = (calibrations.whole, calibrations.classes) if calibrations else (None, ())
    return ImageScore(name, patient, counts, tuple(measures), whole, classes, table, tuple(distances), tuple(parts))


def _masks(prediction: np.ndarray, truth: np.ndarray, rule: LabelRule) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    if rule.regions:
        for region in rule.regions:
            yield inside(prediction, region), inside(truth, region)
    else:
        for number in range(1, rule.classes):
            yield prediction == number, truth == number


def _parts(found: np.ndarray, true: np.ndarray) -> Parts:
    either = found | true
    if not either.any():
        return Parts()
    box = bounding_box(either)
    return count_parts(found[box], true[box])
