"""[evaluate], [predict] and [predict.tiles]: what is done with a trained model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from maskwright.config.schema.base import Section, key, section
from maskwright.config.schema.data import BlurSize, Colour
from maskwright.config.schema.scans import Window

Probability = Annotated[float, Field(gt=0, lt=1)]
Amount = Annotated[float, Field(ge=0)]


class EvaluateSection(Section):
    """How a trained model is scored."""

    split: Literal["train", "valid", "test"] = key("test", "The pictures to score on.", reference="model.evaluation")
    batch_size: int = key(
        4, "Pictures a batch of the network's own loss and metrics.", reference="eval.batch_size", ge=1
    )
    spacing: list[Annotated[float, Field(gt=0)]] = key(
        [],
        "Pictures: size of a pixel along rows and columns, or with the distance of slices first; distances are then in "
        "mm and volumes in mm² or ml, else in px. With three numbers, a patient's slices whose numbers in the name "
        "(`data.slice_pattern`) have no gap are scored as the volume they are. Where absent, prepared data sets know "
        "theirs; scans always do.",
        unit="mm",
        example=[2.5, 0.8, 0.8],
    )
    tolerance: float = key(2.0, "What the surface Dice forgives.", unit="mm, or px of pictures without spacing", gt=0)
    bootstrap: int = key(2000, "Resamplings of the patients for the 95 % confidence interval.", ge=100)


class TilesSection(Section):
    """Prediction in overlapping tiles, for pictures larger than the network."""

    images_dir: Path | None = key(
        None, "Folder of the large images.", example="large", reference="tiledinfer.images_dir"
    )
    output_dir: Path | None = key(
        None, "Folder of their masks.", example="large_output", reference="tiledinfer.output_dir"
    )
    merged_dir: Path | None = key(
        None, "Folder of their overlays.", example="large_merged", reference="tiledinfer.merged_dir"
    )
    size: int | None = key(
        None,
        "Edge of a tile in the picture; the network's own where absent.",
        unit="px",
        example=512,
        reference="tiledinfer.split_size",
        ge=16,
    )
    overlap: int | None = key(
        None,
        "How far neighbouring tiles overlap; half a tile where absent.",
        unit="px",
        example=64,
        reference="tiledinfer.overlapping",
        ge=0,
    )


class PostprocessSection(Section):
    """Cleaning of masks after they are decided, class by class; in slices each by itself, in scans as a whole.

    Each step is for all classes, or for those that it names. `maskwright tune` chooses steps by their score on the
    validation patients.
    """

    largest: bool | list[str] = key(
        False, "Keep the largest connected part only: of each class, or of the named ones.", example=["pancreas"]
    )
    smallest: Amount | dict[str, Amount] = key(
        0.0,
        "Drop connected parts that are smaller: one number, or one for each named class.",
        unit="ml in scans, px in pictures",
        example=0.5,
    )
    fill_holes: bool | list[str] = key(False, "Fill holes, slice by slice.")
    smooth: Amount | dict[str, Amount] = key(
        0.0, "Smooth outlines by a Gaussian of this deviation.", unit="mm in scans, px in pictures", example=1.0
    )


class PredictSection(Section):
    """What prediction writes, and where."""

    images_dir: Path | None = key(
        None, "Folder of images, where the command line names none.", example="images", reference="infer.images_dir"
    )
    output_dir: Path | None = key(
        None,
        "Folder of the masks; `predictions` in the run folder where absent.",
        example="output",
        reference="infer.output_dir",
    )
    merged_dir: Path | None = key(
        None, "Folder of the overlays; beside the masks where absent.", example="merged", reference="infer.merged_dir"
    )
    format: Literal["png", "jpg"] = key("png", "File format of the masks; PNG keeps them exact.")
    threshold: Probability | list[Probability] | None = key(
        None,
        "From which probability on a structure is there: one number, or one for each class after the background (or "
        "region). Absent: 0.5 for one structure and for regions, the most probable of several classes. `maskwright "
        "tune` chooses it.",
        example=0.5,
    )
    batch_size: int = key(8, "Pictures a batch.", ge=1)
    engine: Literal["keras", "onnx", "openvino", "auto"] | None = key(
        None,
        "What runs the network: Keras, ONNX Runtime or OpenVINO (extra `[engines]`); `auto` measures them at the first "
        "use of a model and remembers the fastest. Absent: Keras; for an exported model, what it is made for.",
        example="auto",
    )
    precision: Literal["auto", "float32", "mixed_bfloat16"] = key(
        "float32",
        "Arithmetic. `float32` gives the same mask in every command, engine and exported file. `auto` takes bfloat16 "
        "where the processor has it: up to twice as fast, and masks differ along outlines, in small structures by up "
        "to 4 % of their Dice.",
    )
    overlays: bool = key(True, "Draw the outline over the image.")
    probabilities: bool = key(False, "Write the probabilities too, as 16-bit PNG a class.")
    blur: bool = key(False, "Smooth the probabilities by a Gaussian first.", reference="infer.blur")
    blur_size: BlurSize = key((5, 5), "Width and height of its kernel, odd.", unit="px", reference="infer.ksize")
    colorize: bool = key(
        False, "Masks in the two colours below instead of 0 and 255.", reference="segmentation.colorize"
    )
    black: str = key("black", "Colour of the background, by name or `#rrggbb`.", reference="segmentation.black")
    white: str = key("white", "Colour of the foreground.", reference="segmentation.white")
    class_colors: bool = key(False, "Write masks in the colours of `mask.colors` too.", reference="infer.mask_colorize")
    class_colors_dir: Path | None = key(None, "Folder of those.", example="colors", reference="infer.colorized_dir")
    outline: Colour = key((255, 220, 0), "Red, green, blue of the overlay's outline.")
    levels: list[float] = key(
        [],
        "Pictures of more than 8 bits: the levels that are black and white in them. Where absent, decided for all that "
        "are predicted together, and said.",
        example=[0, 4095],
    )
    window: Window | None = key(
        None, "Scans: another window than the model's, or that of one that knows none.", unit="HU", example="abdomen"
    )
    volume_formats: list[Literal["nifti", "seg", "rtstruct"]] = key(
        ["nifti"],
        "Scans: files of each; NIfTI, DICOM segmentation, RT structure set (the two of DICOM from DICOM series only).",
        example=["nifti", "seg"],
        min_length=1,
    )
    volume_batch_size: int = key(1, "Networks for volumes: windows a batch.", ge=1)
    mirror: bool = key(
        False,
        "Mean over mirrored inputs too (rows, columns and both; in volumes slices too): four or eight times the work, "
        "a little smoother.",
    )
    postprocess: PostprocessSection = section(PostprocessSection, "Cleaning of decided masks.")
    tiles: TilesSection = section(TilesSection, "Prediction in overlapping tiles.")
