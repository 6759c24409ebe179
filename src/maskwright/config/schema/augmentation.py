"""[augmentation]: how training pictures are varied."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from maskwright.config.schema.base import Section, key

Centre = tuple[float, float]


class AugmentationSection(Section):
    """How training pictures are varied; image and label are always moved by the same map."""

    mode: Literal["off", "random", "enumerate"] = key(
        "random",
        "`random`: each transform with `probability`, combined. `enumerate`: one of the list that the "
        "reference makes (the original, then one transform at a time). `off`: none.",
    )
    probability: float = key(0.5, "`random`: how probable each transform is.", ge=0, le=1)
    hflip: bool = key(True, "Mirror left and right.", reference="augmentor.hflip")
    vflip: bool = key(False, "Mirror top and bottom.", reference="augmentor.vflip")
    rotation: bool = key(True, "Rotate by one of `angles`.", reference="augmentor.rotation")
    angles: list[float] = key(
        [-10.0, -5.0, 5.0, 10.0], "Angles, counter-clockwise.", unit="degrees", reference="augmentor.angles"
    )
    shrinks: list[float] = key([0.9], "Shrink about the centre by one of these ratios.", reference="augmentor.shrinks")
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
    debug: bool = key(
        False, "Write the pictures that are trained on into the two folders below.", reference="generator.debug"
    )
    debug_images_dir: Path = key(
        Path("./generated_images_dir"), "Folder of those images.", reference="generator.generated_images_dir"
    )
    debug_masks_dir: Path = key(
        Path("./generated_masks_dir"), "Folder of their masks.", reference="generator.generated_masks_dir"
    )
