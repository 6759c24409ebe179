"""[data] and [mask]: where pictures lie, and what their masks mean."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo

from maskwright.config.schema.base import HIGHEST_SEED, Section, key, section
from maskwright.config.schema.scans import Orientation, Window

Colour = tuple[int, int, int]
_LONGEST = 1000  # letters of a pattern


def _pattern(value: str | None) -> str | None:
    if value is None:
        return None
    try:
        count = re.compile(value).groups if len(value) <= _LONGEST else 0
    except RecursionError as error:
        raise ValueError("is no regular expression (groups in groups without end)") from error
    except re.error as error:
        raise ValueError(f"is no regular expression ({error}): {value!r}") from error
    if count != 1:
        raise ValueError(f"must have exactly one group in parentheses; {value[:_LONGEST]!r} has {count}")
    return value


def _odd_size(value: tuple[int, int]) -> tuple[int, int]:
    if min(value) < 1:
        raise ValueError(f"must be at least 1, got {value}")
    return value


def _pixel_size(value: float, info: ValidationInfo) -> float:
    unit = info.data.get("pixel_unit", "px")  # absent where it was refused itself
    low, high = PIXEL_SIZES[unit]
    if not low <= value <= high:
        raise ValueError(f"is not {low:g} to {high:g} {unit}")
    return value


# What `pixel_size` may be: a pixel of a network is neither a part of a camera's that says nothing, nor a whole picture.
PIXEL_SIZES = {"px": (0.05, 100.0), "mm": (1e-6, 100.0), "um": (1e-3, 1e5)}
PixelSize = Annotated[float, AfterValidator(_pixel_size)]
Pattern = Annotated[str | None, AfterValidator(_pattern)]
SlicePattern = Annotated[str, AfterValidator(_pattern)]
BlurSize = Annotated[tuple[int, int], AfterValidator(_odd_size)]


class FolderPair(Section):
    """A folder of images and a folder of masks with the same names."""

    images: Path | None = key(None, "Folder of images.", example="dataset/images")
    masks: Path | None = key(
        None, "Folder of masks; a mask has its image's name, any extension.", example="dataset/masks"
    )


class TrainFolders(FolderPair):
    """Pictures to train on."""

    images: Path | None = key(
        None, "Folder of training images.", example="dataset/train/images", reference="train.image_datapath"
    )
    masks: Path | None = key(
        None, "Folder of training masks.", example="dataset/train/masks", reference="train.mask_datapath"
    )


class ValidFolders(FolderPair):
    """Pictures that choose the best epoch."""

    images: Path | None = key(
        None, "Folder of validation images.", example="dataset/valid/images", reference="eval.image_datapath"
    )
    masks: Path | None = key(
        None, "Folder of validation masks.", example="dataset/valid/masks", reference="eval.mask_datapath"
    )


class TestFolders(FolderPair):
    """Pictures that the model never sees before it is scored."""

    images: Path | None = key(
        None, "Folder of test images.", example="dataset/test/images", reference="test.image_datapath"
    )
    masks: Path | None = key(
        None, "Folder of test masks.", example="dataset/test/masks", reference="test.mask_datapath"
    )


class DataSection(Section):
    """Where pictures lie, how they are grouped and how they enter the network."""

    images: Path | None = key(
        None,
        "One folder of all images, to be split by patient; or give `[data.train]` and its siblings.",
        example="dataset/images",
    )
    masks: Path | None = key(None, "The folder of all masks.", example="dataset/masks")
    train: TrainFolders = section(TrainFolders, "Folders of the training pictures.")
    valid: ValidFolders = section(ValidFolders, "Folders of the validation pictures.")
    test: TestFolders = section(TestFolders, "Folders of the test pictures.")
    valid_fraction: float = key(
        0.15, "Share of the patients that choose the best epoch, where no folder says so.", ge=0, lt=1
    )
    train_share: float = key(
        1.0,
        "Share of the training patients that are trained on, drawn by `split_seed`; a larger share holds all of a "
        "smaller one, and an epoch has as many steps as with all of them (`train --learning-curve`).",
        gt=0,
        le=1,
    )
    test_fraction: float = key(0.15, "Share of the patients kept for the test, where one folder holds all.", ge=0, lt=1)
    split_file: Path | None = key(
        None,
        "JSON file that lists the patients (or file names) of each part, where one folder holds all: "
        '`{"train": [...], "valid": [...], "test": [...]}`. Without `valid` it is drawn from training.',
        example="splits.json",
    )
    folds: int = key(
        5, "Cross-validation: how many folds the patients of training and validation are divided into.", ge=2
    )
    fold: int | None = key(
        None,
        "Validate on this fold (from 0) and train on the others; `train --fold` sets it. Folds hold patients with small"
        " and large structures alike, and are drawn by the seed of the split.",
        example=0,
        ge=0,
    )
    split_seed: int | None = key(
        None, "Seed of the split and of folds; `train.seed` where absent.", example=137, ge=0, le=HIGHEST_SEED
    )
    split_order: Literal["random", "name"] = key(
        "random", "Take the split's patients at random (by the seed) or from the end of the sorted names."
    )
    patient_pattern: Pattern = key(
        None,
        "Regular expression with one group that finds the patient in a file's name; splits, sampling and scores "
        "are grouped by it. Without it each picture is its own patient.",
        example=r"PANCREAS_(\d+)",
    )
    channel_patterns: list[str] = key(
        [],
        "The files of a case (picture or scan) that are its channels, in this order; each case is a folder in "
        "`images`, or what `*` stands for in the first pattern.",
        example=["*_t1.nii.gz", "*_t2.nii.gz", "*_flair.nii.gz"],
    )
    mask_pattern: str | None = key(
        None,
        "How masks are named: `*` stands for the image's (the case's) name. Where absent they have that name, mostly "
        "with an ending as `_mask`, `_seg`, `_gt` or `_segmentation`, in `masks` or beside the images.",
        example="*_manual1.gif",
    )
    neighbours: int = key(
        0,
        "2.5D: so many slices before and after each one are channels of the input too (2 n + 1 times "
        "`model.image_channels`). Needs `patient_pattern`, or folders of training and of validation.",
        unit="slices",
        example=1,
        ge=0,
        le=15,
    )
    slice_pattern: SlicePattern = key(
        r"(\d+)$",
        "Regular expression with one group that finds the number of a slice in a file's name; what is left of the name "
        "is its series. A neighbour that is missing is replaced by the nearest slice on the way to it.",
    )
    window: Window | None = key(
        None,
        "Pictures are slices of scans through this window (see `prepare.window`), so that the model can predict whole "
        "scans.",
        unit="HU",
        example="abdomen",
    )
    orientation: Orientation = key("SPL", "And slices in this direction; see `prepare.orientation`.")
    body_border: float | None = key(
        None,
        'And slices that were cut to the box around the body with so much around it (`prepare.crop = "body"`); scans '
        "are cut alike.",
        unit="mm",
        example=10.0,
        ge=0,
    )
    spacing: list[Annotated[float, Field(gt=0)]] = key(
        [],
        "Networks for volumes: distances of slices, rows and columns to which scans are brought; the median of the "
        "training scans where absent.",
        unit="mm",
        example=[3.0, 1.0, 1.0],
    )
    fit: Literal["resize", "pad", "patch"] = key(
        "resize",
        "How pictures meet the network's input. `resize`: squeezed or stretched to it. `pad`, `patch`: at one scale, "
        "never distorted; `pad` takes each whole, filled up to the input, `patch` takes windows of it, and predicts in "
        "blended windows. With `patch`, TIFFs of more than 8192 x 8192 px (tiled, in strips, pyramids, OME-TIFF) are "
        "never in memory as a whole; their masks become tiled TIFFs.",
        example="patch",
    )
    pixel_unit: Literal["px", "mm", "um"] = key(
        "px",
        "What `pixel_size` counts. `mm`, `um` (micrometres): each picture is brought to that scale by the size of its "
        "own pixels, which its file must say, in training and in prediction.",
        example="um",
    )
    pixel_size: PixelSize = key(
        1.0,
        "`pad`, `patch`: so many pixels of a file are one of the network's, along each side; or so many mm or µm, by "
        "`pixel_unit`.",
        unit="px, mm or µm",
        example=2.0,
        gt=0,
    )
    resize: Literal["nearest", "linear", "cubic", "area", "lanczos"] = key(
        "area",
        "How an image is resized to the network's input. Labels always keep their class numbers.",
        reference="dataset.resize_interpolation",
    )
    intensity: Literal["unit", "raw", "zscore"] = key(
        "unit",
        "`unit`: the file's whole range to 0…1. `raw`: 8-bit levels as they are. `zscore`: each picture to "
        "mean 0 and deviation 1. Stored with the model.",
        reference="model.input_normalize",
    )
    color_conversion: str | None = key(
        None,
        "OpenCV colour conversion from BGR, without `COLOR_`.",
        example="BGR2HSV",
        reference="image.color_converter",
    )
    gamma: float = key(
        0.0, "Over 0: every level v of 0…1 becomes v to this power.", example=0.8, reference="image.gamma", ge=0
    )
    sharpening: float = key(
        0.0, "Over 0: a 3x3 kernel of 1+8k amid -k.", example=0.5, reference="image.sharpening", ge=0
    )
    cache: bool = key(True, "Keep decoded pictures in a memory-mapped file on disk; `false` decodes them anew.")
    cache_dir: Path | None = key(None, "Folder of that cache; the system's cache folder where absent.", example="cache")
    cache_limit_gb: float = key(
        20.0,
        "The cache never grows past this: the longest unused data set goes first, and "
        "one that is larger is decoded anew each time.",
        unit="GB",
        gt=0,
    )


class MaskSection(Section):
    """What the levels or colours of a mask file mean."""

    format: Literal["auto", "binary", "index", "grey", "color", "instances"] = key(
        "auto",
        "`binary`: a threshold. `index`: numbers are class numbers. `grey`: `levels`. `color`: `colors`. `instances`: "
        "numbers are objects, and whatever is not 0 is the structure. `auto` looks at the other keys and at all masks.",
    )
    threshold: int | None = key(
        None,
        "`binary`: foreground from this level on, in the file's own numbers (16 bits reach 65535); half the range "
        "where absent, which compression and blur cannot inflate.",
        unit="grey level",
        example=128,
        reference="mask.threshold",
        ge=1,
        le=65535,
    )
    algorithm: Literal["otsu"] | None = key(
        None,
        "`binary`: choose the threshold of each mask by Otsu's method.",
        example="otsu",
        reference="mask.algorithm",
    )
    smooth: bool = key(
        False,
        "`binary`: smooth outlines by a box filter and a threshold at half; the area stays.",
        reference="mask.blur",
    )
    smooth_size: BlurSize = key((3, 3), "Width and height of that filter.", unit="px", reference="mask.blur_size")
    levels: list[int] = key(
        [],
        "`grey`: the level of each class in the file's own numbers, background first.",
        example=[0, 128, 255],
    )
    colors: list[Colour] = key(
        [],
        "`color`: red, green, blue of each class, background first.",
        example=[(0, 0, 0), (0, 255, 0)],
        reference="mask.mask_colors",
    )
    tolerance: int = key(
        24,
        "`grey`, `color`: how far a channel may lie from its class in a compressed or smoothed mask.",
        unit="grey level",
        ge=0,
        le=127,
    )
    ignore: Annotated[int, Field(ge=0, le=65535, strict=True)] | Colour | Literal[False] | None = key(
        None,
        "Pixels of this level, class number or colour count for nothing, in training and in scores. `false`: all "
        "count; absent: 255 beside class numbers does not.",
        example=255,
    )
    regions: dict[str, Annotated[list[Annotated[int, Field(ge=1, le=254)]], Field(min_length=1)]] = key(
        {},
        "Overlapping regions, each made of several numbers of the masks; the network has one output for each "
        "(`model.num_classes` is how many). From the largest to the smallest, each with one number of its own.",
        example={"whole": [1, 2, 4], "core": [1, 4], "enhancing": [4]},
    )
    classes: list[str] = key(
        [],
        "Names of the classes, for reports; background first where there are several.",
        example=["background", "pancreas"],
        reference="mask.classes",
    )
