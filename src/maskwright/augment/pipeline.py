"""What is done to one training pair: drawn here, applied here, and the two kept apart so that it can be replayed."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from maskwright.augment import geometry
from maskwright.augment.geometry import Transform
from maskwright.augment.intensity import Brighten, Change, Sharpen
from maskwright.config.schema import AugmentationSection


@dataclass(frozen=True)
class Drawn:
    """The parameters of one augmented pair; `prefix` is what the reference puts before the name of its file."""

    prefix: str = ""
    spatial: list[Transform] = field(default_factory=list)
    intensity: list[Change] = field(default_factory=list)


def draw(rng: np.random.Generator, options: AugmentationSection, height: int, width: int) -> Drawn:
    """Draw what is done to a picture of (height, width) px.

    `enumerate` picks one of the reference's list, the unchanged picture among them; `random` takes each kind of
    transform with `probability` and combines what it took.
    """
    if options.mode == "off":
        return Drawn()
    kinds = variants(rng, options, height, width)
    if options.mode == "enumerate":
        every = [Drawn(), *(variant for kind in kinds for variant in kind)]
        return every[int(rng.integers(len(every)))]
    taken = [kind[int(rng.integers(len(kind)))] for kind in kinds if rng.random() < options.probability]
    return Drawn(
        "".join(one.prefix for one in taken),
        [transform for one in taken for transform in one.spatial],
        [change for one in taken for change in one.intensity],
    )


def apply(image: np.ndarray, label: np.ndarray, drawn: Drawn) -> tuple[np.ndarray, np.ndarray]:
    """Do to image `(H, W, C)` and label `(H, W)` what was drawn; the very same arrays where that is nothing."""
    if drawn.spatial:
        image, label = geometry.sample(image, label, geometry.sum_map(drawn.spatial, *label.shape))
    for change in drawn.intensity:
        image = change.change(image)
    return image, label


def variants(rng: np.random.Generator, options: AugmentationSection, height: int, width: int) -> list[list[Drawn]]:
    """The reference's list of transforms, one inner list a kind, in its order and with its file prefixes."""
    size = (height, width)
    seed = int(rng.integers(2**31))
    flips = [
        ([Drawn("hfliped_", [geometry.flip(*size, horizontal=True)])] if options.hflip else []),
        ([Drawn("vfliped_", [geometry.flip(*size, vertical=True)])] if options.vflip else []),
    ]
    kinds = [
        *flips,
        [Drawn(f"rotated_{a:g}_", [geometry.rotate(*size, a)]) for a in options.angles] if options.rotation else [],
        [Drawn(f"shrinked_{f'{r:g}'.replace('.', '_')}_", [geometry.scale(*size, r)]) for r in options.shrinks],
        [drawn for factor in options.shears for drawn in _shears(options, factor, height, width)],
        [
            Drawn(
                f"elastic_alpha_{options.elastic_alpha:g}_sigmoid_{s:g}_",
                [geometry.Elastic(options.elastic_alpha, s, seed)],
            )
            for s in options.elastic_sigmas
            if options.elastic
        ],
        [
            Drawn(
                f"distorted_{amount:g}_rsigma{options.distortion_sigma:g}_",
                [geometry.Distortion(amount, options.distortion_sigma, seed)],
            )
            for amount in options.distortion_amounts
            if options.distortion
        ],
        _bulges(
            "barr", options.barrel_centers if options.barrel else [], options.barrel_radius, options.barrel_amount, size
        ),
        _bulges(
            "pinc",
            options.pincushion_centers if options.pincushion else [],
            options.pincushion_radius,
            options.pincushion_amount,
            size,
        ),
        [Drawn(f"sharpened_{options.sharpening_k:g}_", [], [Sharpen(options.sharpening_k)])]
        if options.sharpening
        else [],
        [
            Drawn(
                f"brightened_{options.brightening_alpha:g}_{options.brightening_beta:g}_",
                [],
                [Brighten(options.brightening_alpha, options.brightening_beta)],
            )
        ]
        if options.brightening
        else [],
    ]
    return [kind for kind in kinds if kind]


def _shears(options: AugmentationSection, factor: float, height: int, width: int) -> list[Drawn]:
    """The sheared picture and, in `enumerate`, its mirror images, as the reference makes them."""
    sheared = geometry.shear(height, width, factor)
    found = [Drawn(f"sheared_{factor:g}_", [sheared])]
    if options.mode == "enumerate":
        for name, horizontal, vertical in (("h", True, False), ("v", False, True), ("hv", True, True)):
            if horizontal <= options.hflip and vertical <= options.vflip:
                mirror = geometry.flip(height, width, horizontal=horizontal, vertical=vertical)
                found.append(Drawn(f"{name}flipped_sheared_{factor:g}_", [sheared, mirror]))
    return found


def _bulges(
    kind: str, centres: list[tuple[float, float]], radius: float, amount: float, size: tuple[int, int]
) -> list[Drawn]:
    height, width = size
    return [
        Drawn(f"{kind}distorted_{number}_", [geometry.Bulge(width * x, height * y, width * radius, amount)])
        for number, (x, y) in enumerate(centres, start=101)
    ]
