"""Pictures at a scale of their own, whole, for patches of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import partial

import numpy as np

from maskwright.config.schema import DataSection
from maskwright.data.cache import entry_name
from maskwright.data.pairs import Pair
from maskwright.data.part import PartFiles
from maskwright.data.preprocess import InputRule, adjust, resize_label, to_floats
from maskwright.data.records import Record, read_pair
from maskwright.data.resolution import Spacing, spacing_for
from maskwright.data.scale import filled, require_fitting, seen, seen_size
from maskwright.data.wholes import Arrays, Wholes, open_wholes
from maskwright.errors import MaskwrightError, together
from maskwright.labels.regions import IGNORED
from maskwright.labels.rule import LabelRule

_VERSION = 1
# Of the rule: what changes nothing of a single picture.
_BESIDE = ("neighbours", "slice_pattern", "window", "orientation", "body_border", "spacing", "fit", "depth")


def make(pair: Pair, label: LabelRule, rule: InputRule) -> Arrays:
    """A picture `(H, W, C)` and its label `(H, W)` at the network's scale, as large as its input at least.

    Levels are those of the file, or normalised where that goes by the whole picture.

    Raises:
        MaskwrightError: one cannot be read, or they do not belong together.
    """
    image, truth = read_pair(pair, label)
    levels = seen(adjust(image, rule, pair.image), rule, pair.image, spacing_for(pair.image, rule))
    marks = resize_label(truth, *levels.shape[:2])
    if rule.normalized_before:
        levels = to_floats(levels, rule)
    return filled(levels, rule), filled(marks, rule, IGNORED)


def open_pictures(
    part: PartFiles,
    label: LabelRule,
    rule: InputRule,
    data: DataSection,
    *,
    say: Callable[[str], None] = lambda message: None,
    step: Callable[[], None] = lambda: None,
) -> Wholes:
    """The pictures of a part.

    Raises:
        MaskwrightError: pictures that are larger than the network and must be seen whole (all are listed).
    """
    errors, sizes = [], []
    for pair, record in zip(part.pairs, part.records, strict=True):
        try:
            spacing = spacing_for(pair.image, rule)
            require_fitting((record.height, record.width), rule, pair.image, spacing)
            sizes.append(entry_size(record, rule, spacing))
        except MaskwrightError as error:
            errors.append(error)
    if errors:
        raise together(errors, f"{len(part.pairs)} pairs")
    settings = {name: value for name, value in asdict(rule).items() if name not in _BESIDE}
    names = [entry_name("picture", _VERSION, list(files), asdict(label), settings) for files in part.hashes]
    made = partial(make, label=label, rule=rule)
    return open_wholes(part.pairs, made, sizes, names, data, what="decoded pictures", say=say, step=step)


def entry_size(record: Record, rule: InputRule, spacing: Spacing | None = None) -> int:
    """How many bytes a picture takes at the network's scale."""
    height, width = seen_size((record.height, record.width), rule, spacing)
    depth = np.dtype("float32" if rule.normalized_before else rule.dtype).itemsize
    return max(height, rule.height) * max(width, rule.width) * (depth * rule.channels + 1) + 1000
