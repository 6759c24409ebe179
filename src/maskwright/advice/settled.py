"""What a user says outranks what is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from maskwright.advice.choices import Choice
from maskwright.config.loading import from_overrides
from maskwright.config.toml import ALL_KEYS


def settled(chosen: Sequence[Choice], overrides: Sequence[str]) -> list[Choice]:
    """The choices with the user's `section.key=value` in their places, or behind them; without those set to `none`.

    Raises:
        MaskwrightError: no such key, or a value that it does not accept.
    """
    said = {key: Choice(key, value, "as you said") for key, value in said_in(overrides).items()}
    kept = {one.key: one for one in chosen}
    if "model.name" in said and said["model.name"].value != kept["model.name"].value:
        for key in ("model.weights", "model.options"):  # which are of the network that was chosen
            kept.pop(key, None)
    if "model.num_layers" in said and "model.options" in kept:  # strides and kernels are of each level
        chosen_one = kept["model.options"]
        plain = {key: value for key, value in chosen_one.value.items() if key not in ("strides", "kernels")}
        kept["model.options"] = replace(chosen_one, value=plain)
    return [one for one in (kept | said).values() if one.value is not None]


def said_in(overrides: Sequence[str]) -> dict[str, Any]:
    """The value of each key that `section.key=value` sets.

    Raises:
        MaskwrightError: as `settled`.
    """
    tree = from_overrides(list(overrides)).model_dump(exclude_unset=True)
    said = {}
    for key in ALL_KEYS:
        value = tree
        for part in key.split("."):
            value = value.get(part, _UNSAID) if isinstance(value, dict) else _UNSAID
        if value is not _UNSAID:
            said[key] = value
    return said


_UNSAID: dict[str, object] = {}
