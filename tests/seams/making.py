"""Data sets on disk for a row of the matrix, and how their files are read again: without Maskwright."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import nibabel
import numpy as np
import tifffile
import tomli_w
from cases import Row
from PIL import Image

SIZE = (32, 24)  # of the network's input; of volumes 16 slices, rows and columns
PATCH = 16
IGNORE = 200
# patients of each part; the last of each has one scan where the others have two
PARTS = {"train": (0, 1, 2), "valid": (3, 4), "test": (5, 6)}
REGIONS = {"whole": [1, 2, 4], "core": [2, 4], "middle": [4]}
TOP = {"8": (0, 255, np.uint8), "12 in 16": (0, 4095, np.uint16), "16": (0, 65535, np.uint16),
       "float": (-0.5, 1.5, np.float32)}  # fmt: skip


@dataclass(frozen=True)
class Study:
    """A data set, its configuration, and what the numbers in its masks are."""

    row: Row
    folder: Path

    @property
    def config(self) -> Path:
        return self.folder / "config.toml"

    @property
    def scans(self) -> bool:
        return self.row.kind == "volumes"

    @property
    def ending(self) -> str:
        return ".nii.gz" if self.scans else ".png"

    @property
    def members(self) -> list[tuple[list[int], list[int]]]:
        """Of each class or region its numbers in predicted masks and in masks of truth."""
        if self.row.classes == "1":
            return [([1] if self.scans else [255], [1] if self.scans else [255])]
        numbers = REGIONS.values() if self.row.classes == "regions" else ([1], [2])
        return [(list(one), list(one)) for one in numbers]

    def images(self, part: str) -> Path:
        return self.folder / part / "images"

    def cases(self, part: str, predicted: Path) -> list[tuple]:
        """`(patient, mask, truth, spacing)` of each picture or scan of a part, for the judge."""
        found = []
        for path in sorted((self.folder / part / "masks").iterdir()):
            truth, spacing = read(path)
            found.append((path.name.split("-")[0], read(predicted / path.name)[0], truth, spacing))
        return found


def read(path: Path) -> tuple[np.ndarray, tuple[float, ...]]:
    """The numbers in a mask's file, and mm (or px) along each axis; scans turned to the canonical axes."""
    if path.name.endswith(".png"):
        return np.asarray(Image.open(path)), (1.0, 1.0)
    scan = nibabel.as_closest_canonical(nibabel.load(path))
    return np.asarray(scan.dataobj).astype(np.int64), tuple(float(edge) for edge in scan.header.get_zooms()[:3])


def make(row: Row, folder: Path) -> Study:
    """Write a data set: 7 patients with 4 slices, or with 1 or 2 scans, each."""
    study = Study(row, folder)
    for part, patients in PARTS.items():
        for kind in ("images", "masks"):
            (folder / part / kind).mkdir(parents=True)
        for patient in patients:
            count = (1 if patient == patients[-1] else 2) if study.scans else 4
            for number in range(count):
                label, levels = drawn(row, np.random.default_rng((patient, number)), number)
                target = folder / part, f"P{patient}-{number}"
                (_write_scan if study.scans else _write_picture)(row, *target, label, levels)
    study.config.write_text(tomli_w.dumps(_config(row)), encoding="utf-8")
    return study


def drawn(row: Row, rng: np.random.Generator, number: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels and levels `(…, C)` of a shape in a shape; the ratio tells how many pixels it has."""
    edges = np.array(SIZE)
    if row.kind == "padded" or (row.kind == "patches" and row.ratio == 1):
        edges = rng.integers((24, 18), edges + 1)
    elif row.kind == "patches":
        edges = rng.integers(20, 60, 2)
    elif row.kind == "volumes":  # in one window where the ratio is 1, else in several
        edges = rng.integers(13, 17, 3) if row.ratio == 1 else rng.integers(14, 21, 3)
    shape = tuple(round(edge * row.ratio) for edge in edges)
    places = np.stack(np.meshgrid(*[np.linspace(-1, 1, edge) for edge in shape], indexing="ij"))
    middle = rng.uniform(-0.15, 0.15, len(shape)) + 0.04 * number
    far = np.sqrt(((places.T - middle).T ** 2).sum(axis=0))
    label = np.select([far < 0.3, far < 0.5, far < 0.7], [4, 2, 1], 0).astype(np.uint8)
    # Each channel shows each structure in a contrast of its own.
    levels = np.array([0.25, 0.5, 0.7, 0, 0.85])[label][..., None] * np.linspace(1, 0.6, row.channels)
    levels = np.clip(levels + rng.normal(0, 0.03, levels.shape), 0, 1)
    if row.classes != "regions":
        label = {"1": np.array([0, 1, 1, 0, 1]), "3": np.array([0, 1, 2, 0, 2])}[row.classes][label].astype(np.uint8)
    if row.ignored and number % 2 == 0:  # a band through the structure, in every other case
        label[..., : shape[-1] * 2 // 5] = IGNORE
    return label, levels


def _levels(row: Row, levels: np.ndarray) -> np.ndarray:
    low, high, kind = TOP[row.depth]
    found = low + levels * (high - low)
    return found.astype(kind) if kind is np.float32 else np.rint(found).astype(kind)


def _write_picture(row: Row, folder: Path, name: str, label: np.ndarray, levels: np.ndarray) -> None:
    """Grey and colours as PNG, four channels as four files, nine as the bands of a TIFF; floats as TIFF always."""
    bands = _levels(row, levels)
    ending = "tif" if row.depth == "float" else "png"
    files = {f"{name}_b{k}.{ending}": bands[..., k] for k in range(4)} if row.channels == 4 else {}
    if row.channels in (1, 3):
        files = {f"{name}.{ending}": bands[..., 0] if row.channels == 1 else bands}
    for file, array in files.items():
        if ending == "tif":
            tifffile.imwrite(folder / "images" / file, array)
        else:
            cv2.imwrite(
                str(folder / "images" / file), np.ascontiguousarray(array[..., ::-1] if array.ndim == 3 else array)
            )
    if row.channels == 9:
        tifffile.imwrite(folder / "images" / f"{name}.tif", bands, photometric="minisblack", planarconfig="contig")
    shown = np.where(label == 1, 255, label).astype(np.uint8) if row.classes == "1" else label
    Image.fromarray(shown).save(folder / "masks" / f"{name}.png")


def _write_scan(row: Row, folder: Path, name: str, label: np.ndarray, levels: np.ndarray) -> None:
    """A file a channel; columns run to the left in some scans, and slices of a truth the other way than its scan's."""
    bands, turned = _levels(row, levels), int(name[1]) % 2 == 1
    affine = np.diag([-1.0 if turned else 1.0, 1.0, 2.0, 1.0])
    affine[:3, 3] = 10, -5, 3
    for place in range(row.channels):
        file = f"{name}_b{place}.nii.gz" if row.channels > 1 else f"{name}.nii.gz"
        _save(folder / "images" / file, bands[..., place], affine)
    other = affine.copy()
    other[2, 3] += 2.0 * (label.shape[2] - 1)
    other[2, 2] *= -1
    _save(folder / "masks" / f"{name}.nii.gz", label[:, :, ::-1], other)


def _save(path: Path, array: np.ndarray, affine: np.ndarray) -> None:
    image = nibabel.Nifti1Image(array, affine)
    image.set_sform(affine, 1)
    image.set_qform(affine, 1)
    nibabel.save(image, path)


def _config(row: Row) -> dict:
    scans, regions = row.kind == "volumes", row.classes == "regions"
    data = {"patient_pattern": r"P(\d+)-", "cache_dir": "cache"}
    for part in PARTS:
        data[part] = {kind: f"{part}/{kind}" for kind in ("images", "masks")}
    ending = "nii.gz" if scans else "tif" if row.depth == "float" else "png"
    if (scans and row.channels > 1) or row.channels == 4:
        data["channel_patterns"] = [f"*_b{place}.{ending}" for place in range(row.channels)]
    if row.kind == "2.5D":
        data |= {"neighbours": 1, "slice_pattern": r"-(\d+)$"}
    if row.kind in ("padded", "patches"):
        data |= {"fit": {"padded": "pad", "patches": "patch"}[row.kind], "pixel_size": row.ratio}
    if scans:
        data["spacing"] = [2 * row.ratio, row.ratio, row.ratio]
    mask = {"regions": REGIONS} if regions else {}
    mask |= {"ignore": IGNORE} if row.ignored else {}
    edges = {"image_depth": PATCH, "image_height": PATCH, "image_width": PATCH}
    model = edges if scans else {"image_height": SIZE[0], "image_width": SIZE[1]}
    model |= {"name": "unet_3d" if scans else "unet", "image_channels": row.channels, "num_layers": 2}
    model |= {"base_filters": 4, "num_classes": 1 if row.classes == "1" else 3}
    train = {
        "epochs": 4 if row.kind == "patches" else 2,
        "batch_size": 2 if scans else 4,
        "steps_per_epoch": 16 if scans else 30,
        "precision": "float32",
    }
    train |= {"loss": "dice_ce_loss", "learning_rate": 0.02, "learning_rate_schedule": "cosine"}
    return {
        "data": data, "mask": mask, "model": model, "train": train,
        "augmentation": {"probability": 0.3}, "predict": {"precision": "float32", "overlays": False},
    }  # fmt: skip
