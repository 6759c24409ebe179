"""Where a training stands, in plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Row = dict[str, float]


@dataclass
class State:
    """Where a training stands, between epochs; plain values, so that a checkpoint can hold it.

    Attributes:
        spent: seconds of all that was done until now. before: those of them before the first epoch or before going on.
        part: of an epoch that is not over: its steps that are done, their seconds, and what was added up over them.
    """

    epoch: int = 0
    rows: list[Row] = field(default_factory=list)
    stopping: dict[str, Any] = field(default_factory=dict)
    reducer: dict[str, Any] = field(default_factory=dict)
    spent: float = 0.0
    before: float = 0.0
    part: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return vars(self).copy()
