"""The learning rate over the epochs, and what watches the validation loss; a few numbers are their state."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass
class EarlyStopping:
    """Stop after `patience` epochs without a smaller loss; 0 or less never stops.

    Between equal ones (Dice is 0 until something is found) a second value decides.
    """

    patience: int
    best: float = float("inf")
    best_tie: float = float("inf")
    waited: int = 0

    def update(self, loss: float, tie: float = 0.0) -> bool:
        """Take an epoch's loss; True when it is the best so far."""
        if (loss, tie) < (self.best, self.best_tie):
            self.best, self.best_tie, self.waited = loss, tie, 0
            return True
        self.waited += 1
        return False

    @property
    def stop(self) -> bool:
        """Whether to stop now."""
        return 0 < self.patience <= self.waited


@dataclass
class ReduceOnPlateau:
    """Multiply the learning rate by `factor` after `patience` epochs without a loss smaller by `min_delta`."""

    factor: float
    patience: int
    min_delta: float = 1e-4
    best: float = float("inf")
    best_tie: float = float("inf")
    waited: int = 0

    def update(self, loss: float, learning_rate: float, tie: float = 0.0) -> float:
        """Take an epoch's loss; the learning rate for the next. Between equal ones the second value decides."""
        closer = loss == self.best and tie < self.best_tie - self.min_delta
        if loss < self.best - self.min_delta or closer:
            self.best, self.best_tie, self.waited = loss, tie, 0
            return learning_rate
        self.waited += 1
        if self.waited < self.patience:
            return learning_rate
        self.waited = 0
        return learning_rate * self.factor


def planned(schedule: str, epoch: int, epochs: int, warmup: int = 0) -> float:
    """The share of the full learning rate in an epoch (from 0) of a planned training.

    Args:
        schedule: `polynomial` is (1 - t)^0.9 (Isensee et al. 2021), `cosine` (1 + cos πt) / 2 (Loshchilov and Hutter
            2017), where t is the share of the epochs after the warm-up that are over; any other stays at 1.
        warmup: epochs over which it rises evenly.
    """
    if epoch < warmup:
        return (epoch + 1) / (warmup + 1)
    over = (epoch - warmup) / max(epochs - warmup, 1)
    if schedule == "polynomial":
        return float((1 - over) ** 0.9)
    return (1 + math.cos(math.pi * over)) / 2 if schedule == "cosine" else 1.0


def reducer_patience(patience: int, given: int | None) -> int:
    """What is set, else half of the early-stopping patience, else 5; as the reference has it."""
    return given or max(patience, 0) // 2 or 5
