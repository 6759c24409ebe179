"""[prepare]: how scans become image/mask pairs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from maskwright.config.schema.base import HIGHEST_SEED, Section, key
from maskwright.config.schema.data import Pattern
from maskwright.config.schema.scans import WINDOWS, Orientation, Window


class PrepareSection(Section):
    """How scans and their label maps become pairs of slices (`maskwright prepare`)."""

    scans_dir: Path | None = key(
        None,
        "Folder of the scans: a file (NIfTI, NRRD, MHA, zip) or a folder (DICOM) a patient.",
        example="Pancreas-CT",
        reference="generator.dcms_dir",
    )
    labels_dir: Path | None = key(
        None, "Folder of their label maps.", example="labels", reference="generator.labels_dir"
    )
    output_dir: Path | None = key(
        None, "Folder of the pairs to be made.", example="dataset", reference="generator.output_dir"
    )
    scan_pattern: Pattern = key(
        None,
        "Regular expression with one group that finds the patient in the name of a scan; the name itself where absent.",
        example=r"PANCREAS_(\d+)",
    )
    label_pattern: Pattern = key(
        None,
        "The same for label maps. Without patterns a label map belongs to the scan of its name, else of its number.",
        example=r"label(\d+)",
    )
    label_geometry: Literal["affine", "slices"] = key(
        "affine",
        "`affine`: a label map lies where its header says, and must lie on its scan. `slices`: its header is not to be "
        "trusted (as in NIH Pancreas-CT); its slices are the scan's in the order of their instance numbers, its "
        "columns and rows the scan's.",
    )
    structures: dict[str, list[Annotated[int, Field(ge=1, le=65535)]]] = key(
        {},
        "Structures by name, each of one or more label numbers; the first is class 1. Without it label maps must hold "
        "one number beside 0, or `dataset.json` of nnU-Net beside them says what they hold.",
        example={"pancreas": [7]},
    )
    ignore: list[Annotated[int, Field(ge=1, le=65535)]] = key(
        [],
        "Label numbers that count for nothing (void): 255 in the masks, and left out in training and in scores.",
        example=[255],
    )
    regions: dict[str, list[str]] = key(
        {},
        "Overlapping regions, each of several structures: `mask.regions` of the configuration that is made.",
        example={"whole": ["oedema", "core"], "core": ["core"]},
    )
    series: str | None = key(
        None,
        "Which series of DICOM folders that hold several: the beginning of its UID or description.",
        example="AXIAL",
    )
    resample_slices: bool = key(
        False,
        "DICOM slices at uneven distances are read at the smallest distance, interpolated between those that are "
        "there, instead of being refused. Label maps must lie on the slices that come of it.",
    )
    window: Window = key(
        "abdomen",
        "What becomes black and white: a named window ("
        + ", ".join(f"`{name}` {level:g}/{width:g}" for name, (level, width) in WINDOWS.items())
        + "), `level/width`, `full` (smallest to largest value of the scan) or `percentiles` (0.5 to 99.5, for MR).",
        unit="HU",
        example="40/400",
    )
    depth: Literal[8, 16] = key(8, "Bits of the images.")
    orientation: Orientation = key(
        "SPL",
        "Directions in which slices, rows and columns follow each other: S or I (head, feet), P or A (back, front), L "
        "or R (the patient's left, right). `SPL` are axial slices as on a screen, `RIP` sagittal, `AIL` coronal ones.",
    )
    empty_share: float = key(
        0.2,
        "Training: largest share of a patient's slices that have no structure in them, spread evenly; 0 leaves all "
        "such out, 1 keeps all. Validation and test patients keep every slice: what is scored is never chosen by its "
        "truth.",
        ge=0,
        le=1,
    )
    crop: Literal["none", "body", "structures"] = key(
        "none",
        "Cut each scan to the box around the body, or (training only) around its structures, which a new scan does not "
        "have.",
    )
    crop_border: float = key(10.0, "What is kept around that box.", unit="mm", ge=0)
    center_crops: bool = key(
        False,
        "Training: add the centre crops of `crop_margins`; they belong to their patient.",
        reference="augmentor.crop",
    )
    crop_margins: list[Annotated[int, Field(ge=1)]] = key(
        [],
        "Their margins, of slices at the output's size; each crop is enlarged to it again.",
        unit="px",
        example=[40, 80],
        reference="augmentor.crop_margin",
    )
    image_width: int | None = key(
        None, "Width of the slices; the scan's own where absent.", unit="px", example=512,
        reference="generator.image_width", ge=8,
    )  # fmt: skip
    image_height: int | None = key(
        None, "Height of the slices.", unit="px", example=512, reference="generator.image_height", ge=8
    )
    valid_fraction: float = key(0.15, "Share of the patients for validation.", ge=0, lt=1)
    test_fraction: float = key(0.15, "Share of the patients for the test.", ge=0, lt=1)
    seed: int = key(
        137, "Seed of the split; it draws from groups of patients with organs of like size.", ge=0, le=HIGHEST_SEED
    )
    workers: int | None = key(None, "Processes; as many as processor cores where absent.", example=2, ge=1)
