"""The picture of the validation case that went worst, to look at while a network learns."""

from __future__ import annotations

import cv2
import numpy as np

from maskwright.inference.overlay import overlay, viewable
from maskwright.labels.regions import IGNORED

_LARGEST = 1024  # px of the longer side of what is shown
_MOST = 64  # cases whose pictures are kept; of more, those that are most wrong for their size
Shown = tuple[int, float, np.ndarray, np.ndarray, np.ndarray]


class Worst:
    """Keeps the slice with the most wrong pixels of each case of the last validation; of some, where they are many.

    Args:
        outline: red, green, blue of the only structure.
    """

    def __init__(self, outline: tuple[int, int, int]) -> None:
        self._outline = outline
        self._shown: dict[str, Shown] = {}

    def begin(self) -> None:
        """Forget what was kept: a new validation begins."""
        self._shown = {}

    def add(self, case: str, image: np.ndarray, mask: np.ndarray, truth: np.ndarray) -> None:
        """Look at a picture, or at each slice of a block of a volume.

        Args:
            image: `(H, W, C)` or `(D, H, W, C)`, as the network sees it. mask, truth: class numbers of the same size.
        """
        if mask.ndim == 3:
            for one in zip(image, mask, truth, strict=True):
                self.add(case, *one)
            return
        wrong = int(np.count_nonzero((mask != truth) & (truth != IGNORED)))
        if case not in self._shown or wrong > self._shown[case][0]:
            there = int(np.count_nonzero(mask)) + int(np.count_nonzero((truth > 0) & (truth != IGNORED)))
            share = wrong / max(there, 1)
            self._shown[case] = (wrong, share, _smaller(viewable(image)), _smaller(mask), _smaller(truth))
            if len(self._shown) > _MOST:
                del self._shown[min(self._shown, key=lambda name: self._shown[name][1])]

    @property
    def cases(self) -> frozenset[str]:
        """Those of which a picture is kept."""
        return frozenset(self._shown)

    def picture(self, case: str) -> bytes | None:
        """JPEG of a case: what was found in colour, the truth thin and white under it; None where nothing is kept."""
        if case not in self._shown:
            return None
        _, _, image, mask, truth = self._shown[case]
        drawn = overlay(image, mask, self._outline, truth)
        return bytes(cv2.imencode(".jpg", drawn[..., ::-1])[1])


def _smaller(array: np.ndarray) -> np.ndarray:
    """A copy, every n-th pixel of what is too large to be looked at."""
    step = -(-max(array.shape[:2]) // _LARGEST)
    return np.array(array[::step, ::step], np.uint8)
