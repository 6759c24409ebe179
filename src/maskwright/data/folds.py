"""Cross-validation: every patient in one fold, each fold with small and large structures."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from maskwright.errors import MaskwrightError


def fold_of(sizes: Mapping[str, float], count: int, seed: int) -> dict[str, int]:
    """The fold of each patient, from 0.

    Args:
        sizes: how much of each patient is structure, in pixels.

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
