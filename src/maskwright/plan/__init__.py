"""What a training is of, decided once before its first step and read by everything after it."""

from maskwright.plan.plan import Entry, Plan

__all__ = ["Entry", "Plan"]
