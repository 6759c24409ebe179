"""Whole scans through a network for slices or for volumes: a mask on the scan's own voxels, in bounded memory.

In memory are the scan (for volumes also as the network sees it), its mask (a byte a voxel), and a few batches.
Probabilities of slices are decided slice by slice; those of volumes lie in a temporary file, with 16 bits each.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from maskwright.config.schema import PredictSection
from maskwright.data.model_space import to_model
from maskwright.data.neighbours import input_from
from maskwright.data.preprocess import InputRule, adjust, normalize
from maskwright.errors import MaskwrightError
from maskwright.inference.engines import Engine, Ensemble
from maskwright.inference.masks import decide
from maskwright.inference.postprocess import clean
from maskwright.inference.restored import decided
from maskwright.inference.slices import Picture, full_probabilities, run_batches
from maskwright.inference.windows import slabs
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
    """Segment a scan: slice by slice, or window by window where the network takes volumes.

    Args:
        step: called after each slice.

    Returns:
        A label map of the scan's shape and affine.

    Raises:
        MaskwrightError: the model does not know how slices are made of scans, or the scan has channels.
    """
    rule = engine.metadata.input_rule
    if rule.depth:
        return _predict_volume(engine, scan, options, step)
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


def _predict_volume(engine: Engine, scan: Volume, options: PredictSection, step: Callable[[], None]) -> Segmented:
    rule = replace(engine.metadata.input_rule, window=options.window or engine.metadata.input_rule.window)
    seen, turned = to_model(scan, rule), reorient(scan, rule.orientation)
    runner = _Members(engine) if isinstance(engine, Ensemble) else engine
    count = len(engine.engines) if isinstance(engine, Ensemble) else 1
    label = np.zeros(turned.array.shape, np.uint8)
    members: list[np.ndarray] = []
    channels = engine.metadata.channels
    with tempfile.TemporaryFile() as file:
        shape = (*seen.array.shape, count * channels)
        kept = np.memmap(file, np.float16, "w+", shape=shape)
        for first, found in slabs(runner, seen.array, options.volume_batch_size):
            kept[first : first + len(found)] = found
        parts = [kept[..., place * channels : (place + 1) * channels] for place in range(count)]
        whole = parts[0] if count == 1 else _Mean(parts)
        for rows, numbers in decided(whole, seen.grid, turned.grid, options.threshold):  # type: ignore[arg-type]
            label[rows] = numbers
            for _ in range(rows.stop - rows.start):
                step()
        for part in parts if count > 1 else []:
            counts = [
                _counts(numbers, engine) for _, numbers in decided(part, seen.grid, turned.grid, options.threshold)
            ]
            members.append(np.sum(counts, axis=0))
        del kept, parts, whole
    cleaned = clean(label, options.postprocess, turned.grid.spacing)
    back = reorient(turned.with_array(cleaned), scan.grid.orientation)
    labels = Volume(np.ascontiguousarray(back.array), scan.affine, "SEG")
    return Segmented(labels, _millilitres([np.array(members)] if members else [], scan.grid.voxel_ml))


class _Mean:
    """The mean of several arrays in files, read a part at a time."""

    def __init__(self, parts: list[np.ndarray]) -> None:
        self.parts, self.shape = parts, parts[0].shape

    def __getitem__(self, rows: slice) -> np.ndarray:
        return np.mean([np.asarray(part[rows], np.float32) for part in self.parts], axis=0)


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
        self.ensemble = ensemble
        one = ensemble.metadata
        self.metadata = replace(one, channels=one.channels * len(ensemble.engines))

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
