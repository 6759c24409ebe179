"""Several files of one case as the channels of one volume."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from maskwright.errors import MaskwrightError
from maskwright.volumes.orient import reorient
from maskwright.volumes.read import read_volume
from maskwright.volumes.volume import Volume

_TOLERANCE = 0.05  # voxels that the corners of two channels may lie apart


def read_channels(paths: Sequence[Path], series: str | None = None, *, resample_slices: bool = False) -> Volume:
    """One file as it is, or several as channels `(D, H, W, C)` in their order, on the voxels of the first.

    Raises:
        MaskwrightError: a file cannot be read, has channels of its own, or does not lie on the first.
    """
    first = read_volume(paths[0], series, resample_slices=resample_slices)
    if len(paths) == 1:
        return first
    arrays = []
    for path in paths:
        if path == paths[0]:
            one = first
        else:
            one = reorient(read_volume(path, series, resample_slices=resample_slices), first.grid.orientation)
        if one.array.ndim != 3:
            raise MaskwrightError(
                f"has {one.array.shape[3]} channels itself",
                where=path,
                fix="Channels in several files hold one value a voxel.",
            )
        same = one.grid.shape == first.grid.shape
        if not same or one.grid.distance(first.grid) > _TOLERANCE * min(first.grid.spacing):
            how = f"{one.grid.distance(first.grid):.2f} mm away" if same else f"with {one.grid.shape} voxels"
            raise MaskwrightError(
                f"does not lie on the first channel {paths[0].name} ({first.grid.shape} voxels): it lies {how}",
                where=path,
                fix="Register the channels of a case to each other and resample them to one grid first.",
            )
        arrays.append(one.array)
    source = replace(first.source, notes=(*first.source.notes, f"{len(paths)} files are its channels"))
    return replace(first, array=np.stack(arrays, axis=-1), source=source)
