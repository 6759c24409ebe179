"""Whole scans through a network for slices or for volumes: a mask on the scan's own voxels, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from maskwright.config.schema import PredictSection
from maskwright.inference.blocks import blocks
from maskwright.inference.decision import decision
from maskwright.inference.engines import Engine
from maskwright.inference.postprocess import cleaning
from maskwright.volumes import Volume
from maskwright.volumes.orient import reorient


@dataclass(frozen=True)
class Segmented:
    """The label map of a scan, on its voxels; of an ensemble also each class's (or region's) ml by each member."""

    labels: Volume
    members: list[dict[int, float]]


def predict_scan(
    engine: Engine,
    scan: Volume,
    options: PredictSection,
    *,
    tiled: bool = False,
    step: Callable[[], None] = lambda: None,
    see: Callable[[slice, np.ndarray], None] | None = None,
) -> Segmented:
    """Segment a scan: slice by slice, or window by window where the network takes volumes.

    Args:
        step: called after each slice.
        see: called with slices of the scan, turned to the network's orientation, and their probabilities.

    Returns:
        A label map of the scan's shape and affine.

    Raises:
        MaskwrightError: as `blocks`, or thresholds that do not fit the classes.
    """
    decide, rule = decision(engine.metadata, options), engine.metadata.label_rule
    clean = cleaning(engine.metadata, options.postprocess)
    turned = reorient(scan, engine.metadata.input_rule.orientation)
    label = np.zeros(turned.grid.shape, np.uint8)
    members: list[np.ndarray] = []  # of each block, each member's pixels of each class
    for rows, each in blocks(engine, scan, options, tiled=tiled):
        mean = each.mean(axis=0) if len(each) > 1 else each[0]
        label[rows] = decide(mean)
        if see:
            see(rows, mean)
        if len(each) > 1:
            members.append(np.array([rule.pixels(decide(one)) for one in each]))
        for _ in range(rows.stop - rows.start):
            step()
    cleaned = clean(label, turned.grid.spacing)
    back = reorient(turned.with_array(cleaned), scan.grid.orientation)
    labels = Volume(np.ascontiguousarray(back.array), scan.affine, "SEG")
    return Segmented(labels, _millilitres(members, scan.grid.voxel_ml))


def _millilitres(members: list[np.ndarray], voxel_ml: float) -> list[dict[int, float]]:
    if not members:
        return []
    totals = np.sum(members, axis=0)  # (members, classes)
    return [{number: float(count) * voxel_ml for number, count in enumerate(row) if number} for row in totals]


def confidence(members: list[dict[int, float]]) -> dict[int, dict[str, Any]]:
    """For each class (or region) the members' ml, their deviation, and that as a share of their mean."""
    found = {}
    for number in members[0] if members else []:
        values = [one[number] for one in members]
        mean, deviation = float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
        found[number] = {
            "members_ml": values,
            "std_ml": deviation,
            "relative_std": deviation / mean if mean else None,
        }
    return found
