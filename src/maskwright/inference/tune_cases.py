"""What settings are chosen on: probabilities and truth of every case, in files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from maskwright.config import Configuration
from maskwright.data.model_space import scan_classes
from maskwright.data.pairs import Pair
from maskwright.data.records import complete, read_pair
from maskwright.errors import MaskwrightError
from maskwright.inference.blocks import blocks
from maskwright.inference.engines import Engine
from maskwright.inference.slices import Picture, as_picture, full_probabilities, rule_of_set, run_batches
from maskwright.inference.tune import Case, keep_case
from maskwright.progress import Reporter
from maskwright.volumes.channels import read_channels
from maskwright.volumes.orient import reorient
from maskwright.volumes.read import read_labels


def picture_cases(
    engine: Engine, pairs: Sequence[Pair], config: Configuration, folder: Path, reporter: Reporter
) -> list[Case]:
    """Pictures, at their own size.

    Raises:
        MaskwrightError: pairs that cannot be used; all are listed.
    """
    metadata, options = engine.metadata, config.predict
    rule = rule_of_set(engine, [pair.images for pair in pairs], options, reporter.say)

    def load(pair: Pair) -> tuple[Picture, np.ndarray]:
        image, label = read_pair(pair, metadata.label_rule)
        return as_picture(pair.image, image, rule), label

    found = []
    stream = run_batches(engine, pairs, load, lambda item: item[0], options.batch_size)
    with reporter.task("predicting", len(pairs), "images") as advance:
        for number, (pair, item, small) in enumerate(stream):
            if isinstance(item, MaskwrightError):
                raise complete(item, pairs)
            full = full_probabilities(engine, item[0], small, options, tiled=False)
            paths = keep_case(folder, number, [(slice(None), full)], item[1])
            found.append(Case(pair.name, pair.patient, *paths))
            advance()
    return found


def scan_cases(
    engine: Engine, pairs: Sequence[Pair], config: Configuration, folder: Path, reporter: Reporter
) -> list[Case]:
    """Scans, on their own voxels, turned to the network's orientation.

    Raises:
        MaskwrightError: a scan or label map that cannot be used.
    """
    metadata, found = engine.metadata, []
    with reporter.task("predicting", len(pairs), "scans") as advance:
        for number, pair in enumerate(pairs):
            scan = read_channels(pair.images)
            labels = read_labels(pair.mask, scan)
            classes = labels.with_array(scan_classes(labels.array, metadata.label_rule, pair.mask))
            turned = reorient(classes, metadata.input_rule.orientation)
            paths = keep_case(folder, number, _means(engine, scan, config), np.ascontiguousarray(turned.array))
            found.append(Case(pair.name, pair.patient, *paths, turned.grid.spacing))
            advance()
    return found


def _means(engine: Engine, scan: Any, config: Configuration) -> Iterator[tuple[slice, np.ndarray]]:
    for rows, each in blocks(engine, scan, config.predict):
        yield rows, each.mean(axis=0)
