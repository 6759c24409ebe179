"""What becomes black and white."""

from __future__ import annotations

import numpy as np

from maskwright.config.schema.scans import WINDOWS

FROM_VALUES = ("full", "percentiles")  # windows that depend on the scan


def limits(window: str, values: np.ndarray) -> tuple[float, float]:
    """The values that become black and white: of a named window, `level/width`, or of the scan itself."""
    if window == "full":
        return _apart(float(values.min()), float(values.max()))
    if window == "percentiles":
        low, high = np.percentile(values, [0.5, 99.5])
        return _apart(float(low), float(high))
    level, width = WINDOWS[window] if window in WINDOWS else map(float, window.split("/"))
    return level - width / 2, level + width / 2


def _apart(low: float, high: float) -> tuple[float, float]:
    return (low, high) if high > low else (low, low + 1)


def to_grey(values: np.ndarray, low: float, high: float, depth: int = 8) -> np.ndarray:
    """Values through a window to 8- or 16-bit grey, rounded; what is outside is black or white."""
    top = 2**depth - 1
    scaled = np.clip((values.astype(np.float32) - low) / (high - low), 0, 1) * top
    return np.rint(scaled).astype(np.uint8 if depth == 8 else np.uint16)
