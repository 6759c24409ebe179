"""How keys name intensity windows and directions of slices."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

# Level and width in HU; the usual ones of radiology.
WINDOWS: dict[str, tuple[float, float]] = {
    "abdomen": (40, 400),
    "pancreas": (50, 250),
    "liver": (60, 160),
    "soft tissue": (50, 350),
    "mediastinum": (40, 400),
    "lung": (-600, 1500),
    "bone": (400, 1800),
    "brain": (40, 80),
    "stroke": (35, 40),
    "angiography": (300, 600),
}


def _window(value: str) -> str:
    if value not in {*WINDOWS, "full", "percentiles"} and not re.fullmatch(r"-?[\d.]+/[\d.]+", value):
        raise ValueError(f"is no window; named ones are {', '.join(WINDOWS)}, full, percentiles, or write level/width")
    return value


def _turn(value: str) -> str:
    if sorted("LPI".find({"R": "L", "A": "P", "S": "I"}.get(letter, letter)) for letter in value) != [0, 1, 2]:
        raise ValueError("is no orientation; give one each of L or R, P or A, I or S, as in SPL")
    return value


Window = Annotated[str, AfterValidator(_window)]
Orientation = Annotated[str, AfterValidator(_turn)]
