"""How many epochs of how many steps: by what there is to learn from, or by the time that there is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from maskwright.advice.choices import STEPS, Choice, in_pixels
from maskwright.advice.facts import Facts

SHARE = 0.85  # of the time that steps and validation take; the rest is for what else the machine does
EPOCHS = 30  # that a training within a budget should have, so that the best can be chosen among some
LEAST_EPOCHS = 8  # however long a validation takes
JUDGED = 0.2  # of the time, at most, goes into validation
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


@dataclass(frozen=True)
class _Part:
    """Inputs of the network that cover a part once, and those that overlap by half."""

    once: float
    overlapping: float


def _part(facts: Facts, keys: Mapping[str, Any], part: str) -> _Part:
    source, share = part, 1.0
    if part not in facts.records:
        source = "all" if "all" in facts.records else "train"
        share = _VALIDATED if part == "valid" else _LEARNT if "all" in facts.records else 1 - _VALIDATED
    if facts.layout.scans:
        count = share * len(facts.records[source])
        return _Part(count * (1 if part == "train" else 4), 16 * count)
    unit, edges = keys.get("data.pixel_unit", "px"), (keys["model.image_height"], keys["model.image_width"])
    scale = in_pixels(facts, keys.get("data.pixel_size", 1.0), unit)
    once = overlapping = 0
    for size in facts.sizes(source, measured=unit != "px"):
        shares = [side / scale / edge for side, edge in zip(size, edges, strict=True)]
        once += math.prod(max(1, math.ceil(one)) for one in shares)
        overlapping += math.prod(max(1, math.ceil(2 * one) - 1) for one in shares)
    return _Part(share * once, share * overlapping)


def length(facts: Facts, chosen: list[Choice], minutes: float | None, pace: Pace | None) -> list[Choice]:
    """Epochs, and steps of one where not every picture is in each.

    Args:
        minutes: that the training may take. pace: of the chosen network on this machine, where there is such a limit.
    """
    keys = {choice.key: choice.value for choice in chosen}
    batch = keys["train.batch_size"]
    whole = max(1, math.ceil(_part(facts, keys, "train").once / batch))
    if minutes is None or pace is None:
        epochs = min(MOST, max(FEWEST, round(STEPS / whole)))
        return [Choice("train.epochs", epochs, f"{whole} steps each: about {epochs * whole:,} steps in all")]
    valid, windows = _part(facts, keys, "valid"), keys.get("data.fit") == "patch" or facts.layout.scans
    # The loss sees a case once, and the score a second time, in windows that overlap where it is larger than one.
    inputs = valid.once + (valid.overlapping if windows else valid.once)
    judged = math.ceil(inputs / batch) * pace.prediction
    left = minutes * 60 * SHARE - pace.start
    steps = _steps(whole, left, judged, pace.step)
    epochs = max(1, math.floor(left / (pace.step * steps + judged)))
    if steps != whole:  # what is left of the time is shared out
        steps = max(steps, math.floor((left / epochs - judged) / pace.step))
    told = f"a step took {pace.step:.2f} s here, a validation takes about {judged:.0f} s"
    found = [Choice("train.minutes", minutes, "the training ends in this time, whatever the machine does")]
    if steps != whole:
        why = "a validation falls due often enough" if steps < whole else "validations do not take too much of the time"
        found.append(Choice("train.steps_per_epoch", steps, f"so that {why}"))
    return [Choice("train.epochs", min(epochs, 2000), told), *found]


def _steps(whole: int, left: float, judged: float, step: float) -> int:
    """Steps of an epoch: of everything once, or fewer, so that there are epochs to choose among; or more, so that most
    of the time is spent on learning.

    Args:
        whole: steps that see everything once. left: seconds that there are. judged: seconds of a validation.
        step: seconds of a step.
    """

    def in_epochs(count: int) -> int:
        return math.floor((left / count - judged) / step)

    enough = math.ceil(judged * (1 - JUDGED) / JUDGED / step)
    return max(1, min(max(min(whole, in_epochs(EPOCHS)), enough), in_epochs(LEAST_EPOCHS)))
