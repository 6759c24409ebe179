"""Taking image and label from the same places, once.

A place is where in the source array a pixel of the result comes from: float32 arrays of the size of the result, one for
each axis of the source, in the order of its axes. What comes from outside a picture is background: label 0, and in the
image the median of its border. What comes from outside a volume is unknown: label `IGNORED`, and in the image 0, which
is what a network sees beyond a scan.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import cv2
import numpy as np

from maskwright.data.filters import groups
from maskwright.labels.regions import IGNORED

Places = Sequence[np.ndarray]
Bands = Iterable[tuple[slice, Places]]

_ORDERS = {"nearest": cv2.INTER_NEAREST, "linear": cv2.INTER_LINEAR, "cubic": cv2.INTER_CUBIC}
_LARGE = 2**24  # bytes, more than a picture and its map need
_MARGIN = 2  # px around each slice of a volume, so that cubic interpolation never sees the next one


def keep_freed_memory() -> None:
    """Let the C library keep what is freed between two pictures, instead of giving it back and asking for it again.

    The GNU C library gives memory back to the system as soon as more than twice its largest freed block lies free. The
    block that is freed here, without having been touched, puts that at 32 MiB. 700 instead of 500 pairs/s of 512x512.
    """
    np.empty(_LARGE, np.uint8)


keep_freed_memory()


def sample(
    image: np.ndarray,
    label: np.ndarray,
    bands: Bands,
    *,
    image_order: str = "linear",
    label_order: str = "nearest",
    shape: Sequence[int] = (),
    outside: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Sample a pair.

    Args:
        image: `(H, W, C)` or `(D, H, W, C)`, 8, 16 or 32 bits. label: `(H, W)` or `(D, H, W)` uint8.
        bands: parts of the result along its first axis, together the whole, and the places of their pixels.
        image_order: `linear` or `cubic` (in a volume: cubic in each slice, linear between slices).
        label_order: `nearest`, or `area`: the class with the largest share of the pixel by linear interpolation.
        shape: of the result; that of the label where empty.
        outside: the label's number beyond the source; `IGNORED` of volumes and 0 of pictures where None.

    Returns:
        Both of their type; the label holds no class that it did not have.
    """
    source, beyond = (_Volume, IGNORED) if label.ndim == 3 else (_Slice, 0)
    fill = [0.0] * image.shape[-1] if label.ndim == 3 else border_level(image)
    channels = groups(image.shape[-1])
    parts = [source(image[..., group], image_order, fill[group]) for group in channels]
    classes = (_Nearest if label_order == "nearest" else _Areas)(label, source, beyond if outside is None else outside)
    size = tuple(shape or label.shape)
    moved, moved_label = np.empty((*size, image.shape[-1]), image.dtype), np.empty(size, label.dtype)
    for rows, where in bands:
        for group, part in zip(channels, parts, strict=True):
            moved[rows, ..., group] = part.at(where)
        moved_label[rows] = classes.at(where)
    return moved, moved_label


def border_level(image: np.ndarray) -> list[float]:
    """The median of each channel over the border of a picture."""
    border = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    half = (len(border) - 1) // 2  # of an even number the lower of the two in the middle: a level that occurs
    return [float(level) for level in np.partition(border, half, axis=0)[half]]


class _Slice:
    """A picture `(H, W, C)` of at most four channels to take levels from."""

    def __init__(self, image: np.ndarray, order: str, fill: list[float]) -> None:
        self._image = np.ascontiguousarray(image)
        self._flags, self._fill = _ORDERS[order], fill

    def at(self, where: Places) -> np.ndarray:
        """The levels there, `(…, C)`."""
        y, x = where
        taken = cv2.remap(self._image, x, y, self._flags, borderMode=cv2.BORDER_CONSTANT, borderValue=self._fill)
        return taken.reshape(*y.shape, self._image.shape[-1])


class _Volume:
    """A volume `(D, H, W, C)`: interpolated in the two slices next to a place, then between them.

    The slices are laid out in one large picture, each in a margin of the fill, with a slice of nothing but fill before
    the first and after the last.
    """

    def __init__(self, image: np.ndarray, order: str, fill: list[float]) -> None:
        self._shape, self._dtype, self._nearest = image.shape, image.dtype, order == "nearest"
        self._flags = _ORDERS[order]
        depth, height, width, channels = image.shape
        self._tall, self._wide = height + 2 * _MARGIN, width + 2 * _MARGIN
        self._columns = max(1, round(float(np.sqrt((depth + 2) * self._tall / self._wide))))
        rows = -(-(depth + 2) // self._columns)
        kept = image.dtype if self._nearest else np.float32
        atlas = np.empty((rows, self._tall, self._columns, self._wide, channels), kept)
        atlas[:] = fill
        for index in range(depth):
            row, column = divmod(index + 1, self._columns)
            atlas[row, _MARGIN:-_MARGIN, column, _MARGIN:-_MARGIN] = image[index]
        self._atlas = atlas.reshape(rows * self._tall, self._columns * self._wide, channels)

    def at(self, where: Places) -> np.ndarray:
        """The levels there, `(…, C)`."""
        return np.stack([self._slice(z, y, x) for z, y, x in zip(*where, strict=True)])

    def _slice(self, z: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
        depth, height, width, _ = self._shape
        # Whatever lies further out than the margin is as good as in it.
        y, x = np.clip(y, -1, height) + _MARGIN, np.clip(x, -1, width) + _MARGIN
        z = np.clip(z, -1, depth) + 1
        if self._nearest:
            return self._tile(np.rint(z), y, x)
        low = np.minimum(np.floor(z), depth)
        share = (z - low)[..., None]
        mixed = self._tile(low, y, x) * (1 - share) + self._tile(low + 1, y, x) * share
        if self._dtype.kind == "f":
            return mixed
        limits = np.iinfo(self._dtype)
        return np.clip(np.rint(mixed), limits.min, limits.max).astype(self._dtype)

    def _tile(self, number: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
        row, column = np.divmod(number.astype(np.int32), self._columns)
        across = x + (column * self._wide).astype(np.float32)
        down = y + (row * self._tall).astype(np.float32)
        return cv2.remap(self._atlas, across, down, self._flags).reshape(*number.shape, -1)


class _Nearest:
    """The class at the nearest pixel centre."""

    def __init__(self, label: np.ndarray, source: type[_Slice] | type[_Volume], outside: int) -> None:
        self._label = source(label[..., None], "nearest", [float(outside)])

    def at(self, where: Places) -> np.ndarray:
        """The classes there."""
        return self._label.at(where)[..., 0]


class _Areas:
    """The class with the largest share of the pixel; shares count in 255ths."""

    def __init__(self, label: np.ndarray, source: type[_Slice] | type[_Volume], outside: int) -> None:
        numbers = {int(number) for number in np.flatnonzero(np.bincount(label.ravel()))} | {outside}
        self._shares = {
            number: source(((label == number) * np.uint8(255))[..., None], "linear", [255.0 * (number == outside)])
            for number in sorted(numbers - {0})
        }

    def at(self, where: Places) -> np.ndarray:
        """The classes there."""
        winner = np.zeros(where[0].shape, np.uint8)
        largest = np.zeros(winner.shape, np.int16)
        left = np.full(winner.shape, 255, np.int16)
        for number, part in self._shares.items():
            share = part.at(where)[..., 0].astype(np.int16)
            more = share > largest
            winner[more], largest[more] = number, share[more]
            left -= share
        winner[largest <= left] = 0
        return winner
