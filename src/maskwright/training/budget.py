"""The time that a training may take, and what fits into it."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

_JUDGING = 0.15  # of the whole time: what is left for a validation before it is known how long one takes


@dataclass
class Budget:
    """From the call of a training on: reading, decoding and building its network count, and so does saving.

    Attributes:
        minutes: that there are; None without a limit.
        earlier: seconds that were spent before an interruption.
        before: of all seconds, those that were spent outside of epochs, before the first or before going on.
        judging: seconds that the last validation took. begun: when it was called, by the clock of `time.monotonic`.
    """

    minutes: float | None = None
    earlier: float = 0.0
    before: float = 0.0
    judging: float | None = None
    begun: float = field(default_factory=time.monotonic)

    @property
    def spent(self) -> float:
        """Seconds until now."""
        return self.earlier + time.monotonic() - self.begun

    def epochs(self, wanted: int, seconds: Sequence[float], spent: float) -> int:
        """How many epochs there are in all: as many as are wanted, or as fit at the pace of the last three.

        Args:
            seconds: of each epoch until now. spent: in all, when the last of them was over.
        """
        if self.minutes is None or not seconds:
            return wanted
        beside = max(0.0, spent - self.before - sum(seconds)) / len(seconds)  # saving and drawing
        each = sum(seconds[-3:]) / len(seconds[-3:]) + beside
        left = math.floor((60 * self.minutes - max(spent, sum(seconds))) / each)
        return min(wanted, len(seconds) + max(0, left))

    def ends(self) -> bool:
        """Whether an epoch that goes on would leave no time for its validation."""
        if self.minutes is None:
            return False
        judging = _JUDGING * 60 * self.minutes if self.judging is None else self.judging
        return self.spent + judging > 60 * self.minutes
