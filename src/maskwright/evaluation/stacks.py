"""Slices that are scored as the volume they are: their masks put together, one scan at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from maskwright.data.places import Stacks
from maskwright.evaluation.masks import Scale, scan_scale, score_masks
from maskwright.evaluation.scores import ImageScore, pool
from maskwright.labels.rule import LabelRule


@dataclass(frozen=True)
class _Slice:
    prediction: np.ndarray
    truth: np.ndarray
    score: ImageScore


class Stacker:
    """Collects the slices of scans; a scan is scored, and its masks let go, when the last one has come.

    Args:
        stacks: which pictures are which scan. rule: what is scored. tolerance: of the surface Dice, in mm.
    """

    def __init__(self, stacks: Stacks, rule: LabelRule, tolerance: float) -> None:
        self._stacks, self._rule, self._tolerance = stacks, rule, tolerance
        self._scan_of = {name: scan for scan, names in stacks.scans.items() for name in names}
        self._waiting: dict[str, dict[str, _Slice]] = {}
        self.notes = list(stacks.notes)
        self.cases: list[ImageScore] = []

    def scale(self, name: str) -> Scale:
        """The scale of a picture by itself: mm in its plane, ml of a slice."""
        spacing = self._stacks.places[name].spacing
        return Scale(spacing[1:], float(np.prod(spacing)) / 1000, self._tolerance)

    def add(self, prediction: np.ndarray, truth: np.ndarray, score: ImageScore) -> None:
        """Add a picture.

        Args:
            prediction, truth: class numbers `(H, W)`. score: of the picture by itself; it is the case where it belongs
                to no whole scan.
        """
        scan = self._scan_of.get(score.name)
        if scan is None:
            self.cases.append(score)
            return
        slices = self._waiting.setdefault(scan, {})
        slices[score.name] = _Slice(prediction, truth, score)
        names = self._stacks.scans[scan]
        if len(slices) == len(names):
            self._finish(scan, [self._waiting[scan][name] for name in names])
            del self._waiting[scan]

    def _finish(self, scan: str, slices: list[_Slice]) -> None:
        if len({one.truth.shape for one in slices}) > 1:
            self.notes.append(f"slices of {slices[0].score.patient} have different sizes")
            self.cases += [one.score for one in slices]
            return
        spacing = self._stacks.places[slices[0].score.name].spacing
        scale = scan_scale(spacing, float(np.prod(spacing)) / 1000, self._tolerance)
        prediction, truth = (np.stack([getattr(one, kind) for one in slices]) for kind in ("prediction", "truth"))
        patient = slices[0].score.patient
        volume = score_masks(scan, patient, prediction, truth, self._rule, scale)
        # What probabilities say is that of the slices together.
        (sure,) = pool([one.score for one in slices])
        self.cases.append(replace(volume, calibration=sure.calibration, class_calibrations=sure.class_calibrations))
