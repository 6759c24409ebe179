"""One picture or scan that lies in memory, segmented: what the service and a notebook do alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from maskwright.config.schema import PredictSection
from maskwright.data.levels import settled_for
from maskwright.data.preprocess import adjust
from maskwright.data.resolution import Spacing
from maskwright.errors import MaskwrightError
from maskwright.inference.engines import Engine
from maskwright.inference.scans import label_names, measures
from maskwright.inference.slices import found_in, picture
from maskwright.inference.volumes import predict_scan
from maskwright.labels.regions import inside as is_inside
from maskwright.models.metadata import Metadata
from maskwright.volumes import Volume
from maskwright.volumes.orient import reorient


@dataclass(frozen=True)
class Labelled:
    """What was found.

    Attributes:
        labels: class numbers, `(H, W)` or a label map on the scan's voxels. image: the picture, or the scan.
        names: of the label numbers. structures: measures of each label by its number, or of each region by its name.
        probabilities: `(H, W, K)` of a picture, `(D, H, W, K)` of a scan on its own voxels; None where not kept.
    """

    labels: np.ndarray | Volume
    image: np.ndarray | Volume
    names: dict[int, str]
    structures: dict[str, dict[str, Any]]
    probabilities: np.ndarray | None = None


def label_picture(
    engine: Engine,
    image: np.ndarray,
    options: PredictSection,
    *,
    where: object,
    spacing: Spacing | None = None,
    keep_probabilities: bool = False,
) -> Labelled:
    """Segment a decoded picture, a set by itself; it stands in for its neighbours where the model sees them too.

    Args:
        image: `(H, W)` or `(H, W, C)`, uint8, uint16 or float32. where: what it is, for messages.
        spacing: size of its pixels in mm, from row to row and from column to column, where the model's scale is of mm.
        keep_probabilities: hold them too, 4 bytes a pixel and channel.

    Raises:
        MaskwrightError: it has other channels than the network, or must be seen whole and is larger than its input.
    """
    metadata = engine.metadata
    rule = settled_for(metadata.input_rule, image, options.levels)
    levels = np.concatenate([adjust(image, rule, where)] * (2 * rule.neighbours + 1), axis=2)
    seen = picture(image, levels, rule, where, spacing)
    label, probabilities = found_in(engine, seen, options)
    structures = {
        key: {"name": name, "pixels": int(inside.sum()), "share": float(inside.mean())}
        for key, name, inside in structures_in(label, metadata)
    }
    kept = probabilities if keep_probabilities else None
    return Labelled(label, image, label_names(metadata), structures, kept)


def structure_names(metadata: Metadata) -> dict[str, str]:
    """The keys of `Labelled.structures` and their names: classes by their numbers, regions by their names."""
    names = metadata.class_names[1:]
    if metadata.label_rule.regions:
        return {name: name for name in names}
    return {str(number): name for number, name in enumerate(names, start=1)}


def structures_in(label: np.ndarray, metadata: Metadata) -> Iterator[tuple[str, str, np.ndarray]]:
    """Key, name and pixels of each structure of a picture's label."""
    regions = metadata.label_rule.regions
    for place, (key, name) in enumerate(structure_names(metadata).items()):
        yield key, name, is_inside(label, regions[place]) if regions else label == place + 1


def label_scan(
    engine: Engine,
    scan: Volume,
    options: PredictSection,
    *,
    keep_probabilities: bool = False,
    step: Callable[[], None] = lambda: None,
) -> Labelled:
    """Segment a scan, and measure what was found.

    Args:
        keep_probabilities: hold those of all voxels, 4 bytes a voxel and channel. step: called after each slice.

    Raises:
        MaskwrightError: as `predict_scan`.
    """
    turned = reorient(scan, engine.metadata.input_rule.orientation)
    kept = _background(turned, engine) if keep_probabilities else None

    def see(rows: slice, found: np.ndarray) -> None:
        if kept is not None:
            kept[rows] = found

    found = predict_scan(engine, scan, options, step=step, see=see)
    own = None if kept is None else reorient(turned.with_array(kept), scan.grid.orientation).array
    names = label_names(engine.metadata)
    return Labelled(found.labels, scan, names, measures(found, scan, engine.metadata), own)


def _background(turned: Volume, engine: Engine) -> np.ndarray:
    """Room for probabilities, of background wherever the network does not look."""
    metadata = engine.metadata
    try:
        room = np.zeros((*turned.grid.shape, metadata.channels), np.float32)
    except MemoryError:
        raise MaskwrightError(
            f"has {np.prod(turned.grid.shape):,} voxels, whose probabilities do not fit into memory",
            where=turned.name,
            fix="Leave probabilities out.",
        ) from None
    if metadata.channels > 1 and not metadata.label_rule.regions:
        room[..., 0] = 1
    return room
