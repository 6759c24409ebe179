"""[augmentation]: how training pictures are varied."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Field

from maskwright.config.schema.base import Section, key

Centre = tuple[float, float]


def _rising(value: tuple[float, float]) -> tuple[float, float]:
    if value[0] > value[1]:
        raise ValueError("the first number is the smallest, the second the largest")
    return value


def _positive(value: tuple[float, float]) -> tuple[float, float]:
    if value[0] <= 0:
        raise ValueError("both numbers are over 0")
    return value


def _not_negative(value: tuple[float, float]) -> tuple[float, float]:
    if value[0] < 0:
        raise ValueError("no number is below 0")
    return value


def _share(value: tuple[float, float]) -> tuple[float, float]:
    if value[1] > 1:
        raise ValueError("shares are over 0 and up to 1")
    return _positive(value)


Range = Annotated[tuple[float, float], AfterValidator(_rising)]
Factors = Annotated[Range, AfterValidator(_positive)]
Amounts = Annotated[Range, AfterValidator(_not_negative)]
Shares = Annotated[Range, AfterValidator(_share)]

# Every kind of transform, in the order in which they are applied; `probabilities` takes these names.
KindName = Literal[
    "hflip", "vflip", "dflip", "quarter_turns", "rotation", "tilt", "shrink", "scaling", "crop", "shear",
    "elastic", "distortion", "barrel", "pincushion",
    "sharpening", "blur", "noise", "low_resolution", "cutout",
    "brightening", "window", "brightness", "contrast", "gamma",
]  # fmt: skip


class AugmentationSection(Section):
    """How training pictures are varied; image and label are always moved by the same map, and sampled once.

    `maskwright augment CONFIG --output sheet.png` shows each transform on pictures of yours.
    """

    mode: Literal["off", "random", "enumerate"] = key(
        "random",
        "`random`: each transform with its probability, combined; every picture is seen once an epoch. `enumerate`: "
        "one of the list that the reference makes (the original, then one transform at a time; ranges have no "
        "effect). `off`: none.",
    )
    probability: float = key(
        0.5, "`random`: how probable each transform is that moves pixels (flips to distortions).", ge=0, le=1
    )
    intensity_probability: float = key(
        0.1, "`random`: how probable each transform is that changes levels (sharpening to gamma).", ge=0, le=1
    )
    probabilities: dict[KindName, Annotated[float, Field(ge=0, le=1)]] = key(
        {},
        "`random`: other probabilities for some transforms. Names, in the order of application: "
        + ", ".join(f"`{name}`" for name in get_args(KindName))
        + ".",
        example={"rotation": 0.8, "noise": 0.1},
    )
    interpolation: Literal["linear", "cubic"] = key("linear", "How images are sampled where pixels move.")
    label_interpolation: Literal["nearest", "area"] = key(
        "nearest",
        "How labels are sampled: the class at the nearest pixel centre, or the one with the largest share of the "
        "pixel. Neither makes a class that was not there.",
    )
    hflip: bool = key(True, "Mirror left and right.", reference="augmentor.hflip")
    vflip: bool = key(False, "Mirror top and bottom.", reference="augmentor.vflip")
    dflip: bool = key(False, "Volumes: mirror first and last slice.")
    quarter_turns: bool = key(False, "Turn by 90, 180 or 270 degrees, exactly (by 180 where the sides differ).")
    rotation: bool = key(
        True, "Rotate by one of `angles` or, without them, by any of `angle_range`.", reference="augmentor.rotation"
    )
    angles: list[float] = key(
        [],
        "Angles, counter-clockwise; they take the place of `angle_range`.",
        unit="degrees",
        example=[90.0, 180.0, 270.0],
        reference="augmentor.angles",
    )
    angle_range: Range = key((-15.0, 15.0), "Smallest and largest angle. `[0, 0]` is none.", unit="degrees")
    tilt_range: Range = key(
        (0.0, 0.0),
        "Volumes: rotate about the two axes in the plane of the slices too, by any angle of this range each.",
        unit="degrees",
        example=(-10.0, 10.0),
    )
    shrinks: list[float] = key(
        [], "Shrink about the centre by one of these ratios.", example=[0.8], reference="augmentor.shrinks"
    )
    scale_range: Factors = key(
        (0.8, 1.25), "Enlarge or shrink about the centre by any ratio of this range. `[1, 1]` is none."
    )
    crop_range: Shares = key(
        (1.0, 1.0),
        "Enlarge a part of the picture, anywhere in it, whose sides are this share of the whole.",
        example=(0.6, 1.0),
    )
    shears: list[float] = key(
        [],
        "Vertical shear: y grows by this share of the distance from the centre column.",
        example=[0.2],
        reference="augmentor.shears",
    )
    elastic: bool = key(True, "Elastic deformation (Simard 2003).", reference="augmentor.transformer")
    elastic_alpha: float = key(
        1300.0,
        "Its amplitude: the smoothed noise of -1…1 is multiplied by this.",
        unit="px",
        reference="augmentor.alpah",
        ge=0,
    )
    elastic_sigmas: list[float] = key(
        [8.0], "Its smoothness: deviation of the Gaussian, one of these.", unit="px", reference="deformation.sigmoids"
    )
    distortion: bool = key(False, "Distort along the slopes of smoothed noise.", reference="augmentor.distortion")
    distortion_sigma: float = key(
        40.0, "Its smoothness.", unit="px", reference="distortion.gaussian_filter_rsigma", gt=0
    )
    distortion_amounts: list[float] = key(
        [0.02], "Its largest displacement, as a share of the larger side.", reference="distortion.distortions"
    )
    sharpening: bool = key(False, "Sharpen the image.", reference="augmentor.sharpening")
    sharpening_k: float = key(1.0, "By a 3x3 kernel of 1+8k amid -k.", reference="sharpening.k", ge=0)
    brightening: bool = key(
        False, "Brighten the image: level v becomes alpha·v + beta.", reference="augmentor.brightening"
    )
    brightening_alpha: float = key(1.2, "Its factor.", reference="brightening.alpha", ge=0)
    brightening_beta: float = key(10.0, "Its offset.", unit="8-bit grey level", reference="brightening.beta")
    barrel: bool = key(False, "Barrel distortion about one of `barrel_centers`.", reference="augmentor.barrdistortion")
    barrel_radius: float = key(0.5, "Its radius, as a share of the width.", reference="barrdistortion.radius", gt=0)
    barrel_amount: float = key(0.5, "Its exponent.", reference="barrdistortion.amount", ge=0)
    barrel_centers: list[Centre] = key(
        [(0.5, 0.5)], "Centres as shares of width and height.", reference="barrdistortion.centers"
    )
    pincushion: bool = key(
        False, "Pincushion distortion about one of `pincushion_centers`.", reference="augmentor.pincdistortion"
    )
    pincushion_radius: float = key(0.5, "Its radius, as a share of the width.", reference="pincdistortion.radius", gt=0)
    pincushion_amount: float = key(-0.5, "Its exponent.", reference="pincdistortion.amount", le=0)
    pincushion_centers: list[Centre] = key(
        [(0.5, 0.5)], "Centres as shares of width and height.", reference="pincdistortion.centers"
    )
    blur_range: Amounts = key(
        (0.5, 1.0), "Blur by a Gaussian; any deviation of this range. `[0, 0]` is none.", unit="px"
    )
    noise_range: Amounts = key(
        (0.0, 0.05),
        "Add Gaussian noise; any deviation of this range, as a share of the image's range of levels. `[0, 0]` is none.",
    )
    low_resolution_range: Shares = key(
        (0.5, 1.0),
        "Shrink the image by any ratio of this range and enlarge it again, as if it had been taken with fewer pixels. "
        "`[1, 1]` is none.",
    )
    cutout_count: int = key(0, "Hide this many boxes of the image; the label stays whole.", example=3, ge=0)
    cutout_range: Shares = key((0.05, 0.2), "Their sides, as shares of the image's.")
    window_range: Shares = key(
        (1.0, 1.0),
        "Intensity window: spread a part of the image's range of levels, of this share of it and at any place, over "
        "the whole. `[1, 1]` is none.",
        example=(0.7, 1.0),
    )
    brightness_range: Range = key(
        (-0.1, 0.1), "Move all levels by any share of the image's range in this range. `[0, 0]` is none."
    )
    contrast_range: Factors = key(
        (0.75, 1.25),
        "Multiply the distances from the mean level by any factor of this range, within the image's range of levels. "
        "`[1, 1]` is none.",
    )
    gamma_range: Factors = key(
        (0.7, 1.4),
        "Bend the levels by any exponent of this range, from the dark or the bright end. `[1, 1]` is none.",
    )
    debug: bool = key(
        False,
        "Write the pictures that are trained on into the two folders below, each name once; RUN/samples.csv says what "
        "was done to each.",
        reference="generator.debug",
    )
    debug_images_dir: Path = key(
        Path("./generated_images_dir"), "Folder of those images.", reference="generator.generated_images_dir"
    )
    debug_masks_dir: Path = key(
        Path("./generated_masks_dir"), "Folder of their masks.", reference="generator.generated_masks_dir"
    )
