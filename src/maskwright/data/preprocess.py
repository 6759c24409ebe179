"""From a decoded picture to the network's input; the same steps in training and in prediction."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import cv2
import numpy as np

from maskwright.data.filters import resize, sharpened
from maskwright.errors import MaskwrightError

BYTE = (0.0, 255.0)  # black and white of 8-bit pictures, whatever they hold


@dataclass(frozen=True)
class InputRule:
    """How a picture becomes what the network is given; stored with the model.

    Attributes:
        height, width: size of the input in px. channels: 1 grey, 3 red, green, blue, else bands; of each slice.
        neighbours: so many slices before and after are channels too. slice_pattern: finds a slice's number in its name.
        window, orientation: how slices were made of scans, so that whole scans can be predicted; empty where unknown.
        body_border: slices were cut to the box around the body with so many mm around it; None where they were not.
        depth, spacing: of a network for volumes: slices of its input, and mm along slices, rows and columns.
        channel_patterns: the files of a case that are its channels; empty for one file.
        dtype: depth of the levels, that of the training pictures; others are brought to it.
        fit: `resize` to the input, or at one scale for all: `pad` whole, `patch` in windows (data/scale.py).
        pixel_size, pixel_unit: at that scale a pixel of the network is so many pixels of a file, or mm or µm ("um").
        levels: black and white of the pictures of each depth, as `(dtype, black, white)`: decided for the set that is
            predicted (data/levels.py), so none in a model.
        resize: interpolation. color_conversion, gamma, sharpening: as in the configuration's [data].
        intensity: `unit`, `raw` or `zscore`. low, high: black and white of the training pictures, from `level_range`;
            `unit` maps them to 0 and 1. Until they are decided only pictures of the rule's own depth are adjusted.
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
    levels: tuple[tuple[str, float, float], ...] = ()
    fit: str = "resize"
    pixel_size: float = 1.0
    pixel_unit: str = "px"

    def black_and_white(self, dtype: str) -> tuple[float, float] | None:
        """The levels of pictures of a depth that are the model's `low` and `high`; None where nothing was decided."""
        return next(((black, white) for name, black, white in self.levels if name == dtype), None)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the network's input: `(H, W, C)`, or `(D, H, W, C)` of a network for volumes."""
        flat = (self.height, self.width, self.input_channels)
        return (self.depth, *flat) if self.depth else flat

    @property
    def input_channels(self) -> int:
        """Channels of the network's input: those of every slice."""
        return self.channels * (2 * self.neighbours + 1)

    @property
    def normalized_before(self) -> bool:
        """Whether volumes and pictures were normalised as a whole, before parts of them are looked at."""
        return bool(self.depth) or (self.fit != "resize" and self.intensity == "zscore")

    def middle(self, image: np.ndarray) -> np.ndarray:
        """The slice itself, `(H, W, channels)`, of an input that has its neighbours too."""
        first = self.channels * self.neighbours
        return image[..., first : first + self.channels]

    def as_dict(self) -> dict[str, Any]:
        """The rule as plain values, for JSON."""
        return asdict(self)


def adjust(image: np.ndarray, rule: InputRule, where: object = None) -> np.ndarray:
    """Depth, gamma, sharpening, colours and channels, at the picture's own size; in the order of the reference.

    Colours become grey for a network of one channel, and grey is repeated for one of three; any other number of
    channels must be the network's own.

    Args:
        image: `(H, W)`, `(H, W, 3)` in red, green, blue order, or `(H, W, C)`. where: its file, for the message.

    Returns:
        `(H, W, C)` of the rule's type.

    Raises:
        MaskwrightError: it has other channels than the network, or a colour conversion that does not work on it.
    """
    image = to_depth(image, rule.dtype, rule.black_and_white(str(image.dtype)), (rule.low, rule.high))
    if rule.gamma > 0:
        image = _gamma(image, rule.gamma)
    if rule.sharpening > 0:
        image = sharpened(image, rule.sharpening)
    if rule.color_conversion:
        image = _convert(image, rule.color_conversion)
    return _with_channels(image, rule.channels, where)


def _with_channels(image: np.ndarray, wanted: int, where: object) -> np.ndarray:
    found = image.shape[2] if image.ndim == 3 else 1
    if found == wanted:
        return image if image.ndim == 3 else image[..., None]
    if (found, wanted) == (3, 1):
        return cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY)[..., None]
    if (found, wanted) == (1, 3):
        return np.repeat(image.reshape(*image.shape[:2], 1), 3, axis=2)
    raise MaskwrightError(
        f"has {found} {'channel' if found == 1 else 'channels'}, and the network takes {wanted}",
        where=where,
        fix=f"Set model.image_channels = {found} and train on such pictures, or name the files that are channels "
        "of one picture in data.channel_patterns.",
    )


def to_depth(
    image: np.ndarray,
    dtype: str,
    levels: tuple[float, float] | None = None,
    target: tuple[float, float] | None = None,
) -> np.ndarray:
    """The same picture with levels of another depth or range: black becomes black, white white, linear between.

    Args:
        dtype: of the result, `uint8`, `uint16` or `float32`.
        levels: black and white of the picture; what lies beyond is clipped. None: a picture of this type stays as it
            is, another is a set by itself, for `level_range`.
        target: black and white of the result; all that integers hold, and the picture's own of floats, where None.
    """
    same = image.dtype == np.dtype(dtype)
    if levels is None:
        if same:
            return image
        levels = level_range(str(image.dtype), float(image.min()), float(image.max()))
    if target is None:
        target = levels if dtype == "float32" else (0.0, float(np.iinfo(dtype).max))
    if same and levels == target:
        return np.clip(image, *levels).astype(dtype, copy=False) if dtype != "uint8" else image
    share = (np.clip(image, *levels).astype(np.float64) - levels[0]) / (levels[1] - levels[0])
    found = share * (target[1] - target[0]) + target[0]
    return found.astype(np.float32) if dtype == "float32" else np.rint(found).astype(dtype)


def resize_label(label: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resize `(H, W)` class numbers to (height, width) by the nearest pixel centre, so that no number is invented."""
    if label.shape == (height, width):
        return label
    return cv2.resize(label, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)


def network_input(image: np.ndarray, rule: InputRule, where: object = None) -> np.ndarray:
    """A decoded picture at the network's size and channels, its levels as they were: `(height, width, C)`.

    Raises:
        MaskwrightError: as `adjust`; it names `where`.
    """
    return resize(adjust(image, rule, where), rule.height, rule.width, rule.resize)


def normalize(image: np.ndarray, rule: InputRule, out: np.ndarray) -> np.ndarray:
    """As `to_floats`, of what a training sees, which may have been normalised as a whole before."""
    if rule.normalized_before:
        out[...] = image
        return out
    return to_floats(image, rule, out)


def to_floats(image: np.ndarray, rule: InputRule, out: np.ndarray | None = None) -> np.ndarray:
    """Levels to float32 by the rule; `image` is `(..., H, W, C)`, and `zscore` goes by the picture.

    The result is written to `out`, where there is one of the same shape.
    """
    values = np.empty(image.shape, np.float32) if out is None else out
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
    """The levels that count as black and white, from the smallest and largest that a whole set of pictures holds.

    8-bit pictures have 0 and 255. In 16-bit files white is that of 8, 12 or 16 bits, the depths that scanners and
    cameras really fill them with, and of these the least that holds every level: one bright pixel more or less changes
    nothing, as it did when each further bit counted. Floats go from the smallest to the largest level seen.
    """
    if dtype == "uint8":
        return BYTE
    if dtype == "uint16":
        return 0.0, next(white for white in (255.0, 4095.0, 65535.0) if high <= white)
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
    if image.ndim == 3 and image.shape[2] != 3:
        raise MaskwrightError(
            f"{conversion} is for colours, and the picture has {image.shape[2]} channels",
            where="[data] color_conversion",
            fix="Leave it out.",
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
