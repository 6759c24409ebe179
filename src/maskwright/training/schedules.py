"""What watches the validation loss: early stopping and the learning-rate reducer; a few numbers are their state."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class EarlyStopping:
    """Stop after `patience` epochs without a smaller loss; 0 or less never stops."""

    patience: int
    best: float = float("inf")
    waited: int = 0

    def update(self, loss: float) -> bool:
        """Take an epoch's loss; True when it is the best so far."""
        if loss < self.best:
            self.best, self.waited = loss, 0
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
    waited: int = 0

    def update(self, loss: float, learning_rate: float) -> float:
        """Take an epoch's loss; the learning rate for the next."""
        if loss < self.best - self.min_delta:
            self.best, self.waited = loss, 0
            return learning_rate
        self.waited += 1
        if self.waited < self.patience:
            return learning_rate
        self.waited = 0
        return learning_rate * self.factor


def reducer_patience(patience: int, given: int | None) -> int:
    """What is set, else half of the early-stopping patience, else 5; as the reference has it."""
    return given or max(patience, 0) // 2 or 5
