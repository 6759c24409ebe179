"""Scans in the space of a network for volumes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import partial

import numpy as np

from maskwright.config.schema import DataSection
from maskwright.data.cache import entry_name
from maskwright.data.model_space import labels_to_model, scan_classes, to_model
from maskwright.data.pairs import Pair
from maskwright.data.part import PartFiles
from maskwright.data.preprocess import InputRule
from maskwright.data.records import Record
from maskwright.data.wholes import Arrays, Wholes, open_wholes
from maskwright.labels.rule import LabelRule
from maskwright.volumes.channels import read_channels
from maskwright.volumes.read import read_labels

_VERSION = 3


def make(pair: Pair, label: LabelRule, rule: InputRule) -> Arrays:
    """A scan and its label map as the network sees them: turned, on one spacing, normalised.

    Raises:
        MaskwrightError: one cannot be read, or they do not belong together.
    """
    scan = read_channels(pair.images)
    truth = read_labels(pair.mask, scan)
    classes = truth.with_array(scan_classes(truth.array, label, pair.mask))
    return to_model(scan, rule).array, labels_to_model(classes, rule).array


def open_scans(
    part: PartFiles,
    label: LabelRule,
    rule: InputRule,
    data: DataSection,
    *,
    say: Callable[[str], None] = lambda message: None,
    step: Callable[[], None] = lambda: None,
) -> Wholes:
    """The scans of a part: images `(D, H, W, C)` float32 and labels `(D, H, W)` uint8.

    Raises:
        MaskwrightError: a scan that cannot be used.
    """
    space = {
        "orientation": rule.orientation,
        "spacing": rule.spacing,
        "window": rule.window,
        "channels": rule.channels,
        "label": asdict(label),
    }
    names = [entry_name("scan", _VERSION, list(files), space) for files in part.hashes]
    sizes = [entry_size(record, rule) for record in part.records]
    made = partial(make, label=label, rule=rule)
    return open_wholes(part.pairs, made, sizes, names, data, what="scans", say=say, step=step)


def entry_size(record: Record, rule: InputRule) -> int:
    """About how many bytes a scan takes in the network's space."""
    shape = (record.depth, record.height, record.width)
    steps = rule.spacing or record.spacing
    voxels = np.prod([edge * own / step for edge, own, step in zip(shape, record.spacing, steps, strict=True)])
    return int(voxels * (4 * rule.channels + 1)) + 1000
