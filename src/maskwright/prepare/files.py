"""A prepared data set on disk: where everything lies, its manifest, and what puts slices back."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from maskwright.errors import MaskwrightError
from maskwright.prepare.scan_labels import structure
from maskwright.prepare.slices import Cut
from maskwright.sheets import write_sheet
from maskwright.storage import make_folder, write_bytes, write_json
from maskwright.typed import shown
from maskwright.untrusted.tables import read_table
from maskwright.untrusted.text import read_json

PARTS = ("train", "valid", "test")
COLUMNS = ("file", "patient", "split", "slice", "position_mm", "slice_mm", "row_mm", "column_mm", "crop_margin",
           "foreground_px", "whole", "scan", "labels")  # fmt: skip


_DAMAGED = "is a damaged file of where slices lie"
_AGAIN = "Remove it, and prepare the data set again: what is complete stays as it is."
_GEOMETRY = {
    "affine": [[float]], "shape": [int], "box": [[int]], "size": (int, [int]), "split": str, "structures": (dict, list),
    "rows": [{"file": str, "patient": str, "slice": int, "crop_margin": int}],
}  # fmt: skip


def _wrong(facts: dict[str, Any]) -> str | None:
    """What no scan has that was cut into slices, in words."""
    affine, shape, box = np.array(facts["affine"], dtype=object), facts["shape"], facts["box"]
    if affine.shape != (4, 4) or not np.isfinite(affine.astype(np.float64)).all():
        return "affine has not 4 x 4 numbers"
    if len(shape) != 3 or not all(0 < edge <= 1 << 16 for edge in shape) or np.prod(shape, dtype=float) > 1 << 33:
        return f"shape is {shown(shape)}"
    if len(box) != 3 or not all(len(one) == 2 and 0 <= one[0] < one[1] <= n for one, n in zip(box, shape, strict=True)):
        return f"box is {shown(box)}"
    size = facts["size"] if isinstance(facts["size"], list) else [facts["size"]]
    if len(size) > 2 or not all(0 < edge <= 1 << 16 for edge in size) or not size:
        return f"size is {shown(facts['size'])}"
    if facts["split"] not in PARTS:
        return f"split is {shown(facts['split'])}"
    for row in facts["rows"]:
        if not 1 <= row["slice"] <= shape[0] or row["crop_margin"] < 0 or not _is_name(row["file"]):
            return f"a row is {shown(row)}"
    return None


def _is_name(text: str) -> bool:
    return Path(text).name == text and len(text.encode()) < 256  # what file systems take


@dataclass(frozen=True)
class Prepared:
    """The folder of a prepared data set."""

    path: Path

    def images(self, part: str) -> Path:
        """Folder of a part's images."""
        return self.path / part / "images"

    def masks(self, part: str) -> Path:
        """Folder of a part's masks."""
        return self.path / part / "masks"

    def geometry(self, patient: str) -> Path:
        """What puts a patient's slices back; written last, so that it says that the patient is done."""
        return self.path / "geometry" / f"{patient}.json"

    @property
    def manifest(self) -> Path:
        """A line a slice."""
        return self.path / "manifest.csv"

    @property
    def config(self) -> Path:
        """A configuration that trains on it."""
        return self.path / "config.toml"

    def read_geometry(self, patient: str) -> dict[str, Any] | None:
        """What `geometry` holds, or None where the patient is not done.

        Raises:
            MaskwrightError: it is damaged.
        """
        path = self.geometry(patient)
        if not path.exists():
            return None
        found: dict[str, Any] = read_json(path, what=_DAMAGED, fix=_AGAIN, like=_GEOMETRY)
        if wrong := _wrong(found):
            raise MaskwrightError(f"{_DAMAGED}: {wrong}", where=path, fix=_AGAIN)
        return found

    def patients(self) -> list[str]:
        """Patients that are done, by name."""
        return sorted(path.stem for path in (self.path / "geometry").glob("*.json"))


def open_prepared(path: Path) -> Prepared:
    """An existing prepared data set.

    Raises:
        MaskwrightError: the folder is none.
    """
    found = Prepared(Path(path))
    if not found.patients():
        raise MaskwrightError(
            "is no prepared data set (it has no geometry/)",
            where=path,
            fix="Name the folder that `maskwright prepare` made.",
        )
    return found


def slice_name(patient: str, index: int, crop: int | None) -> str:
    """`PATIENT-0012`, and `PATIENT-crop40-0012` for a centre crop; the number is the slice's, from 1."""
    return f"{patient}-{f'crop{crop}-' if crop else ''}{index + 1:04d}"


def slice_spacing(facts: dict[str, Any], crop: int = 0) -> tuple[float, float, float]:
    """Distances of a patient's slices, and of rows and columns in their pictures, in mm.

    Args:
        facts: as in its geometry. crop: margin in px that was cut off before the picture was brought to its size.
    """
    steps = np.linalg.norm(np.array(facts["affine"])[:3, :3], axis=0)
    size = np.array(facts["size"])
    scale = np.array([b - a for a, b in facts["box"]][1:]) / size * (size - 2 * crop) / size
    return float(steps[0]), float(steps[1] * scale[0]), float(steps[2] * scale[1])


def write_patient(target: Prepared, patient: str, part: str, done: Cut, classes: int, facts: dict[str, Any]) -> None:
    """Write a patient's slices and, last, the geometry that says that they are complete."""
    rows = []
    white = classes == 2 and not facts.get("ignore")  # else one structure is written by its number too
    affine = np.array(done.facts["affine"])
    normal = np.cross(affine[:3, 2], affine[:3, 1])
    normal /= np.linalg.norm(normal)
    for one in done.slices:
        name = slice_name(patient, one.index, one.crop)
        shown = one.mask * np.uint8(255) if white else one.mask
        for folder, picture in ((target.images(part), one.image), (target.masks(part), shown)):
            write_bytes(folder / f"{name}.png", cv2.imencode(".png", picture)[1].tobytes())
        spacing = slice_spacing(done.facts, one.crop or 0)
        place = (affine @ [one.index, 0, 0, 1])[:3]
        rows.append(
            {
                "file": f"{name}.png", "patient": patient, "split": part, "slice": one.index + 1,
                "position_mm": f"{float(normal @ place):.4f}", "slice_mm": f"{spacing[0]:.6g}",
                "row_mm": f"{spacing[1]:.6g}", "column_mm": f"{spacing[2]:.6g}",
                "crop_margin": one.crop or 0, "foreground_px": int(structure(one.mask).sum()),
                "whole": "no" if done.facts["not_whole"] else "yes",
            }
        )  # fmt: skip
    make_folder(target.path / "geometry")
    write_json(target.geometry(patient), {**done.facts, **facts, "split": part, "rows": rows})


def forget_patient(target: Prepared, patient: str) -> None:
    """Remove what was written of a patient that is not complete, and nothing of one whose name begins alike."""
    ours = re.compile(re.escape(patient) + r"-(crop\d+-)?\d{4,}\.png")
    for part in PARTS:
        for folder in (target.images(part), target.masks(part)):
            for path in folder.iterdir() if folder.is_dir() else ():
                if ours.fullmatch(path.name):
                    path.unlink(missing_ok=True)


def is_complete(target: Prepared, patient: str) -> bool:
    """Whether a patient is done and all its slices are there."""
    facts = target.read_geometry(patient)
    if facts is None:
        return False
    folders = (target.images(facts["split"]), target.masks(facts["split"]))
    return all((folder / row["file"]).is_file() for row in facts["rows"] for folder in folders)


def write_manifest(target: Prepared, patients: Sequence[str]) -> int:
    """Write the manifest of all patients that are done; how many slices it lists."""
    rows: list[dict[str, Any]] = []
    for patient in patients:
        facts = target.read_geometry(patient)
        assert facts is not None
        rows += ({**row, "scan": facts["scan"], "labels": facts["labels"]} for row in facts["rows"])
    write_sheet(target.manifest, COLUMNS, rows)
    return len(rows)


def read_manifest(target: Prepared) -> list[dict[str, str]]:
    """Its lines.

    Raises:
        MaskwrightError: there is none, or it is damaged.
    """
    return read_table(target.manifest, COLUMNS, fix=_AGAIN)
