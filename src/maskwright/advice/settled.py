"""What a user says outranks what is chosen."""

from __future__ import annotations

from collections.abc import Sequence

from maskwright.advice.choices import Choice
from maskwright.config.loading import from_overrides


def settled(chosen: Sequence[Choice], overrides: Sequence[str]) -> list[Choice]:
    """The choices with the user's `section.key=value` in their places, or behind them.

    Raises:
        MaskwrightError: no such key, or a value that it does not accept.
    """
    config = from_overrides(list(overrides)).model_dump(exclude_unset=True)
    said = {}
    for item in overrides:
        value = config
        key = item.split("=", 1)[0]
        for part in key.split("."):
            value = value[part]
        said[key] = Choice(key, value, "as you said")
    return list(({one.key: one for one in chosen} | said).values())
