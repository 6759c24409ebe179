"""Whole scans through a network for slices: a mask on the scan's own voxels, in bounded memory.

In memory are the scan, its mask (a byte a voxel), and the slices of a few batches; probabilities are decided slice by
slice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from maskwright.config.schema import PredictSection
from maskwright.data.neighbours import input_from
from maskwright.data.preprocess import InputRule, adjust, normalize
from maskwright.errors import MaskwrightError
from maskwright.inference.engines import Engine, Ensemble
from maskwright.inference.masks import decide
from maskwright.inference.postprocess import clean
from maskwright.inference.slices import Picture, full_probabilities, run_batches
from maskwright.volumes import Volume
from maskwright.volumes.orient import reorient
from maskwright.volumes.window import limits, to_grey


@dataclass(frozen=True)
class Segmented:
    """The label map of a scan, on its voxels; of an ensemble also each class's ml by each member."""

    labels: Volume
    members: list[dict[int, float]]


def predict_scan(
    engine: Engine,
    scan: Volume,
    options: PredictSection,
    *,
    tiled: bool = False,
    step: Callable[[], None] = lambda: None,
) -> Segmented:
    """Segment a scan, slice by slice.

    Args:
        step: called after each slice.

    Returns:
        A label map of the scan's shape and affine.

    Raises:
        MaskwrightError: the model does not know how slices are made of scans, or the scan has channels.
    """
    rule = engine.metadata.input_rule
    turned = _turned(scan, rule, options)
    low, high = limits(options.window or rule.window, turned.array)
    depth = 8 if rule.dtype == "uint8" else 16
    count = len(turned.array)

    # As many slices as a batch and its neighbours need; each is windowed once.
    @lru_cache(maxsize=2 * options.batch_size + 2 * rule.neighbours + 8)
    def own(index: int) -> np.ndarray:
        return adjust(to_grey(turned.array[index], low, high, depth), rule)

    def load(index: int) -> Picture:
        around = range(index - rule.neighbours, index + rule.neighbours + 1)
        levels = np.concatenate([own(min(max(place, 0), count - 1)) for place in around], axis=2)
        return Picture(turned.array[index], levels, normalize(input_from(levels, rule), rule))

    runner = _Members(engine) if isinstance(engine, Ensemble) else engine
    label = np.zeros(turned.array.shape, np.uint8)
    members: list[np.ndarray] = []
    for index, item, small in run_batches(runner, range(count), load, lambda item: item.inputs, options.batch_size):
        if isinstance(item, MaskwrightError):
            raise item
        if isinstance(runner, _Members) and not tiled:
            assert small is not None
            each = [full_probabilities(engine, item, one, options, tiled=False) for one in runner.split(small)]
            found = np.asarray(np.mean(each, axis=0, dtype=np.float32))
            members.append(np.array([_counts(decide(one, options.threshold), engine) for one in each]))
        else:
            found = full_probabilities(engine, item, small, options, tiled=tiled)
        label[index] = decide(found, options.threshold)
        step()
    cleaned = clean(label, options.postprocess, turned.grid.spacing)
    back = reorient(turned.with_array(cleaned), scan.grid.orientation)
    labels = Volume(np.ascontiguousarray(back.array), scan.affine, "SEG")
    return Segmented(labels, _millilitres(members, scan.grid.voxel_ml))


def _turned(scan: Volume, rule: InputRule, options: PredictSection) -> Volume:
    if not (options.window or rule.window):
        raise MaskwrightError(
            "does not know through which window its slices were made, and cannot make them of a scan",
            where="the model",
            fix="Give predict.window (--set predict.window=abdomen), or set data.window and train again.",
        )
    if scan.array.ndim != 3:
        raise MaskwrightError(
            f"has {scan.array.shape[3]} channels", where=scan.name, fix="The model takes scans of one value a voxel."
        )
    if rule.dtype not in ("uint8", "uint16"):
        raise MaskwrightError(
            f"learnt from {rule.dtype} pictures, and slices of scans are 8 or 16 bits deep",
            where="the model",
            fix="Train on pictures that `maskwright prepare` makes.",
        )
    return reorient(scan, rule.orientation)


class _Members:
    """An ensemble whose members' probabilities lie side by side along the channels, to be told apart again."""

    def __init__(self, ensemble: Ensemble) -> None:
        self.ensemble, self.metadata = ensemble, ensemble.metadata

    def probabilities(self, inputs: np.ndarray, batch_size: int | None = None) -> np.ndarray:
        return np.concatenate(list(self.ensemble.each(inputs, batch_size)), axis=-1)

    def split(self, found: np.ndarray) -> list[np.ndarray]:
        return [np.ascontiguousarray(part) for part in np.split(found, len(self.ensemble.engines), axis=-1)]


def _counts(label: np.ndarray, engine: Engine) -> np.ndarray:
    return np.bincount(label.ravel(), minlength=engine.metadata.label_rule.classes)


def _millilitres(members: list[np.ndarray], voxel_ml: float) -> list[dict[int, float]]:
    if not members:
        return []
    totals = np.sum(members, axis=0)  # (members, classes)
    return [{number: float(count) * voxel_ml for number, count in enumerate(row) if number} for row in totals]


def confidence(members: list[dict[int, float]]) -> dict[int, dict[str, Any]]:
    """For each class the members' ml, their deviation, and that as a share of their mean."""
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
