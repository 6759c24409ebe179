"""Cross-validation: every patient in one fold, each fold with small and large structures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from maskwright.data.images import read_image
from maskwright.data.pairs import Pair
from maskwright.errors import MaskwrightError
from maskwright.volumes.read import read_labels

_THREADS = 4


def fold_of(sizes: Mapping[str, float], count: int, seed: int) -> dict[str, int]:
    """The fold of each patient, from 0.

    The patients are lined up by size; each `count` neighbours in the line go into folds of their own, in an order that
    `seed` draws.

    Raises:
        MaskwrightError: there are fewer patients than folds.
    """
    if len(sizes) < count:
        raise MaskwrightError(
            f"{len(sizes)} patients are too few for {count} folds",
            where="[data] folds",
            fix="Lower it, or add patients.",
        )
    rng = np.random.default_rng(seed)
    line = sorted(sizes, key=lambda patient: (sizes[patient], patient))
    found: dict[str, int] = {}
    for first in range(0, len(line), count):
        group = line[first : first + count]
        found |= {patient: int(fold) for patient, fold in zip(group, rng.permutation(count), strict=False)}
    return found


def structure_sizes(pairs: Sequence[Pair], *, scans: bool) -> dict[str, float]:
    """How much of each patient's masks is not background, in pixels; what the classes are does not matter here."""

    def one(pair: Pair) -> float:
        if scans:
            return float(np.count_nonzero(read_labels(pair.mask).array))
        mask = read_image(pair.mask, palette=True)
        # Rims of compressed masks are no structure; in masks of class numbers everything but 0 is.
        return float((mask > (127 if mask.max(initial=0) > 127 else 0)).sum())

    sizes: dict[str, float] = {}
    with ThreadPoolExecutor(_THREADS) as pool:
        for pair, size in zip(pairs, pool.map(one, pairs), strict=True):
            sizes[pair.patient] = sizes.get(pair.patient, 0.0) + size
    return sizes
