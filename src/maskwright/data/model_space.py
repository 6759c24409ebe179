"""From a scan to what a network for volumes sees, and label maps with it: orientation, spacing, levels."""

from __future__ import annotations

import numpy as np

from maskwright.data.preprocess import InputRule
from maskwright.errors import MaskwrightError
from maskwright.labels.regions import IGNORED
from maskwright.labels.rule import LabelRule
from maskwright.volumes import Grid, Volume
from maskwright.volumes.orient import reorient
from maskwright.volumes.resample import require_fits, resample, with_spacing
from maskwright.volumes.window import limits


def model_grid(turned: Grid, rule: InputRule) -> Grid:
    """The grid on which the network sees a scan that is turned already."""
    return with_spacing(turned, rule.spacing) if rule.spacing else turned  # type: ignore[arg-type]


def to_model(scan: Volume, rule: InputRule) -> Volume:
    """A scan turned, resampled and normalised, each channel by itself: `(D, H, W, C)` float32.

    With a window its levels go from 0 to 1; without one they have mean 0 and deviation 1 over the scan.

    Raises:
        MaskwrightError: the scan has not as many channels as the network's input, or would not fit into memory.
    """
    channels = scan.array[..., None] if scan.array.ndim == 3 else scan.array
    if channels.shape[3] != rule.channels:
        raise MaskwrightError(
            f"has {channels.shape[3]} channels, and the network takes {rule.channels}",
            where=scan.name,
            fix="Set model.image_channels and data.channel_patterns, or name the files that belong together.",
        )
    grid = model_grid(reorient(scan, rule.orientation).grid, rule)
    require_fits(scan, grid, rule.channels)
    levels = np.empty((*grid.shape, rule.channels), np.float32)
    for place in range(rule.channels):
        turned = reorient(scan.with_array(channels[..., place]), rule.orientation)
        found = resample(turned.with_array(turned.array.astype(np.float32)), grid, "linear").array
        if rule.window:
            low, high = limits(rule.window, channels[..., place])
            levels[..., place] = np.clip((found - low) / (high - low), 0, 1)
        else:
            levels[..., place] = (found - found.mean()) / (found.std() + 1e-6)
    return Volume(levels, grid.affine, scan.modality, scan.source)


def labels_to_model(labels: Volume, rule: InputRule) -> Volume:
    """Class numbers on the network's grid: each voxel the class with the largest share of it."""
    turned = reorient(labels, rule.orientation)
    grid = model_grid(turned.grid, rule)
    require_fits(labels, grid)
    if turned.grid.same_as(grid, 1e-6):
        return turned.with_array(np.ascontiguousarray(turned.array))
    numbers = np.unique(turned.array)
    shares = [
        resample(turned.with_array((turned.array == n).astype(np.float32)), grid, "linear").array for n in numbers
    ]
    return Volume(numbers[np.argmax(shares, axis=0)].astype(np.uint8), grid.affine)


def scan_classes(array: np.ndarray, rule: LabelRule, where: object) -> np.ndarray:
    """Class numbers of a label map: its numbers, `levels` of them, or (one structure) whatever is not 0, or not below
    the threshold.

    Raises:
        MaskwrightError: a number that no class has.
    """
    hidden = array == rule.ignore if rule.ignore is not None else None
    if rule.format in ("binary", "instances"):
        found = (array >= (rule.threshold or 1)).astype(np.uint8)
    else:
        codes = rule.levels if rule.format == "grey" else range(rule.classes)
        table = np.full(int(array.max(initial=0)) + 1, IGNORED, np.uint8)
        for number, code in enumerate(codes):
            if code < len(table):
                table[code] = min(number, rule.classes - 1)  # one structure may have several numbers
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
