"""What a prediction of pictures writes: a small object for each kind of file, given the folder that it may write to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from PIL import Image

from maskwright.config.schema import MaskSection, PredictSection
from maskwright.data.cases import CaseFiles
from maskwright.inference.journal import Kind
from maskwright.inference.masks import class_colour, mask_bytes, mask_suffix
from maskwright.inference.overlay import overlay
from maskwright.storage import write_bytes


@dataclass(frozen=True)
class Found:
    """A picture `(H, W[, C])`, its class numbers `(H, W)` and its probabilities `(H, W, K)`."""

    files: CaseFiles
    image: np.ndarray
    label: np.ndarray
    probabilities: np.ndarray


class Written(Kind, Protocol):
    """A kind of file that is written of a picture that was predicted as a whole."""

    def write(self, found: Found) -> Path:
        """Write it; where it is, or the last one of several."""


@dataclass(frozen=True)
class Masks:
    """The mask of each picture; see `mask_bytes`."""

    folder: Path
    options: PredictSection
    classes: int

    def name(self, files: CaseFiles) -> str:
        """Of the file."""
        return f"{files.name}{mask_suffix(self.options, self.classes)}"

    def names(self, files: CaseFiles) -> list[str]:
        """See `Written`."""
        return [self.name(files)]

    def write(self, found: Found) -> Path:
        """See `Written`."""
        return _kept(self.folder / self.name(found.files), mask_bytes(found.label, self.options, self.classes))


@dataclass(frozen=True)
class Overlays:
    """The outline over each picture, as PNG, or under the picture's own name in a folder of their own."""

    folder: Path
    outline: tuple[int, int, int]
    own_names: bool

    def name(self, files: CaseFiles) -> str:
        """Of the file."""
        return f"{files.name}{files.paths[0].suffix if self.own_names else '.png'}"

    def names(self, files: CaseFiles) -> list[str]:
        """See `Written`."""
        return [self.name(files)]

    def write(self, found: Found) -> Path:
        """See `Written`."""
        target = self.folder / self.name(found.files)
        return _kept(target, _encoded(overlay(found.image, found.label, self.outline), target.suffix))


@dataclass(frozen=True)
class Probabilities:
    """The probabilities as 16-bit PNG, one for each output of the network."""

    folder: Path
    count: int

    def names(self, files: CaseFiles) -> list[str]:
        """See `Written`."""
        endings = [""] if self.count == 1 else [f"_class{number}" for number in range(self.count)]
        return [f"{files.name}{ending}.png" for ending in endings]

    def write(self, found: Found) -> Path:
        """See `Written`."""
        for number, name in enumerate(self.names(found.files)):
            levels = np.rint(found.probabilities[..., number] * 65535).astype(np.uint16)
            target = _kept(self.folder / name, cv2.imencode(".png", levels)[1].tobytes())
        return target


@dataclass(frozen=True)
class Colours:
    """The mask in the colours of its classes, as PNG."""

    folder: Path
    colours: Sequence[tuple[int, int, int]]

    def names(self, files: CaseFiles) -> list[str]:
        """See `Written`."""
        return [f"{files.name}.png"]

    def write(self, found: Found) -> Path:
        """See `Written`."""
        (name,) = self.names(found.files)
        return _kept(self.folder / name, _encoded(np.array(self.colours, np.uint8)[found.label], ".png"))


def beside_masks(
    output: Path,
    overlays: Overlays | None,
    options: PredictSection,
    mask: MaskSection | None,
    classes: int,
    outputs: int,
) -> list[Written]:
    """What is written beside the masks, as [predict] asks.

    Args:
        output: folder of the masks. mask: colours of the classes; a palette's where None.
        outputs: of the network.
    """
    found: list[Written] = [] if overlays is None else [overlays]
    if options.probabilities:
        found.append(Probabilities(output / "probabilities", outputs))
    if options.class_colors:
        colours = list(mask.colors) if mask and mask.colors else [(0, 0, 0), *map(class_colour, range(1, classes))]
        found.append(Colours(options.class_colors_dir or output / "colors", colours))
    return found


def _kept(path: Path, data: bytes) -> Path:
    write_bytes(path, data)
    return path


def _encoded(picture: np.ndarray, suffix: str) -> bytes:
    buffer = BytesIO()
    kind = Image.registered_extensions().get(suffix.lower(), "PNG")
    Image.fromarray(picture).save(buffer, kind, **({"quality": 95} if kind == "JPEG" else {}))
    return buffer.getvalue()
