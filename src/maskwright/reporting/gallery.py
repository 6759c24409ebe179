"""The pictures of a report: slices of each patient, with prediction and truth as outlines that can be switched."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from maskwright.inference.overlay import viewable
from maskwright.labels.regions import IGNORED, inside
from maskwright.labels.rule import LabelRule

_EDGE = 384  # px, of the longer side
_MOST_SLICES = 24  # of a patient
COLOURS = 7  # of classes, in the style sheet


def colour(number: int) -> str:
    """The name of a class's colour in the style sheet; from the eighth class on they come again, as wider lines."""
    return f"k{(number - 1) % COLOURS + 1}"


@dataclass(frozen=True)
class Slide:
    """A slice: its title, its picture as a data URI, its size, and outlines as SVG paths of `(class, path)`."""

    title: str
    picture: str
    width: int
    height: int
    truth: list[tuple[int, str]]
    prediction: list[tuple[int, str]]


@dataclass
class Album:
    """The slides of a patient and its score."""

    patient: str
    dice: float
    slides: list[Slide] = field(default_factory=list)


def slide(
    title: str,
    image: np.ndarray,
    prediction: np.ndarray,
    truth: np.ndarray,
    rule: LabelRule,
    aspect: float = 1.0,
    levels: tuple[float, float] | None = None,
) -> Slide:
    """A slice `(H, W[, 3])` with its masks `(H, W)`.

    Args:
        aspect: height of a pixel in relation to its width. levels: black and white; the picture's own where None.
    """
    if levels is not None:
        low, high = levels
        image = np.rint(np.clip((image.astype(np.float32) - low) / max(high - low, 1e-6), 0, 1) * 255).astype(np.uint8)
    height, width = image.shape[0] * aspect, float(image.shape[1])
    scale = min(1.0, _EDGE / max(height, width))  # the page enlarges small ones
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(viewable(image), size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    data = cv2.imencode(".jpg", small[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 82])[1].tobytes()
    factors = size[0] / image.shape[1], size[1] / image.shape[0]
    picture = f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"
    return Slide(title, picture, *size, _outlines(truth, rule, factors), _outlines(prediction, rule, factors))


def _outlines(label: np.ndarray, rule: LabelRule, factors: tuple[float, float]) -> list[tuple[int, str]]:
    found = []
    for number in range(1, (len(rule.regions) + 1) if rule.regions else rule.classes):
        mask = inside(label, rule.regions[number - 1]) if rule.regions else label == number
        mask &= label != IGNORED
        if not mask.any():
            continue
        # Twice as fine, so that the outline lies on the edges of pixels and not on their centres.
        fine = np.kron(mask.astype(np.uint8), np.ones((2, 2), np.uint8))
        contours, _ = cv2.findContours(fine, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
        parts = []
        for contour in contours:
            points = (contour[:, 0] + 0.5) / 2 * factors
            parts.append("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points) + "Z")
        found.append((number, "".join(parts)))
    return found


def evenly(count: int, structure: Callable[[int], bool], most: int = _MOST_SLICES) -> list[int]:
    """Some of a patient's slices in their order: those that hold something and one beside them, evenly thinned."""
    busy = [index for index in range(count) if structure(index)]
    first, last = (max(busy[0] - 1, 0), min(busy[-1] + 1, count - 1)) if busy else (0, count - 1)
    return sorted({round(place) for place in np.linspace(first, last, min(most, last - first + 1))})


def worst_first(albums: Sequence[Album]) -> list[Album]:
    """In the order in which they are looked at."""
    return sorted(albums, key=lambda album: (album.dice, album.patient))
