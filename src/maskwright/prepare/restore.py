"""Prepared slices put back: masks of slices become a label map on the scan's own voxels."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from maskwright.data.mask_files import read_label
from maskwright.data.preprocess import resize_label
from maskwright.errors import MaskwrightError
from maskwright.labels.regions import IGNORED
from maskwright.labels.rule import LabelRule
from maskwright.prepare.files import Prepared, slice_name
from maskwright.volumes import Volume


def restore(target: Prepared, patient: str, masks: Path | None = None) -> Volume:
    """The label map of a patient, from the masks that were prepared or from predicted ones.

    Args:
        masks: folder of masks under the slices' names (PNG or JPEG); the prepared ones where None.

    Returns:
        `(D, H, W)` uint8 class numbers on the grid of the turned scan, whose voxels are the scan's own. Slices that
        were left out, and what was cropped away, are 0; void is 255.

    Raises:
        MaskwrightError: the patient is not in the data set, or not one of its slices is there.
    """
    facts = target.read_geometry(patient)
    if facts is None:
        raise MaskwrightError(
            f"has no patient {patient!r}", where=target.path, fix=f"Patients: {', '.join(target.patients()[:8])}."
        )
    folder = masks or target.masks(facts["split"])
    array = np.zeros(facts["shape"], np.uint8)
    box = tuple(slice(*edges) for edges in facts["box"])
    classes = len(facts["structures"]) + 1
    void = IGNORED if facts.get("ignore") else None
    prepared_void = void is not None and masks is None  # then one structure too is written by its number
    rule = LabelRule("index" if classes > 2 or prepared_void else "binary", classes, ignore=void)
    found = 0
    for row in facts["rows"]:
        if int(row["crop_margin"]):
            continue  # the whole slice says more
        index = int(row["slice"]) - 1
        path = next(
            (p for s in (".png", ".jpg") if (p := folder / f"{slice_name(patient, index, None)}{s}").exists()), None
        )
        if path is None:
            continue
        label = read_label(path, rule)
        height, width = array[index][box[1:]].shape
        array[index][box[1:]] = resize_label(label, height, width)
        found += 1
    if not found:
        raise MaskwrightError(f"holds no mask of {patient}", where=folder, fix="Masks have the names of their slices.")
    return Volume(array, np.array(facts["affine"]))


def patients_in(target: Prepared, masks: Path) -> list[str]:
    """Patients of whom a folder has masks."""
    names = {re.sub(r"(-crop\d+)?-\d+$", "", path.stem) for path in masks.iterdir()}
    return [patient for patient in target.patients() if patient in names]


def structure_names(target: Prepared, patient: str) -> dict[int, str]:
    """Names of the classes of a patient's masks."""
    facts = target.read_geometry(patient) or {}
    void = {IGNORED: "void"} if facts.get("ignore") else {}
    return dict(enumerate(facts.get("structures", {}), start=1)) | void
