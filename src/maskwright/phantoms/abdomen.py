"""A made-up abdomen: overlapping organs with CT-like intensities, noise, and an elongated pancreas among them.

Volumes are `(D, H, W)` in Hounsfield units (HU), head first; slices are cut from them through a soft-tissue window.
The same seed gives the same bytes. Nothing here is a patient.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import nibabel
import numpy as np

from maskwright.storage import atomic, write_bytes

SPACING = (5.0, 2.8, 2.8)  # mm between slices, rows and columns
WINDOW = (-110.0, 190.0)  # HU that become black and white
PATTERN = r"PHANTOM_(\d+)"
_SHAPE = (20, 128, 128)
_BLUR = 0.8  # px, the scanner's resolution
_NOISE = 14.0  # HU


@dataclass(frozen=True)
class Phantom:
    """A volume in HU, `(D, H, W)` float32, and its label, uint8, 1 where the pancreas is."""

    name: str
    volume: np.ndarray
    label: np.ndarray


def make_phantom(patient: int, seed: int) -> Phantom:
    """One patient; every organ differs in place, size, tilt and enhancement."""
    rng = np.random.default_rng((seed, patient))
    z, y, x = _grid()
    x, y = x + rng.normal(0, 0.02), y + rng.normal(0, 0.02)
    size = rng.uniform(0.94, 1.04)
    x, y, z = x / size, y / size, z + rng.normal(0, 0.05)
    volume = np.full(_SHAPE, -1000.0, np.float32)

    def paint(inside: np.ndarray, level: float) -> None:
        volume[inside] = level

    def organ(cx: float, cy: float, cz: float, rx: float, ry: float, rz: float, level: float) -> None:
        shift, grow = rng.normal(0, 0.025, 3), rng.uniform(0.88, 1.12, 3)
        tilt = rng.normal(0, 0.25)
        dx, dy = x - cx - shift[0], y - cy - shift[1]
        u, v = dx * np.cos(tilt) + dy * np.sin(tilt), dy * np.cos(tilt) - dx * np.sin(tilt)
        w = z - cz - shift[2]
        inside = (u / (rx * grow[0])) ** 2 + (v / (ry * grow[1])) ** 2 + (w / (rz * grow[2])) ** 2 < 1
        paint(inside & body, level + rng.normal(0, 4))

    skin = (x / 0.92) ** 2 + (y / 0.70) ** 2
    body = skin < 1
    paint(body, -100)  # fat
    paint(body & (skin > 0.80) & (skin < 0.93), 55)  # muscle
    organ(0.0, 0.44, 0.0, 0.13, 0.14, 9.0, 230)  # spine
    organ(-0.20, 0.42, 0.0, 0.13, 0.10, 9.0, 60)  # psoas
    organ(0.20, 0.42, 0.0, 0.13, 0.10, 9.0, 60)
    organ(-0.46, -0.08, -0.25, 0.34, 0.42, 1.0, 108)  # liver
    organ(0.58, 0.12, -0.45, 0.17, 0.26, 0.6, 120)  # spleen
    organ(-0.36, 0.28, 0.45, 0.13, 0.15, 0.7, 155)  # kidneys
    organ(0.38, 0.28, 0.30, 0.13, 0.15, 0.7, 155)
    organ(0.30, -0.24, -0.35, 0.28, 0.20, 0.6, 35)  # stomach
    organ(-0.16, 0.06, 0.25, 0.08, 0.13, 0.7, 45)  # duodenum, at the pancreas's head
    for _ in range(6):  # bowel
        organ(rng.uniform(-0.5, 0.5), rng.uniform(-0.45, -0.15), rng.uniform(0.4, 1.0), 0.12, 0.09, 0.25, 40)
    label = _pancreas(rng, x, y, z) & body
    paint(label, 88 + rng.normal(0, 4))
    organ(0.05, 0.25, 0.0, 0.05, 0.05, 9.0, 185)  # aorta and vena cava, over what they cross
    organ(-0.08, 0.25, 0.0, 0.06, 0.05, 9.0, 170)
    label &= np.abs(volume - 88) < 25  # what the vessels covered is no pancreas
    return Phantom(f"PHANTOM_{patient:03d}", _scan(volume, rng), label.astype(np.uint8))


def _grid() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    axes = (np.linspace(-1, 1, n, dtype=np.float32) for n in _SHAPE)
    z, y, x = np.meshgrid(*axes, indexing="ij")
    return z, y, x


def _pancreas(rng: np.random.Generator, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """A bent tube from the duodenum to the spleen, thick at its head, lobed along its way."""
    t = np.linspace(0, 1, 40)
    bend, rise = rng.uniform(0.06, 0.16), rng.uniform(0.45, 0.75)
    path = np.stack(
        [
            -0.10 + 0.56 * t + rng.normal(0, 0.02),
            0.08 - bend * np.sin(np.pi * t) + 0.05 * t + rng.normal(0, 0.02),
            0.35 - rise * t + rng.normal(0, 0.04),
        ],
        axis=1,
    )
    phase = rng.uniform(0, 2 * np.pi)
    radius = (0.095 - 0.045 * t) * (1 + 0.15 * np.sin(9 * t + phase)) * rng.uniform(0.9, 1.15)
    inside = np.zeros(x.shape, bool)
    for (px, py, pz), r in zip(path, radius, strict=True):
        # A slice is thicker than a pixel: along z the tube spans about two slices more than across.
        inside |= ((x - px) / r) ** 2 + ((y - py) / r) ** 2 + ((z - pz) / (2.2 * r)) ** 2 < 1
    return inside


def _scan(volume: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Blur by the scanner's resolution, and add noise that neighbours share, as reconstruction leaves it."""
    scanned = np.empty_like(volume)
    for number, plane in enumerate(volume):
        noise = rng.standard_normal(plane.shape, dtype=np.float32) * np.float32(_NOISE * 2.2)
        scanned[number] = cv2.GaussianBlur(plane, (0, 0), _BLUR) + cv2.GaussianBlur(noise, (0, 0), 0.8)
    return np.rint(scanned)


def to_grey(hounsfield: np.ndarray) -> np.ndarray:
    """HU through the window to 8-bit grey."""
    low, high = WINDOW
    return np.rint(np.clip((hounsfield - low) / (high - low), 0, 1) * 255).astype(np.uint8)


def write_phantoms(
    folder: Path, patients: int, seed: int, step: Callable[[], None] = lambda: None, *, every: int = 1
) -> None:
    """Write a data set: `images/`, `masks/` (PNG slices) and `volumes/` (NIfTI, HU, with labels).

    Args:
        every: keep each n-th slice of those that hold pancreas, and as many at the ends without any.
    """
    for patient in range(1, patients + 1):
        phantom = make_phantom(patient, seed)
        for kind, array in (("", phantom.volume), ("-label", phantom.label)):
            _write_volume(folder / "volumes" / f"{phantom.name}{kind}.nii.gz", array)
        filled = np.flatnonzero(phantom.label.any(axis=(1, 2)))
        outside = [z for z in (filled[0] - 2, filled[-1] + 2) if 0 <= z < len(phantom.volume)]
        for z in sorted([*filled[::every], *outside]):
            name = f"{phantom.name}-{z + 1:03d}.png"
            for part, plane in (("images", to_grey(phantom.volume[z])), ("masks", phantom.label[z] * 255)):
                write_bytes(folder / part / name, cv2.imencode(".png", plane)[1].tobytes())
        step()


def _write_volume(path: Path, array: np.ndarray) -> None:
    # Columns run to the left and rows to the back: the negative axes of NIfTI's right-anterior-superior frame.
    affine = np.diag([-SPACING[2], -SPACING[1], -SPACING[0], 1.0])
    image = nibabel.Nifti1Image(array.transpose(2, 1, 0).astype(np.int16), affine)
    image.header.set_xyzt_units("mm")
    with atomic(path) as temporary:
        # gzip notes the time and the temporary name; without them the same seed gives the same bytes.
        import gzip

        with temporary.open("wb") as file, gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as packed:
            packed.write(image.to_bytes())
