"""The mean Dice of decided masks over cases, block by block: by which an epoch is chosen and settings are tuned.

A case is a patient with all its slices or scans, or a picture or scan whose patient is not known. Its pixels are
counted together, whatever parts they come in; a class is scored by its counts (`scores`), the classes of a case have
equal weight, and so have the cases. A class that occurs in no truth of any case says nothing and is left out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from maskwright.evaluation.scores import count_pixels, occurring, scores
from maskwright.labels.rule import LabelRule


class CaseDice:
    """Counts of the pixels of cases, added part by part.

    Args:
        rule: says which classes, or overlapping regions, there are.
    """

    def __init__(self, rule: LabelRule) -> None:
        self._rule = rule
        self._counts: dict[str, np.ndarray] = {}

    def add(self, case: str, prediction: np.ndarray, truth: np.ndarray) -> None:
        """Add a part of a case: a slice, a block, or the whole.

        Args:
            case: its name; parts of the same name belong together.
            prediction, truth: class numbers of the same shape, uint8; pixels that the truth ignores are left out.

        Raises:
            ValueError: the shapes differ.
        """
        found = count_pixels(prediction, truth, self._rule.classes, self._rule.regions)
        self._counts[case] = self._counts[case] + found if case in self._counts else found

    def cases(self) -> dict[str, np.ndarray]:
        """TP, FP, FN, TN of each case: a row for each class after the background, or region."""
        return dict(self._counts)

    def mean(self) -> float:
        """The mean over cases of the mean over classes; NaN where there is nothing to score."""
        return mean_dice(list(self._counts.values()))

    def each(self) -> dict[str, float]:
        """The mean over classes of each case; NaN where it is undefined."""
        return dict(zip(self._counts, dice_of_each(list(self._counts.values())), strict=True))


def mean_dice(counts: Sequence[np.ndarray]) -> float:
    """The mean over cases of their mean Dice over the classes that some truth has; NaN where there is none.

    Args:
        counts: of each case `(N, 4)`: TP, FP, FN, TN of each class.
    """
    found = [dice for dice in dice_of_each(counts) if not math.isnan(dice)]
    return float(np.mean(found)) if found else float("nan")


def dice_of_each(counts: Sequence[np.ndarray]) -> list[float]:
    """The mean Dice of each case over the classes that some truth has.

    A case of which not one pixel is known is undefined (NaN); so are all where no truth has any class.
    """
    there = np.flatnonzero(occurring(counts)) if len(counts) else ()
    if not len(there):
        return [float("nan")] * len(counts)
    return [float(np.mean([scores(case[place])["dice"] for place in there])) for case in counts]
