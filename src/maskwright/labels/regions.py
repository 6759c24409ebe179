"""Overlapping regions made of label values, as the whole tumour of BraTS is labels 1, 2 and 4.

A label map has one number a voxel. A region is a set of numbers; the network has one output for each region, and from
its regions a label map is made again: each is painted with the number that no later region has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from maskwright.errors import MaskwrightError

Regions = tuple[tuple[int, ...], ...]
IGNORED = 255  # the number in a label of a pixel that counts for nothing; classes end at 254


def painted(regions: Sequence[Sequence[int]]) -> tuple[int, ...]:
    """The number with which each region is painted, in their order.

    Raises:
        MaskwrightError: a region has no number of its own, or several.
    """
    found = []
    for place, region in enumerate(regions):
        later = {number for other in regions[place + 1 :] for number in other}
        own = [number for number in region if number not in later]
        if len(own) != 1:
            raise MaskwrightError(
                f"region {place + 1}, {list(region)}, has {len(own)} numbers that no later region has",
                where="[mask] regions",
                fix="Order them from the largest to the smallest, each with exactly one number of its own, as in "
                "whole = [1, 2, 4], core = [1, 4], enhancing = [4].",
            )
        found.append(own[0])
    return tuple(found)


def parts(regions: Mapping[str, Sequence[int]]) -> dict[int, str]:
    """Names of the numbers in a painted label map; a region that holds later ones is named by what is left of it."""
    numbers = painted(list(regions.values()))
    found = {}
    for (name, region), number in zip(regions.items(), numbers, strict=True):
        found[number] = name if len(region) == 1 else f"{name} (rest)"
    return found


def membership(regions: Regions) -> np.ndarray:
    """Whether a label of each number lies in each region: `(256, R)` uint8 of 0 and 1; 255 where it is ignored."""
    table = np.zeros((256, len(regions)), np.uint8)
    for place, region in enumerate(regions):
        table[list(region), place] = 1
    table[IGNORED] = IGNORED
    return table


def inside(label: np.ndarray, region: Sequence[int]) -> np.ndarray:
    """Where a label has a number of a region."""
    table = np.zeros(256, bool)
    table[list(region)] = True
    return np.asarray(table[label])
