"""Made-up stained tissue: nuclei of two kinds, of which many touch, glands with a bright middle, red cells.

Pictures are `(H, W, 3)` red, green, blue. A slide's pictures share its stain; slides differ as those of two days do.
The same seed gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from maskwright.storage import write_bytes

PATTERN = r"SLIDE_(\d+)"
CLASSES = ("background", "large nucleus", "small nucleus", "gland")
PICTURES = 4  # a slide
_EDGE = 192  # px
_LARGE, _SMALL, _GLAND = 1, 2, 3
# Red, green and blue of what lies between, large and small nuclei, the glands' middles, and red cells.
_TINTS = [(226.0, 178, 205), (132, 96, 160), (76, 58, 128), (246, 236, 242), (188, 66, 86)]


@dataclass(frozen=True)
class Tissue:
    """A picture, `(H, W, 3)` uint8, and its class numbers `(H, W)` uint8, of `CLASSES`."""

    name: str
    image: np.ndarray
    label: np.ndarray


def make_tissue(slide: int, number: int, seed: int) -> Tissue:
    """One picture of a slide."""
    stain, rng = np.random.default_rng((seed, slide)), np.random.default_rng((seed, slide, number))
    tint = np.array(_TINTS) + stain.normal(0, 8, (len(_TINTS), 3))
    label = np.zeros((_EDGE, _EDGE), np.uint8)
    image = np.ones((_EDGE, _EDGE, 3)) * tint[0] + _fibres(rng)[..., None] * 14
    rim = np.zeros_like(label)
    for _ in range(rng.integers(1, 4)):
        place, axes, angle = rng.uniform(20, _EDGE - 20, 2), rng.uniform(16, 34, 2), rng.uniform(0, 180)
        rim |= _ellipse(place, axes + 9, angle) & ~_ellipse(place, axes, angle)
        label[_ellipse(place, axes, angle) > 0] = _GLAND
    image[label == _GLAND] = tint[3]
    for place in rng.uniform(0, _EDGE, (18, 2)):  # red cells, as dark as nuclei and no nuclei
        inside = (_ellipse(place, rng.uniform(3.0, 6.5, 2), rng.uniform(0, 180)) > 0) & (label == 0)
        image[inside] = tint[4] + rng.normal(0, 9)
    for kind, count, size, colour in ((_LARGE, 26, (8.5, 5.5), tint[1]), (_SMALL, 34, (3.6, 3.2), tint[2])):
        for place in _places(rng, rim if kind == _LARGE else np.ones_like(rim), count):
            axes = np.array(size) * rng.uniform(0.85, 1.2, 2)
            inside = (_ellipse(place, axes, rng.uniform(0, 180)) > 0) & (label != _GLAND)
            image[inside] = colour + rng.normal(0, 9)
            if kind == _LARGE:  # pale within, with grains
                pale = (_ellipse(place, axes * 0.6, 0) > 0) & inside
                image[pale] += 26
            label[inside] = kind
    image = cv2.GaussianBlur(image, (0, 0), 0.9) + cv2.GaussianBlur(rng.normal(0, 14, image.shape), (0, 0), 0.7)
    return Tissue(f"SLIDE_{slide:02d}-{number + 1}", np.clip(np.rint(image), 0, 255).astype(np.uint8), label)


def _places(rng: np.random.Generator, where: np.ndarray, count: int) -> np.ndarray:
    """Middles of nuclei, `(x, y)`: two of three along the glands' rims and one anywhere; some right beside another."""
    rows, columns = np.nonzero(where) if where.any() else np.nonzero(np.ones_like(where))
    chosen = rng.integers(0, len(rows), 2 * count // 3)
    near = np.stack([columns[chosen], rows[chosen]], axis=1).astype(float)
    places = np.concatenate([near, rng.uniform(0, _EDGE, (count - len(near), 2))])
    touching = rng.integers(0, count, count // 4)
    places[rng.integers(0, count, count // 4)] = places[touching] + rng.normal(0, 6, (count // 4, 2))
    return places


def _ellipse(place: np.ndarray, axes: np.ndarray, angle: float) -> np.ndarray:
    canvas = np.zeros((_EDGE, _EDGE), np.uint8)
    # In sixteenths of a pixel, so that outlines are not steps of whole ones.
    x, y, across, down = (round(16 * float(one)) for one in (*place, *axes))
    cv2.ellipse(canvas, (x, y), (across, down), angle, 0, 360, 1, -1, shift=4)
    return canvas


def _fibres(rng: np.random.Generator) -> np.ndarray:
    """Waves that run in one direction, between -1 and 1."""
    noise = cv2.GaussianBlur(rng.normal(0, 1, (_EDGE, _EDGE)), (0, 0), sigmaX=14, sigmaY=1.6)
    return noise / np.abs(noise).max()


def write_cells(
    folder: Path, slides: int, seed: int, step: Callable[[], None] = lambda: None, *, classes: bool = False
) -> None:
    """Write a data set: `images/` and `masks/`, PNG.

    Args:
        classes: masks of the class numbers of `CLASSES`; else 255 in each nucleus, whatever its kind.
    """
    for slide in range(1, slides + 1):
        for number in range(PICTURES):
            tissue = make_tissue(slide, number, seed)
            nuclei = np.isin(tissue.label, (_LARGE, _SMALL)).astype(np.uint8) * 255
            for part, array in (
                ("images", tissue.image[..., ::-1]),
                ("masks", tissue.label if classes else nuclei),
            ):
                write_bytes(folder / part / f"{tissue.name}.png", cv2.imencode(".png", array)[1].tobytes())
        step()
