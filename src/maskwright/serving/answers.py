"""A segmentation as what a client asked for: a file of the same kind, or JSON."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from maskwright.config.schema import PredictSection
from maskwright.errors import MaskwrightError
from maskwright.inference.in_memory import structure_names
from maskwright.inference.masks import class_colour, mask_bytes
from maskwright.inference.overlay import viewable
from maskwright.labels.regions import inside
from maskwright.models.metadata import Metadata
from maskwright.serving.intake import DICOM, PICTURE
from maskwright.serving.limits import Refused
from maskwright.serving.segmenter import SegmentedUpload
from maskwright.volumes import Volume
from maskwright.volumes.nifti import nifti_bytes

TYPES = {"png": "image/png", "nifti": "application/gzip", "seg": "application/dicom", "json": "application/json"}
_NAMES = {"png": "mask.png", "nifti": "mask.nii.gz", "seg": "mask.dcm", "scan": "scan.nii.gz", "image": "image.png"}
INCLUDES = ("rle", *_NAMES)


@dataclass(frozen=True)
class Answer:
    """A body, its media type, and the name under which a browser saves it; no body where there is nothing to say."""

    body: bytes | dict[str, Any] | None
    media_type: str
    name: str = ""


def answer(found: SegmentedUpload, metadata: Metadata, options: PredictSection, format: str, include: str) -> Answer:
    """The answer to a request.

    Args:
        format: `mask` (the kind of the upload), `png`, `nifti`, `seg` or `json`. include: of JSON, names of `INCLUDES`.

    Raises:
        Refused: a format that the upload's kind does not have.
    """
    if format == "json":
        return Answer(describe(found, metadata, options, wanted(include)), TYPES["json"])
    usual = {PICTURE: "png", DICOM: "seg"}.get(found.kind, "nifti")
    kind = usual if format == "mask" else format
    body = _file(kind, found, metadata, options)
    return Answer(body, TYPES[kind], _NAMES[kind]) if body else Answer(None, TYPES[kind])


def wanted(include: str) -> list[str]:
    """The names in `a,b`.

    Raises:
        Refused: 422, one that does not exist.
    """
    names = [name for name in re.split(r"[,\s]+", include) if name]
    if unknown := [name for name in names if name not in INCLUDES]:
        raise Refused(
            422, f"include={unknown[0][:40]} is unknown", f"Names of {', '.join(INCLUDES)}, with commas between."
        )
    return names


def describe(found: SegmentedUpload, metadata: Metadata, options: PredictSection, include: list[str]) -> dict[str, Any]:
    """JSON: size, place and structures, and what is to be included: masks as run lengths, files in base 64."""
    what, labels = found.what, found.what.labels
    array = labels.array if isinstance(labels, Volume) else labels
    plain: dict[str, Any] = {"kind": found.kind, "size": list(array.shape)}
    if isinstance(labels, Volume):
        plain |= {
            "orientation": labels.grid.orientation,
            "spacing_mm": list(labels.grid.spacing),
            "affine": labels.affine.tolist(),
        }
    plain["labels"] = [
        {"number": number, "name": name, "color": _colour(number)} for number, name in what.names.items() if number
    ]
    structures = []
    regions = dict(zip(metadata.class_names[1:], metadata.label_rule.regions, strict=False))
    for number, (key, name) in enumerate(structure_names(metadata).items(), start=1):
        facts = {"number": number, "name": name, "color": _colour(number)}
        facts |= what.structures.get(key, {"voxels": 0, "volume_ml": 0.0} if isinstance(labels, Volume) else {})
        if "rle" in include:
            facts["rle"] = run_lengths(inside(array, regions[name]) if regions else array == number)
        structures.append(facts)
    files = {_NAMES[kind]: _file(kind, found, metadata, options) for kind in include if kind != "rle"}
    encoded = {name: base64.b64encode(body).decode() if body else None for name, body in files.items()}
    return plain | {"structures": structures} | ({"files": encoded} if files else {})


def _colour(number: int) -> str:
    return "#{:02x}{:02x}{:02x}".format(*class_colour(number))


def run_lengths(mask: np.ndarray) -> list[int]:
    """How many zeros, then ones, then zeros, …, with the last axis fastest; the first may be 0."""
    flat = np.concatenate([[0], mask.ravel().astype(np.int8), [0]])
    changes = np.flatnonzero(np.diff(flat))
    ends = changes if changes.size and changes[-1] == mask.size else np.append(changes, mask.size)
    return [int(length) for length in np.diff(ends, prepend=0)]


def from_run_lengths(lengths: list[int], size: list[int]) -> np.ndarray:
    """The mask that `run_lengths` was made of."""
    values = np.arange(len(lengths)) % 2 == 1
    return np.repeat(values, lengths).reshape(size)


def _file(kind: str, found: SegmentedUpload, metadata: Metadata, options: PredictSection) -> bytes | None:
    labels, image = found.what.labels, found.what.image
    if (kind in ("png", "image")) is isinstance(labels, Volume):
        raise Refused(422, f"a {found.kind} cannot be answered as {kind}", "Leave format out, or ask for json.")
    if isinstance(labels, np.ndarray):
        if kind == "image":
            return cv2.imencode(".png", viewable(np.asarray(image))[..., ::-1])[1].tobytes()
        return mask_bytes(labels, options.model_copy(update={"format": "png"}), metadata.label_rule.classes)
    assert isinstance(image, Volume)
    if kind in ("nifti", "scan"):
        return nifti_bytes(labels if kind == "nifti" else image, packed=True)
    if found.kind != DICOM:
        raise Refused(422, "a DICOM segmentation refers to a DICOM series", "Send the series, or ask for nifti.")
    if not labels.array.any():
        return None  # DICOM has no empty segmentation
    from maskwright.volumes.dicom_seg import segmentation_bytes

    try:
        return segmentation_bytes(labels, image, Path(_NAMES[kind]), found.what.names)
    except MaskwrightError as error:
        raise Refused.because(error, Path(image.name)) from None
