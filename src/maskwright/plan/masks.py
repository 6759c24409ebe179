"""What masks mean, and why that was decided, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from maskwright.config import Configuration
from maskwright.data.dataset import LOOKED_AT
from maskwright.data.images import read_image
from maskwright.data.label_rules import decide_rule
from maskwright.data.labels import LabelRule
from maskwright.data.pairs import Pair

_MOST_LEVELS = 12


def decide(config: Configuration, pairs: Sequence[Pair]) -> tuple[LabelRule, str]:
    """The rule for masks and the reason for it: a key of the configuration, or the levels that some masks hold.

    Raises:
        MaskwrightError: as `decide_rule`.
    """
    levels: set[float] = set()

    def masks() -> Iterator[np.ndarray]:
        for index in np.unique(np.linspace(0, len(pairs) - 1, LOOKED_AT).astype(int)):
            mask = read_image(pairs[index].mask, palette=True)
            if mask.ndim == 2:
                levels.update(np.unique(mask).tolist())
            yield mask

    rule = decide_rule(config.mask, config.model.num_classes, masks())
    return rule, _why(config, rule, levels)


def _why(config: Configuration, rule: LabelRule, levels: set[float]) -> str:
    section, meaning = config.mask, _meaning(rule)
    for key in ("regions", "colors", "levels", "threshold", "algorithm"):
        if getattr(section, key):
            return f"mask.{key} is set: {meaning}"
    if section.format != "auto":
        return f'mask.format is "{section.format}": {meaning}'
    shown = ", ".join(f"{level:g}" for level in sorted(levels)[:_MOST_LEVELS])
    more = f" and {len(levels) - _MOST_LEVELS} more levels" if len(levels) > _MOST_LEVELS else ""
    return f"masks hold {shown or 'colours'}{more}: {meaning}"


def _meaning(rule: LabelRule) -> str:
    hidden = f"; {rule.ignore} is left out" if rule.ignore is not None else ""
    if rule.format == "binary":
        if rule.algorithm:
            return f"foreground is what lies over the threshold of each mask ({rule.algorithm}){hidden}"
        start = "half the range" if rule.threshold is None else f"level {rule.threshold}"
        return f"foreground from {start} on{hidden}"
    if rule.format == "index":
        return f"levels are class numbers{hidden}"
    codes = rule.colors if rule.format == "color" else rule.levels
    return f"the classes are {', '.join(map(str, codes))}{hidden}"
