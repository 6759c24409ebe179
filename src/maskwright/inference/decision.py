"""Where probabilities become class numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from maskwright.errors import MaskwrightError
from maskwright.labels.regions import painted

if TYPE_CHECKING:
    from maskwright.config.schema import PredictSection
    from maskwright.models.metadata import Metadata

HALF = 0.5


@dataclass(frozen=True)
class Decision:
    """What a probability must reach.

    Attributes:
        thresholds: of one structure; of each class after the background (the class whose probability is the largest
            in relation to its threshold wins, among those that reach it); or of each region. Empty: the most probable
            class.
        numbers: with which each region is painted, later ones over earlier ones; empty where channels are classes.
    """

    thresholds: tuple[float, ...] = (HALF,)
    numbers: tuple[int, ...] = ()

    def __call__(self, probabilities: np.ndarray) -> np.ndarray:
        """Class numbers `(…)` uint8 of probabilities `(…, K)`."""
        if self.numbers:
            found = np.zeros(probabilities.shape[:-1], np.uint8)
            for place, (number, threshold) in enumerate(zip(self.numbers, self.thresholds, strict=True)):
                found[probabilities[..., place] >= threshold] = number
            return found
        if probabilities.shape[-1] == 1:
            return (probabilities[..., 0] >= self.thresholds[0]).astype(np.uint8)
        if not self.thresholds:
            return probabilities.argmax(axis=-1).astype(np.uint8)
        ratios = probabilities[..., 1:] / np.array(self.thresholds, np.float32)
        return np.where(ratios.max(axis=-1) >= 1, ratios.argmax(axis=-1) + 1, 0).astype(np.uint8)


def decision(metadata: Metadata, options: PredictSection) -> Decision:
    """How a model's probabilities are decided: at `predict.threshold`, else at a half, else the most probable class.

    Raises:
        MaskwrightError: there are not as many thresholds as classes after the background, or regions.
    """
    regions = metadata.label_rule.regions
    count = len(regions) or max(metadata.channels - 1, 1)
    given = options.threshold
    if given is None:
        thresholds = (HALF,) * count if regions or metadata.channels == 1 else ()
    elif isinstance(given, float | int):
        thresholds = (float(given),) * count
    else:
        thresholds = tuple(given)
    if thresholds and len(thresholds) != count:
        raise MaskwrightError(
            f"has {len(thresholds)} numbers, and {count} are needed",
            where="[predict] threshold",
            fix=f"Give one for all, or one each for {', '.join(metadata.class_names[1:])}.",
        )
    return Decision(thresholds, painted(regions) if regions else ())
