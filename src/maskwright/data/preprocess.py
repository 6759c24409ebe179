"""From a decoded picture to the network's input; the same steps in training and in prediction."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import cv2
import numpy as np

from maskwright.data.filters import resize, sharpened
from maskwright.errors import MaskwrightError


@dataclass(frozen=True)
class InputRule:
    """How a picture becomes what the network is given; stored with the model.

    Attributes:
        height, width: size of the input in px. channels: 1 grey, 3 red, green, blue; of each slice.
        neighbours: so many slices before and after are channels too. slice_pattern: finds a slice's number in its name.
        window, orientation: how slices were made of scans, so that whole scans can be predicted; empty where unknown.
        body_border: slices were cut to the box around the body with so many mm around it; None where they were not.
        depth, spacing: of a network for volumes: slices of its input, and mm along slices, rows and columns.
        channel_patterns: of a network for volumes: the files of a case that are its channels; empty for one file.
        dtype: depth of the levels, that of the training pictures; others are brought to it.
        resize: interpolation. color_conversion, gamma, sharpening: as in the configuration's [data].
        intensity: `unit`, `raw` or `zscore`. low, high: the levels that `unit` maps to 0 and 1.
    """

    height: int
    width: int
    channels: int
    dtype: str = "uint8"
    resize: str = "area"
    color_conversion: str | None = None
    gamma: float = 0.0
    sharpening: float = 0.0
    intensity: str = "unit"
    low: float = 0.0
    high: float = 255.0
    neighbours: int = 0
    slice_pattern: str = ""
    window: str = ""
    orientation: str = "SPL"
    body_border: float | None = None
    depth: int = 0
    spacing: tuple[float, ...] = ()
    channel_patterns: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the network's input: `(H, W, C)`, or `(D, H, W, C)` of a network for volumes."""
        flat = (self.height, self.width, self.input_channels)
        return (self.depth, *flat) if self.depth else flat

    @property
    def input_channels(self) -> int:
        """Channels of the network's input: those of every slice."""
        return self.channels * (2 * self.neighbours + 1)

    def middle(self, image: np.ndarray) -> np.ndarray:
        """The slice itself, `(H, W, channels)`, of an input that has its neighbours too."""
        first = self.channels * self.neighbours
        return image[..., first : first + self.channels]

    def as_dict(self) -> dict[str, Any]:
        """The rule as plain values, for JSON."""
        return asdict(self)


def adjust(image: np.ndarray, rule: InputRule) -> np.ndarray:
    """Depth, gamma, sharpening, colours and channels, at the picture's own size; in the order of the reference.

    Args:
        image: `(H, W)` or `(H, W, 3)` in red, green, blue order.

    Returns:
        `(H, W, C)` of the rule's type.
    """
    image = to_depth(image, rule.dtype)
    if rule.gamma > 0:
        image = _gamma(image, rule.gamma)
    if rule.sharpening > 0:
        image = sharpened(image, rule.sharpening)
    if rule.color_conversion:
        image = _convert(image, rule.color_conversion)
    if rule.channels == 1:
        image = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        return image[..., None]
    if rule.channels != 3:
        raise MaskwrightError(
            f"is {rule.channels}, and pictures have 1 or 3",
            where="[model] image_channels",
            fix="Set it to 1 (grey) or 3 (colour).",
        )
    return image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)


def to_depth(image: np.ndarray, dtype: str) -> np.ndarray:
    """The same picture with levels of another depth.

    8 bits are spread over 16; of 16 bits those in use become 8; floats go from their smallest to their largest level.
    Floats are made of integers level by level, because nothing says which range they would have.
    """
    if image.dtype == np.dtype(dtype):
        return image
    if dtype == "float32":
        return image.astype(np.float32)
    if image.dtype == np.uint8:
        return image.astype(np.uint16) * 257
    low, high = level_range(str(image.dtype), float(image.min()), float(image.max()))
    top = np.iinfo(dtype).max
    return np.rint(np.clip((image - low) / (high - low), 0, 1) * top).astype(dtype)


def resize_label(label: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resize `(H, W)` class numbers to (height, width) by the nearest pixel centre, so that no number is invented."""
    if label.shape == (height, width):
        return label
    return cv2.resize(label, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)


def network_input(image: np.ndarray, rule: InputRule) -> np.ndarray:
    """A decoded picture at the network's size and channels, its levels as they were: `(height, width, C)`."""
    return resize(adjust(image, rule), rule.height, rule.width, rule.resize)


def normalize(image: np.ndarray, rule: InputRule, out: np.ndarray | None = None) -> np.ndarray:
    """Levels to float32 by the rule; `image` is `(..., H, W, C)`, and `zscore` goes by the picture.

    The result is written to `out`, where there is one of the same shape.
    """
    values = np.empty(image.shape, np.float32) if out is None else out
    if rule.depth:  # patches of volumes were normalised as a whole
        values[...] = image
        return values
    if rule.intensity == "zscore":
        values[...] = image
        axes = tuple(range(values.ndim - 3, values.ndim))
        mean, deviation = values.mean(axes, keepdims=True), values.std(axes, keepdims=True)
        values -= mean
        values /= deviation + np.float32(1e-6)
        return values
    np.subtract(image, np.float32(rule.low), out=values, dtype=np.float32)
    values *= np.float32((1.0 if rule.intensity == "unit" else 255.0) / (rule.high - rule.low))
    return values


def level_range(dtype: str, low: float, high: float) -> tuple[float, float]:
    """The levels that count as black and white, from the smallest and largest that training pictures hold.

    8-bit pictures always have 0 and 255. Deeper ones are often filled in part only (12 of 16 bits): white is then the
    largest level that the bits in use can hold. Floats go from the smallest to the largest level seen.
    """
    if dtype == "uint8":
        return 0.0, 255.0
    if dtype == "uint16":
        return 0.0, float((1 << max(8, int(high).bit_length())) - 1)
    return (low, high) if high > low else (low, low + 1.0)


def _gamma(image: np.ndarray, gamma: float) -> np.ndarray:
    if image.dtype == np.uint8:
        table = np.rint(255 * (np.arange(256) / 255) ** gamma).astype(np.uint8)
        return cv2.LUT(image, table)
    top = 65535.0 if image.dtype == np.uint16 else float(max(image.max(initial=0), 1e-6))
    bent = top * (np.clip(image, 0, None) / top) ** gamma
    return bent.astype(image.dtype)


def _convert(image: np.ndarray, conversion: str) -> np.ndarray:
    code = getattr(cv2, f"COLOR_{conversion}", None)
    if code is None:
        raise MaskwrightError(
            f"OpenCV has no colour conversion {conversion!r}",
            where="[data] color_conversion",
            fix="For example BGR2HSV, BGR2LAB or BGR2YUV.",
        )
    rgb = image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)
    try:
        return cv2.cvtColor(np.ascontiguousarray(rgb[..., ::-1]), code)
    except cv2.error as error:
        raise MaskwrightError(
            f"{conversion} does not work on {rgb.dtype} pictures ({error.err})",
            where="[data] color_conversion",
            fix="Use 8-bit pictures, or leave it out.",
        ) from None
