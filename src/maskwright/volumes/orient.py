"""Turning volumes so that their axes run in given directions: flips and swaps only, so that every value stays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from maskwright.errors import MaskwrightError
from maskwright.volumes.volume import SCREEN, Volume, orientation

_AXIS = {"L": 0, "R": 0, "P": 1, "A": 1, "I": 2, "S": 2}


def reorient(volume: Volume, target: str = SCREEN) -> Volume:
    """The same voxels in the order of another orientation; oblique volumes turn to the nearest axes.

    Args:
        target: three letters of L/R, P/A and I/S, as in `volume.py`.

    Raises:
        MaskwrightError: the letters are no orientation.
    """
    order, flips = turns(orientation(volume.affine), target)
    shape = volume.array.shape
    affine = volume.affine.copy()
    for axis, flip in enumerate(flips):
        if flip:
            # The last voxel becomes the first one, and the axis runs back from there.
            affine[:3, 3] += affine[:3, axis] * (shape[axis] - 1)
            affine[:3, axis] *= -1
    array = np.flip(volume.array, tuple(axis for axis, flip in enumerate(flips) if flip))
    array = array.transpose(*order, *range(3, array.ndim))
    return replace(volume, array=array, affine=affine[:, [*order, 3]])


def turns(here: str, there: str) -> tuple[list[int], list[bool]]:
    """Which axis of `here` becomes each axis of `there`, and which of `here` run backwards.

    Raises:
        MaskwrightError: the letters are no orientation.
    """
    for letters in (here, there):
        if sorted(_AXIS.get(letter, -1) for letter in letters) != [0, 1, 2]:
            raise MaskwrightError(
                f"{letters!r} is no orientation", where="orientation", fix="Give one each of L or R, P or A, I or S."
            )
    axes = [_AXIS[letter] for letter in here]
    order = [axes.index(_AXIS[letter]) for letter in there]
    flips = [False] * 3
    for place, letter in enumerate(there):
        flips[order[place]] = here[order[place]] != letter
    return order, flips
