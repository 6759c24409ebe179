"""A case's label map on its scan, as class numbers."""

from __future__ import annotations

import numpy as np

from maskwright.config.schema import PrepareSection
from maskwright.errors import MaskwrightError
from maskwright.labels.regions import IGNORED
from maskwright.prepare.cases import Case
from maskwright.volumes import Volume
from maskwright.volumes.read import on_scan, read_labels, read_volume

_SOFT = (-200.0, 400.0)  # HU in which organs lie
_SHARE = 0.5  # of a structure's voxels that lie there, at least


def read_case(case: Case, options: PrepareSection) -> tuple[Volume, Volume]:
    """The scan, and the classes of its voxels on the same grid.

    Raises:
        MaskwrightError: one cannot be read, or they do not belong together.
    """
    scan = read_volume(case.scan, options.series, resample_slices=options.resample_slices)
    labels = read_labels(case.labels)
    if scan.array.ndim != 3:
        raise MaskwrightError(
            f"has {scan.array.shape[3]} channels", where=case.scan, fix="Slices are made of scans of one value a voxel."
        )
    if options.label_geometry == "affine":
        try:
            labels = on_scan(labels, scan)
        except MaskwrightError as error:
            raise MaskwrightError(
                error.what,
                where=error.where,
                fix="Where label maps are stored slice by slice and their headers cannot be trusted (NIH Pancreas-CT), "
                'set prepare.label_geometry = "slices".',
            ) from None
    else:
        labels = by_slices(labels, scan)
    return scan, labels.with_array(classes(labels.array, options))


def by_slices(labels: Volume, scan: Volume) -> Volume:
    """A label map whose header is not trusted: slice i is the scan's image with the i-th instance number.

    In the file, x runs along a row of the image and y down its columns.

    Raises:
        MaskwrightError: another number of slices or pixels, or the structures lie in air or bone.
    """
    if labels.array.shape != scan.array.shape:
        raise MaskwrightError(
            f"has {labels.array.shape} slices, rows and columns, its scan {scan.name} {scan.array.shape}",
            where=labels.name,
            fix="Leave this patient out, or repair its label map.",
        )
    array = labels.array
    instances = scan.source.details.get("instances")
    if instances:
        numbers = [int(header.get("InstanceNumber") or 0) for header in instances]
        if len(set(numbers)) < len(numbers):
            raise MaskwrightError(
                "is missing or not unique, and the label map's slices are in its order",
                where=f"{scan.name}, (0020,0013) InstanceNumber",
                fix='Set prepare.label_geometry = "affine" if the label map\'s header can be trusted.',
            )
        array = array[np.argsort(np.argsort(numbers))]
    found = scan.with_array(array)
    values = scan.array[array > 0]
    if scan.modality == "CT" and len(values):
        share = float(((values >= _SOFT[0]) & (values <= _SOFT[1])).mean())
        if share < _SHARE:
            raise MaskwrightError(
                f"does not lie on tissue: {1 - share:.0%} of its voxels are outside {_SOFT[0]:g} to {_SOFT[1]:g} HU",
                where=labels.name,
                fix="Its slices are in another order or mirrored; repair it, or leave this patient out.",
            )
    return found


def classes(array: np.ndarray, options: PrepareSection) -> np.ndarray:
    """Class numbers, uint8: by `structures`, else 1 for every label that is not 0; `IGNORED` for void.

    Raises:
        MaskwrightError: a number that is named twice.
    """
    several = list(options.structures.values())
    named = [number for numbers in (*several, options.ignore) for number in numbers]
    if twice := sorted({number for number in named if named.count(number) > 1}):
        raise MaskwrightError(
            f"label {twice[0]} is in two structures, or in one and in prepare.ignore",
            where="[prepare] structures",
            fix="Name it in one.",
        )
    table = np.zeros(max(int(array.max()), *named, 0) + 1, np.uint8)
    table[1:] = 0 if several else 1
    for place, numbers in enumerate(several, start=1):
        table[numbers] = place
    table[options.ignore] = IGNORED
    return table[array]


def structure(marks: np.ndarray) -> np.ndarray:
    """Where class numbers are a structure: neither background nor void."""
    return np.asarray((marks > 0) & (marks != IGNORED))
