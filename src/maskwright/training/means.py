"""Means over the samples of an epoch of what is said of each batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Means:
    """Adds up values of batches, each as heavy as it has samples."""

    def __init__(self) -> None:
        self.count = 0
        self._sums: dict[str, float] = {}

    def add(self, values: Mapping[str, Any], count: int) -> None:
        """Add a batch of `count` samples."""
        self.count += count
        for name, value in values.items():
            self._sums[name] = self._sums.get(name, 0.0) + float(value) * count

    def values(self) -> dict[str, float]:
        """The means so far."""
        return {name: total / self.count for name, total in self._sums.items()}
