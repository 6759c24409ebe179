"""The probabilities of a whole scan, some slices at a time, on its own voxels; from slices or from volumes.

In memory are the scan (for volumes also as the network sees it) and a few batches. Probabilities of slices are handed
on slice by slice; those of volumes lie in a temporary file, with 16 bits each, until all windows over them are done.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

import numpy as np

from maskwright.config.schema import PredictSection
from maskwright.data.model_space import to_model
from maskwright.data.preprocess import InputRule, adjust
from maskwright.errors import MaskwrightError
from maskwright.inference.engines import Engine, Ensemble
from maskwright.inference.restored import restored
from maskwright.inference.slices import Picture, full_probabilities, picture, run_batches
from maskwright.inference.windows import slabs
from maskwright.volumes import Volume
from maskwright.volumes.body import body_box
from maskwright.volumes.orient import reorient
from maskwright.volumes.window import limits, to_grey

Blocks = Iterator[tuple[slice, np.ndarray]]


def blocks(engine: Engine, scan: Volume, options: PredictSection, *, tiled: bool = False) -> Blocks:
    """Probabilities of a scan that is turned to the network's orientation.

    Yields:
        Slices of the turned scan, from the first to the last that the network sees, and their probabilities
        `(N, d, H, W, K)` float32 by each of N models: one, or the members of an ensemble.

    Raises:
        MaskwrightError: the model does not know how its input is made of a scan, or the scan has other channels.
    """
    rule = engine.metadata.input_rule
    rule = replace(rule, window=options.window or rule.window)
    return _of_volumes(engine, scan, rule, options) if rule.depth else _of_slices(engine, scan, rule, options, tiled)


def _of_slices(engine: Engine, scan: Volume, rule: InputRule, options: PredictSection, tiled: bool) -> Blocks:
    _require_slices(scan, rule)
    turned = reorient(scan, rule.orientation)
    low, high = limits(rule.window, turned.array)
    depth = 8 if rule.dtype == "uint8" else 16
    box = body_box(turned, rule.body_border) if rule.body_border is not None else np.s_[:, :, :]
    place = _Placed(turned, box, engine)
    array = turned.array[box]
    count, spacing = len(array), turned.grid.spacing[1:]

    # As many slices as a batch and its neighbours need; each is windowed once.
    @lru_cache(maxsize=2 * options.batch_size + 2 * rule.neighbours + 8)
    def own(index: int) -> np.ndarray:
        return adjust(to_grey(array[index], low, high, depth), rule)

    def load(index: int) -> Picture:
        around = range(index - rule.neighbours, index + rule.neighbours + 1)
        levels = np.concatenate([own(min(max(one, 0), count - 1)) for one in around], axis=2)
        return picture(array[index], levels, rule, scan.name, spacing)

    members = list(engine.engines) if isinstance(engine, Ensemble) else [engine]
    if tiled:
        for index in range(count):
            seen = load(index)
            each = [full_probabilities(one, seen, None, options, tiled=True) for one in members]
            yield place(index, np.stack(each))
        return
    runner = _SideBySide(engine) if isinstance(engine, Ensemble) else engine
    for index, item, small in run_batches(runner, range(count), load, lambda item: item, options.batch_size):
        if isinstance(item, MaskwrightError):
            raise item
        assert small is not None
        parts = np.split(small, len(members), axis=-1)
        each = [full_probabilities(engine, item, np.ascontiguousarray(one), options, tiled=False) for one in parts]
        yield place(index, np.stack(each))


def _of_volumes(engine: Engine, scan: Volume, rule: InputRule, options: PredictSection) -> Blocks:
    seen, turned = to_model(scan, rule), reorient(scan, rule.orientation)
    runner = _SideBySide(engine) if isinstance(engine, Ensemble) else engine
    count = len(engine.engines) if isinstance(engine, Ensemble) else 1
    with tempfile.TemporaryFile() as file:
        shape = (*seen.array.shape[:3], count * engine.metadata.channels)
        kept = np.memmap(file, np.float16, "w+", shape=shape)
        for first, found in slabs(runner, seen.array, options.volume_batch_size):
            kept[first : first + len(found)] = found
        for rows, block in restored(kept, seen.grid, turned.grid):
            yield rows, np.stack(np.split(block, count, axis=-1))
        del kept


class _Placed:
    """Probabilities of a part of each slice put where they belong; what lies around it is background for certain."""

    def __init__(self, turned: Volume, box: tuple[slice, slice, slice], engine: Engine) -> None:
        self.first = box[0].start or 0
        self.area, self.shape = box[1:], turned.array.shape[1:3]
        self.classes = engine.metadata.channels > 1 and not engine.metadata.label_rule.regions

    def __call__(self, index: int, found: np.ndarray) -> tuple[slice, np.ndarray]:
        """Slices of the scan and `(N, 1, H, W, K)`, of `(N, h, w, K)` of one slice of the part."""
        rows = slice(self.first + index, self.first + index + 1)
        if found.shape[1:3] == self.shape:
            return rows, found[:, None]
        whole = np.zeros((len(found), 1, *self.shape, found.shape[-1]), np.float32)
        if self.classes:
            whole[..., 0] = 1
        whole[:, 0, self.area[0], self.area[1]] = found
        return rows, whole


def _require_slices(scan: Volume, rule: InputRule) -> None:
    if not rule.window:
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


class _SideBySide:
    """An ensemble whose members' probabilities lie side by side along the channels, to be told apart again."""

    def __init__(self, ensemble: Ensemble) -> None:
        self.ensemble = ensemble
        one = ensemble.metadata
        self.metadata = replace(one, channels=one.channels * len(ensemble.engines))

    def probabilities(self, inputs: np.ndarray, batch_size: int | None = None) -> np.ndarray:
        return np.concatenate(list(self.ensemble.each(inputs, batch_size)), axis=-1)
