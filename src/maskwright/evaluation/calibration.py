"""How far probabilities can be believed.

- Brier score (Brier 1950): the mean over pixels of the squared differences between probabilities and truth, summed over
  the classes (one structure: of its own probability, from 0 to 1).
- Expected calibration error (Guo et al. 2017): pixels in 15 bins by the probability of their most probable class; the
  mean over pixels of |share that is right - mean probability| of their bin.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from maskwright.labels.regions import IGNORED, membership
from maskwright.labels.rule import LabelRule

BINS = 15


@dataclass
class Calibration:
    """Sums over pixels, added part by part; of overlapping regions each is a structure by itself.

    Attributes:
        counts, confidence, right: of each bin: pixels, sum of their probabilities, how many are right.
        squares: sum of squared differences. pixels: how many there are.
    """

    counts: np.ndarray = field(default_factory=lambda: np.zeros(BINS))
    confidence: np.ndarray = field(default_factory=lambda: np.zeros(BINS))
    right: np.ndarray = field(default_factory=lambda: np.zeros(BINS))
    squares: float = 0.0
    pixels: int = 0

    def add(self, probabilities: np.ndarray, truth: np.ndarray, table: np.ndarray | None = None) -> None:
        """Add pixels.

        Args:
            probabilities: `(…, K)`. truth: class numbers `(…)`; ignored ones are left out.
            table: of overlapping regions, as `regions.membership` gives it.
        """
        known = truth != IGNORED
        p, numbers = probabilities[known].astype(np.float32), truth[known]
        if table is not None:
            p, numbers = p.reshape(-1, 1), table[numbers].reshape(-1)
        if p.shape[-1] == 1:
            yes = p[:, 0]
            true = numbers == 1
            self.squares += float(np.square(yes - true).sum(dtype=np.float64))
            chosen, confidence = yes >= 0.5, np.maximum(yes, 1 - yes)
            hit = chosen == true
        else:
            best = p.argmax(axis=1)
            confidence, hit = p[np.arange(len(p)), best], best == numbers
            own = p[np.arange(len(p)), numbers]
            # Σ (p_k - t_k)² = Σ p_k² - 2 p_true + 1
            self.squares += float((np.square(p).sum(axis=1) - 2 * own + 1).sum(dtype=np.float64))
        self.pixels += len(p)
        places = np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)
        self.counts += np.bincount(places, minlength=BINS)
        self.confidence += np.bincount(places, confidence, BINS)
        self.right += np.bincount(places, hit, BINS)

    def merged(self, other: Calibration) -> Calibration:
        """The sums of both."""
        return Calibration(
            self.counts + other.counts, self.confidence + other.confidence, self.right + other.right,
            self.squares + other.squares, self.pixels + other.pixels,
        )  # fmt: skip

    @property
    def brier(self) -> float:
        """The Brier score; NaN without pixels."""
        return self.squares / self.pixels if self.pixels else float("nan")

    @property
    def error(self) -> float:
        """The expected calibration error; NaN without pixels."""
        return float(np.abs(self.right - self.confidence).sum() / self.pixels) if self.pixels else float("nan")

    def as_dict(self) -> dict[str, Any]:
        """For evaluation.json: both scores, and of each bin its pixels, mean probability and share that is right."""
        full = self.counts > 0
        safe = np.where(full, self.counts, 1)
        bins = [
            {"pixels": int(n), "probability": float(p), "right": float(r)}
            for n, p, r in zip(self.counts, self.confidence / safe, self.right / safe, strict=True)
        ]
        return {"brier": self.brier, "expected_calibration_error": self.error, "bins": bins}


class Calibrations:
    """Of all classes together, and of each class after the background (or region) against all else.

    Attributes:
        whole: together. classes: each by itself.
    """

    def __init__(self, rule: LabelRule) -> None:
        self.whole = Calibration()
        self.classes = tuple(Calibration() for _ in rule.regions or range(rule.classes - 1))
        self._table = membership(rule.regions) if rule.regions else None

    def add(self, probabilities: np.ndarray, truth: np.ndarray) -> None:
        """Add pixels: probabilities `(…, K)` and class numbers `(…)`."""
        self.whole.add(probabilities, truth, self._table)
        channels = probabilities.shape[-1]
        for place, one in enumerate(self.classes):
            if self._table is not None:
                one.add(probabilities[..., place : place + 1], self._table[truth, place])
            else:
                inside = np.where(truth == IGNORED, IGNORED, truth == place + 1).astype(np.uint8)
                channel = 0 if channels == 1 else place + 1
                one.add(probabilities[..., channel : channel + 1], inside)
