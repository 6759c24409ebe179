"""What levels the structures of scans have, where that decides how scans are normalised: in CT.

Levels of CT are Hounsfield units, the same in every scan, so they are clipped to what structures have over the whole
data set, as nnU-Net does (Isensee et al. 2021); other scans have units of their own and are normalised one by one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from maskwright.advice.structures import spread
from maskwright.data.model_space import scan_classes
from maskwright.data.pairs import Pair
from maskwright.data.records import Record
from maskwright.labels.regions import IGNORED
from maskwright.labels.rule import LabelRule
from maskwright.volumes.channels import read_channels
from maskwright.volumes.read import read_labels

_AIR = -500.0  # HU; only CT has levels below it, since air has -1000
_VOXELS = 10_000  # of a scan's structures that are looked at
_ENDS = (0.5, 99.5)  # percent


def is_ct(records: Sequence[Record]) -> bool:
    """Whether scans are CT, in Hounsfield units: each has air, and one channel."""
    return bool(records) and all(record.low <= _AIR and record.channels == 1 for record in records)


def foreground_ends(pairs: Sequence[Pair], rule: LabelRule) -> tuple[float, float] | None:
    """The levels between which nearly all voxels of structures lie, over up to 40 scans; None where there are none.

    Raises:
        MaskwrightError: a scan that cannot be read.
    """
    rng, found = np.random.default_rng(0), []
    for place in spread(len(pairs)):
        pair = pairs[place]
        scan = read_channels(pair.images)
        classes = scan_classes(read_labels(pair.mask, scan).array, rule, pair.mask)
        levels = scan.array[(classes > 0) & (classes != IGNORED)]
        found.append(rng.choice(levels, _VOXELS) if len(levels) > _VOXELS else levels)
    pooled = np.concatenate(found) if found else np.zeros(0)
    if not len(pooled):
        return None
    low, high = np.percentile(pooled, _ENDS)
    return (float(low), float(high)) if high > low else None
