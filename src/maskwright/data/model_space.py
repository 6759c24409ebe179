"""From a scan to what a network for volumes sees, and label maps with it: orientation, spacing, levels."""

from __future__ import annotations

import numpy as np

from maskwright.data.labels import IGNORED, LabelRule
from maskwright.data.preprocess import InputRule
from maskwright.errors import MaskwrightError
from maskwright.volumes import Grid, Volume
from maskwright.volumes.orient import reorient
from maskwright.volumes.resample import resample, with_spacing
from maskwright.volumes.window import limits


def model_grid(turned: Grid, rule: InputRule) -> Grid:
    """The grid on which the network sees a scan that is turned already."""
    return with_spacing(turned, rule.spacing) if rule.spacing else turned  # type: ignore[arg-type]


def to_model(scan: Volume, rule: InputRule) -> Volume:
    """A scan turned, resampled and normalised: `(D, H, W)` float32.

    With a window its levels go from 0 to 1; without one they have mean 0 and deviation 1 over the scan.

    Raises:
        MaskwrightError: the scan has channels.
    """
    if scan.array.ndim != 3:
        raise MaskwrightError(
            f"has {scan.array.shape[3]} channels", where=scan.name, fix="Name scans of one value a voxel."
        )
    turned = reorient(scan, rule.orientation)
    values = turned.with_array(turned.array.astype(np.float32))
    found = resample(values, model_grid(turned.grid, rule), "linear")
    if rule.window:
        low, high = limits(rule.window, scan.array)
        levels = np.clip((found.array - low) / (high - low), 0, 1)
    else:
        levels = (found.array - found.array.mean()) / (found.array.std() + 1e-6)
    return found.with_array(levels.astype(np.float32))


def labels_to_model(labels: Volume, rule: InputRule) -> Volume:
    """Class numbers on the network's grid: each voxel the class with the largest share of it."""
    turned = reorient(labels, rule.orientation)
    grid = model_grid(turned.grid, rule)
    if turned.grid.same_as(grid, 1e-6):
        return turned.with_array(np.ascontiguousarray(turned.array))
    numbers = np.unique(turned.array)
    shares = [
        resample(turned.with_array((turned.array == n).astype(np.float32)), grid, "linear").array for n in numbers
    ]
    return Volume(numbers[np.argmax(shares, axis=0)].astype(np.uint8), grid.affine)


def scan_classes(array: np.ndarray, rule: LabelRule, where: object) -> np.ndarray:
    """Class numbers of a label map: its numbers, `levels` of them, or (one structure) whatever is not 0.

    Raises:
        MaskwrightError: a number that no class has.
    """
    hidden = array == rule.ignore if rule.ignore is not None else None
    if rule.format == "binary":
        found = (array > 0).astype(np.uint8)
    else:
        codes = rule.levels if rule.format == "grey" else range(rule.classes)
        table = np.full(int(array.max(initial=0)) + 1, IGNORED, np.uint8)
        for number, code in enumerate(codes):
            if code < len(table):
                table[code] = number
        found = table[array]
        wrong = np.unique(array[(found == IGNORED) if hidden is None else (found == IGNORED) & ~hidden])
        if len(wrong):
            raise MaskwrightError(
                f"holds labels that no class describes: {', '.join(map(str, wrong[:8]))}",
                where=where,
                fix="List the number of each class, background first, in mask.levels, or set model.num_classes.",
            )
    if hidden is not None:
        found[hidden] = IGNORED
    return found
