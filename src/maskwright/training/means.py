"""Means over the samples of an epoch of what is said of each batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Means:
    """Adds up values of batches, each as heavy as it has samples.

    Attributes:
        count: samples so far. sums: of each value times its samples.
    """

    count: int = 0
    sums: dict[str, float] = field(default_factory=dict)

    def add(self, values: Mapping[str, Any], count: int) -> None:
        """Add a batch of `count` samples."""
        self.count += count
        for name, value in values.items():
            self.sums[name] = self.sums.get(name, 0.0) + float(value) * count

    def values(self) -> dict[str, float]:
        """The means so far."""
        return {name: total / self.count for name, total in self.sums.items()}
