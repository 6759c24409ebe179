"""OpenCV on pictures of any number of channels: some of its functions stop at four, so they get four at a time.

The values are those of each channel by itself, up to the last digit: OpenCV rounds differently by how many there are.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

INTERPOLATION = {
    "nearest": cv2.INTER_NEAREST,
    "linear": cv2.INTER_LINEAR,
    "cubic": cv2.INTER_CUBIC,
    "area": cv2.INTER_AREA,
    "lanczos": cv2.INTER_LANCZOS4,
}
MOST_CHANNELS = 4  # that OpenCV resizes, and fills with a border of their own


def groups(channels: int) -> list[slice]:
    """Which channels go through OpenCV together."""
    return [slice(first, first + MOST_CHANNELS) for first in range(0, channels, MOST_CHANNELS)]


def in_groups(work: Callable[[np.ndarray], np.ndarray], image: np.ndarray) -> np.ndarray:
    """What `work` makes of an image `(H, W, C)`, four channels at a time: `(h, w, C)`, or `(h, w)` of `(H, W)`."""
    if image.ndim == 2:
        return work(image)
    parts = [work(np.ascontiguousarray(image[..., group])) for group in groups(image.shape[2])]
    parts = [part if part.ndim == 3 else part[..., None] for part in parts]
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=2)


def resize(image: np.ndarray, height: int, width: int, how: str) -> np.ndarray:
    """Resize `(H, W, C)` or `(H, W)` to (height, width); the same array where nothing changes.

    Args:
        how: a name in `INTERPOLATION`.
    """
    if image.shape[:2] == (height, width):
        return image
    return in_groups(lambda part: cv2.resize(part, (width, height), interpolation=INTERPOLATION[how]), image)


def gaussian(
    image: np.ndarray,
    size: tuple[int, int],
    sigma_x: float,
    sigma_y: float = 0.0,
    border: int = cv2.BORDER_REFLECT_101,
) -> np.ndarray:
    """A Gaussian filter of `(H, W, C)` or `(H, W)`.

    Args:
        size: width and height of its kernel in px, odd; 0: by the deviation.
        sigma_x, sigma_y: deviations in px; 0: by the kernel, and along the columns as along the rows.
    """
    return in_groups(lambda part: cv2.GaussianBlur(part, size, sigma_x, sigmaY=sigma_y, borderType=border), image)


def sharpened(image: np.ndarray, k: float) -> np.ndarray:
    """`(H, W, C)` or `(H, W)` through a 3x3 kernel of 1+8k amid -k; integers saturate."""
    kernel = np.full((3, 3), -k)
    kernel[1, 1] = 1 + 8 * k
    return in_groups(lambda part: cv2.filter2D(part, -1, kernel), image)
