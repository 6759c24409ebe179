"""Which sample of a training something is."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class SampleId(NamedTuple):
    """Which sample of a training: all that chance does to it follows from these three numbers."""

    seed: int
    epoch: int
    place: int  # in the order of the epoch

    def rng(self, purpose: int = 0) -> np.random.Generator:
        """The source of its chance; another one for each purpose."""
        return np.random.default_rng((*self, purpose) if purpose else self)

    def __str__(self) -> str:
        return f"{self.epoch}:{self.place}"
