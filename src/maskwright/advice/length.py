"""How many epochs of how many steps: by what there is to learn from, or by the time that there is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Protocol

from maskwright.advice.choices import STEPS, Choice, in_pixels
from maskwright.advice.facts import Facts

SHARE = 0.85  # of the time that steps and validation take; the rest is for what else the machine does
EPOCHS = 30  # that a training within a budget should have, so that the best can be chosen among some
FEWEST, MOST = 20, 300
_LEARNT = 0.7  # of what is split by drawing: training
_VALIDATED = 0.15


class Pace(Protocol):
    """Seconds: until the first step is done, for a step, and to predict a batch."""

    @property
    def start(self) -> float:
        """Building and compiling."""

    @property
    def step(self) -> float:
        """A step of training."""

    @property
    def prediction(self) -> float:
        """A batch."""


def _windows(facts: Facts, keys: Mapping[str, Any], part: str) -> float:
    """Inputs of the network that cover a part once."""
    source, share = part, 1.0
    if part not in facts.records:
        source = "all" if "all" in facts.records else "train"
        share = _VALIDATED if part == "valid" else _LEARNT if "all" in facts.records else 1 - _VALIDATED
    if facts.layout.scans:
        return share * len(facts.records[source]) * (1 if part == "train" else 4)
    unit, edges = keys.get("data.pixel_unit", "px"), (keys["model.image_height"], keys["model.image_width"])
    scale = in_pixels(facts, keys.get("data.pixel_size", 1.0), unit)
    sizes = facts.sizes(source, measured=unit != "px")
    total = sum(math.prod(math.ceil(side / scale / edge) for side, edge in zip(size, edges, strict=True))
                for size in sizes)  # fmt: skip
    return share * total


def length(facts: Facts, chosen: list[Choice], minutes: float | None, pace: Pace | None) -> list[Choice]:
    """Epochs, and steps of one where not every picture is in each.

    Args:
        minutes: that the training may take. pace: of the chosen network on this machine, where there is such a limit.
    """
    keys = {choice.key: choice.value for choice in chosen}
    batch = keys["train.batch_size"]
    steps = max(1, math.ceil(_windows(facts, keys, "train") / batch))
    if minutes is None or pace is None:
        epochs = min(MOST, max(FEWEST, round(STEPS / steps)))
        return [Choice("train.epochs", epochs, f"{steps} steps each: about {epochs * steps:,} steps in all")]
    overlap = 4 if facts.layout.scans or keys.get("data.fit") == "patch" else 1  # windows of validation overlap
    judged = math.ceil(_windows(facts, keys, "valid") / batch) * (1 + overlap) * pace.prediction
    left = minutes * 60 * SHARE - pace.start
    each = left / EPOCHS - judged
    told = f"a step took {pace.step:.2f} s here, a validation takes about {judged:.0f} s"
    found = [Choice("train.minutes", minutes, "the training ends in this time, whatever the machine does")]
    if each < pace.step * steps:  # an epoch of everything would be too long
        steps = max(1, math.floor(each / pace.step))
        found.append(Choice("train.steps_per_epoch", steps, "so that a validation falls due often enough"))
    epochs = max(1, math.floor(left / (pace.step * steps + judged)))
    return [Choice("train.epochs", min(epochs, 2000), told), *found]
