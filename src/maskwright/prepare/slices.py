"""Cutting a case into slices."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np

from maskwright.config.schema import PrepareSection
from maskwright.data.preprocess import resize, resize_label
from maskwright.errors import MaskwrightError
from maskwright.prepare.scan_labels import structure
from maskwright.volumes import Volume
from maskwright.volumes.body import body_box, box_around
from maskwright.volumes.orient import reorient
from maskwright.volumes.window import limits, to_grey


@dataclass(frozen=True)
class Slice:
    """One picture: its place along the scan, image and mask (class numbers) `(H, W)`, and its centre crop's margin."""

    index: int
    image: np.ndarray = field(repr=False)
    mask: np.ndarray = field(repr=False)
    crop: int | None = None


@dataclass(frozen=True)
class Cut:
    """All slices of a case, and what puts them back: the turned grid, the box in it and the window.

    `facts["not_whole"]` says what was left out or added by the truth or for training; empty for a whole scan.
    """

    slices: list[Slice]
    facts: dict[str, Any]


def cut(scan: Volume, labels: Volume, options: PrepareSection, *, training: bool) -> Cut:
    """Slices of a scan, turned, cropped, windowed and chosen as the options say.

    Args:
        training: leave out empty slices, cut around the structures and add centre crops, as the options say. What is
            scored is never chosen by its truth, so all else gets every slice, whole, or cut to the body.

    Raises:
        MaskwrightError: a crop margin that leaves nothing.
    """
    scan, labels = reorient(scan, options.orientation), reorient(labels, options.orientation)
    if not training:
        options = whole(options)
    box = _box(scan, labels, options)
    image, mask = scan.array[box], np.ascontiguousarray(labels.array[box])
    low, high = limits(options.window, scan.array)
    chosen = choose(np.asarray(structure(mask).any(axis=(1, 2))), options.empty_share)
    margins = options.crop_margins if options.center_crops else []
    height, width = options.image_height or image.shape[1], options.image_width or image.shape[2]
    found = []
    for index in chosen:
        grey = to_grey(image[index], low, high, options.depth)
        picture = resize(grey[..., None], height, width, "area")[..., 0]
        marks = resize_label(mask[index], height, width)
        found.append(Slice(index + box[0].start, picture, marks))
        for margin in margins:
            found.append(_center(found[-1], margin))
    reasons = {
        f"{len(chosen)} of {len(mask)} slices kept": len(chosen) < len(mask),
        "cut to the box around the structures": options.crop == "structures" and mask.shape != scan.array.shape,
        "centre crops added": bool(margins),
    }
    facts = {
        "shape": list(scan.grid.shape),
        "affine": scan.affine.tolist(),
        "orientation": options.orientation,
        "box": [[part.start, part.stop] for part in box],
        "size": [height, width],
        "window": [low, high],
        "modality": scan.modality,
        "crop": options.crop,
        "not_whole": [reason for reason, true in reasons.items() if true],
    }
    return Cut(sorted(found, key=lambda one: (one.crop or 0, one.index)), facts)


def whole(options: PrepareSection) -> PrepareSection:
    """The options for patients that are scored: every slice, and no crop by the truth."""
    crop = "none" if options.crop == "structures" else options.crop
    return options.model_copy(update={"empty_share": 1.0, "crop": crop, "center_crops": False})


def choose(filled: np.ndarray, empty_share: float) -> list[int]:
    """Which slices are kept: all with a structure, and so many without, evenly spread, that they are that share."""
    full, empty = np.flatnonzero(filled), np.flatnonzero(~filled)
    if empty_share < 1:
        wanted = round(len(full) * empty_share / (1 - empty_share))
        places = np.linspace(0, len(empty) - 1, min(wanted, len(empty)))
        empty = empty[np.unique(np.rint(places).astype(int))] if len(empty) and wanted else empty[:0]
    return sorted([*full.tolist(), *empty.tolist()])


def _center(whole: Slice, margin: int) -> Slice:
    height, width = whole.image.shape
    if 2 * margin >= min(height, width) - 8:
        raise MaskwrightError(
            f"{margin} px leave nothing of {width} x {height}", where="[prepare] crop_margins", fix="Name smaller ones."
        )
    area = np.s_[margin : height - margin, margin : width - margin]
    image = cv2.resize(whole.image[area], (width, height), interpolation=cv2.INTER_LINEAR)
    return Slice(whole.index, image, resize_label(np.ascontiguousarray(whole.mask[area]), height, width), margin)


def _box(scan: Volume, labels: Volume, options: PrepareSection) -> tuple[slice, slice, slice]:
    """The part of the turned scan that is kept; whole slices where it is not cropped."""
    if options.crop == "body":
        return body_box(scan, options.crop_border)
    inside = structure(labels.array) if options.crop == "structures" else np.zeros((1, 1, 1), bool)
    return box_around(inside, scan.grid, options.crop_border)
