"""The reference's keys that need more than a new name, and those that have no effect any more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from maskwright.config.ini import Entry, Problem
from maskwright.labels.names import names_of_all

# Other spellings and other generations of the same key.
ALIASES: dict[str, str] = {
    "model.diation": "model.dilation",
    "augmentor.deformation": "augmentor.transformer",
    "augmentor.sigmoid": "deformation.sigmoids",
    "deformation.sigmoid": "deformation.sigmoids",
    "deformation.alpah": "augmentor.alpah",
    "dataset.mask_colors": "mask.mask_colors",
}

# Read by `interpret`, together with other keys.
HANDLED = {
    "model.generator",
    "generator.augmentation",
    "dataset.datasetclass",
    "model.datasetclass",
    "dataset.image_normalize",
    "train.dataset_splitter",
    "mask.binarize",
    "mask.color_order",
    "mask.normalized_threshold",
}

_ORDER = "has no effect: pictures enter as red, green, blue, the same in training and prediction"
_ALWAYS = "has no effect: masks are always decided, at `predict.threshold`"
_UNREAD = "is read by nobody in the reference either"
NO_EFFECT: dict[str, str] = {
    "dataset.input_normalize": f"{_UNREAD}; [model] input_normalize is the key with an effect",
    "dataset.image_format": _UNREAD,
    "dataset.mask_format": "has no effect: colour masks are recognised by [mask] mask_colors",
    "dataset.rgb_mask": "has no effect: colour masks are recognised by [mask] mask_colors",
    "dataset.color_order": _ORDER,
    "dataset.debug": "has no effect: `maskwright stats` and [generator] debug show the pictures",
    "dataset.sharpening": f"{_UNREAD}; [image] sharpening is the key with an effect",
    "mask.grayscaling": "has no effect: each of mask_colors is a class number, not a grey level",
    "mask.mask_channels": _UNREAD,
    "mask.sharpening": "has no effect: predicted masks hold class numbers, which cannot be sharpened",
    "train.create_backup": "has no effect: what exists is always kept under a dated name",
    "train.seedreset_callback": "has no effect: every random number depends on `train.seed` and the epoch",
    "train.show_history": _UNREAD,
    "train.save_model_file": f"{_UNREAD}; the best model is always RUN/model.keras",
    "infer.algorithm": _ALWAYS,
    "infer.threshold": _ALWAYS,
    "infer.colorized_output_format": _ORDER,
    "tiledinfer.background": "has no effect: tiles cover the whole picture",
    "tiledinfer.bitwise_blending": "is mended: overlapping tiles are blended smoothly, grey levels are not AND-ed",
    "tiledinfer.binarize": _ALWAYS,
    "tiledinfer.threshold": _ALWAYS,
    "tiledinfer.algorithm": _ALWAYS,
    "segmentation.blursize": _UNREAD,
    "generator.verbose": "has no effect: progress is one line a step",
    "generator.image_channel": _UNREAD,
    "distortion.gaussian_filter_sigma": "has no effect: the reference computes it and throws it away",
    "inspect.model_graph": "has no effect: `maskwright models` describes the network",
    "inspect.summary": "has no effect: the summary is always RUN/summary.txt",
}

# What a missing key means in the reference, where our own default is something else.
_DEFAULTS: dict[str, Any] = {
    "model.image_channels": 3,
    "model.normalization": False,
    "model.clipvalue": 0.2,
    "model.optimizer": "Adam",
    "model.evaluation": "test",
    "dataset.resize_interpolation": "nearest",
    "train.learning_rate_reducer": False,
    "train.reducer_factor": 0.1,
    "augmentor.transformer": False,
    "augmentor.shears": [],
}
# Keys of ours without a counterpart there, as a project of that kind expects them.
_PROJECT: dict[str, Any] = {"predict.format": "jpg", "data.valid_fraction": 0.2, "data.split_order": "name"}
_AUGMENTOR_DEFAULTS: dict[str, Any] = {
    "augmentor.hflip": True,
    "augmentor.vflip": True,
    "augmentor.rotation": True,
    "augmentor.shrinks": [0.8],
}
_ANGLES = {"seed": [60, 120, 180, 240, 300], "head": [90, 180, 270]}
_REQUIRED = (
    "model.image_width",
    "model.image_height",
    "model.base_filters",
    "model.num_layers",
    "model.learning_rate",
    "model.loss",
    "train.epochs",
    "train.batch_size",
)
_RESIZE = {
    "NEAREST": "nearest",
    "NEAREST_EXACT": "nearest",
    "LINEAR": "linear",
    "LINEAR_EXACT": "linear",
    "CUBIC": "cubic",
    "AREA": "area",
    "LANCZOS4": "lanczos",
}
_HEAD_SIGNS = {
    "model.evaluation",
    "augmentor.deformation",
    "model.input_normalize",
    "train.epoch_change_infer",
    "model.activation",
    "train.reducer_patience",
}
_HEAD_SECTIONS = {"image", "segmentation", "deformation", "distortion", "barrdistortion", "pincdistortion"}


def generation(entries: dict[str, Entry]) -> str:
    """`head` (2024-04 and later) or `seed`, by keys that only one of them reads; it decides some defaults."""
    head = any(name in _HEAD_SIGNS or entry.section in _HEAD_SECTIONS for name, entry in entries.items())
    return "head" if head else "seed"


@dataclass(frozen=True)
class Finding:
    """What was found in the file: raw values and lines by the reference's names, and the list of problems to add to."""

    values: dict[str, Any]
    lines: dict[str, int | None]
    problems: list[Problem]
    generation: str

    def say(self, name: str, message: str) -> None:
        """Add a problem at the line of `name` (or none where it is absent)."""
        section, key = name.split(".", 1)
        self.problems.append(Problem(self.lines.get(name), f"[{section}] {key}", message))


def interpret(known: dict[str, Any], found: Finding) -> dict[str, Any]:
    """Turn the reference's values into ours, by the reference's names; what is missing gets the reference's default."""
    settled = {name: _CONVERT[name](value, found) if name in _CONVERT else value for name, value in known.items()}
    if "generator.dcms_dir" in known:  # a data-set generator's file: nothing is trained from it
        found.say(
            "generator.dcms_dir",
            "is mended: there the stored numbers are cut to 0…255; here the window is abdomen (prepare.window), slices "
            "without the organ are kept too (prepare.empty_share), masks are PNG, and the split is by patient",
        )
        return {"prepare.label_geometry": "slices", **settled}
    _mode(settled, found)
    _mask(settled, found)
    if found.values.get("dataset.image_normalize") and settled.get("model.input_normalize") == "raw":
        settled["model.input_normalize"] = "unit"
        found.say("dataset.image_normalize", "is mended: division by 255 happens once, in training and in prediction")
    for name in _REQUIRED:
        if name not in settled:
            found.say(name, "is missing or unreadable, and the reference cannot do without; our default is taken")
    return _DEFAULTS | _PROJECT | settled


def _mode(settled: dict[str, Any], found: Finding) -> None:
    """Generator mode is online augmentation; without it the reference trains on the whole set as it is."""
    generator = bool(found.values.get("model.generator"))
    if not generator:
        for name in ("train.steps_per_epoch", "train.validation_steps"):
            if settled.pop(name, None) is not None:
                found.say(name, "has no effect without [model] generator = True; an epoch is the whole set")
        if any(name.startswith("augmentor.") for name in found.values):
            found.problems.append(
                Problem(None, "[augmentor]", "has no effect without [model] generator = True; nothing is augmented")
            )
        settled["augmentation.mode"] = "off"
        settled["generator.debug"] = False
        return
    settled.setdefault("train.steps_per_epoch", 400)
    settled.setdefault("train.validation_steps", 800)
    settled.setdefault("generator.debug", True)
    if not found.values.get("generator.augmentation", True):
        settled["augmentation.mode"] = "off"
        return
    settled["augmentation.mode"] = "enumerate"
    defaults = {**_AUGMENTOR_DEFAULTS, "augmentor.angles": _ANGLES[found.generation]}
    for name, default in defaults.items():
        if name == "augmentor.angles" and not settled.get("augmentor.rotation", True):
            continue
        if name not in settled:
            settled[name] = default
            found.say(
                name,
                f"is not set or not readable, and the reference then takes {default} in silence; so "
                f"do we. Write {_off(default)} to turn it off",
            )


def _off(default: Any) -> str:
    return "False" if default is True else "[]"


def _mask(settled: dict[str, Any], found: Finding) -> None:
    """One rule for labels: a threshold; the reference's blur and `non-zero` inflate the area by up to a third."""
    colours = settled.get("mask.mask_colors")
    if not colours:
        settled.pop("mask.mask_colors", None)
    elif found.values.get("mask.color_order", "bgr") == "bgr":
        settled["mask.mask_colors"] = _reversed(colours)
    if found.values.get("dataset.datasetclass") == "NormalizedImageMaskDataset":
        share = found.values.get("mask.normalized_threshold", 0.15)
        settled["mask.threshold"] = max(1, round(share * 255)) if isinstance(share, int | float) else share
    elif not found.values.get("mask.binarize") and not colours:
        settled.pop("mask.algorithm", None)
        settled.pop("mask.threshold", None)
        found.say(
            "mask.binarize",
            "is False or missing: the reference takes every level over 0 as foreground, "
            "compression rims too (area up to a third too large); here half the range is the threshold",
        )
    if settled.get("mask.blur"):
        found.say(
            "mask.blur",
            "is mended: there it widens the foreground by 1 or 2 pixels, here it smooths the "
            "outline and keeps the area",
        )
    names, count = settled.get("mask.classes"), settled.get("model.num_classes", 1)
    if names and isinstance(count, int) and names_of_all(names, max(count, 2)) is None:
        del settled["mask.classes"]
        found.say(
            "mask.classes",
            f"has {len(names)} names, and model.num_classes says {count}; the reference reads the names nowhere, and "
            "they are left out here",
        )
    threshold = settled.get("mask.threshold")
    if isinstance(threshold, int) and threshold < 128:
        found.say(
            "mask.threshold",
            f"is {threshold}: compressed masks have grey rims, which a threshold under 128 "
            "takes as foreground (74: area 2 % too large); it is used as written",
        )


def _reversed(colours: Any) -> Any:
    """Triples in the other order; anything else as it is, to be refused with its line."""
    if not isinstance(colours, list | tuple) or not all(isinstance(colour, list | tuple) for colour in colours):
        return colours
    return [tuple(reversed(colour)) for colour in colours]


def _resize(value: Any, found: Finding) -> Any:
    return _RESIZE.get(str(value).removeprefix("cv2.").removeprefix("INTER_"), value)


def _algorithm(value: Any, found: Finding) -> Any:
    flag = str(value).removeprefix("cv2.").removeprefix("THRESH_")
    if flag == "TRIANGLE":
        found.say("mask.algorithm", "TRIANGLE puts the threshold into the compression rims; Otsu's method is used")
    elif flag not in {"OTSU", "BINARY", "TRUNC", "None"}:
        found.say("mask.algorithm", f"{value!r} does nothing in the reference; `threshold` is used")
    return "otsu" if flag in {"OTSU", "TRIANGLE"} else None


def _list(value: Any, found: Finding) -> Any:
    return [value] if isinstance(value, int | float) else value


def _pair(value: Any, found: Finding) -> Any:
    # Both numbers are unpacked into one name there: the second wins.
    if isinstance(value, tuple | list) and len(value) == 2 and value[0] != value[1]:
        found.say("model.base_kernels", f"{value}: the second number wins, for width and height")
        return (value[1], value[1])
    return value


def _overlap(value: Any, found: Finding) -> Any:
    # There a margin on each side of a tile; here what neighbours have in common.
    return 2 * value if isinstance(value, int) else value


def _reference_number(name: str) -> Callable[[Any, Finding], Any]:
    def convert(value: Any, found: Finding) -> Any:
        if isinstance(value, int | float) and value <= 0:
            found.say(name, f"{value} turns it off")
            return None
        return value

    return convert


_CONVERT: dict[str, Callable[[Any, Finding], Any]] = {
    "model.input_normalize": lambda value, found: "unit" if value else "raw",
    "model.evaluation": lambda value, found: "valid" if value == "eval" else value,
    "model.final_activation": lambda value, found: value or "auto",
    "model.base_kernels": _pair,
    "model.clipvalue": _reference_number("model.clipvalue"),
    "train.reducer_patience": _reference_number("train.reducer_patience"),
    "dataset.resize_interpolation": _resize,
    "image.color_converter": lambda value, found: value and str(value).removeprefix("cv2.").removeprefix("COLOR_"),
    "mask.algorithm": _algorithm,
    "mask.classes": lambda value, found: value or [],
    "deformation.sigmoids": _list,
    "augmentor.angles": _list,
    "augmentor.shrinks": _list,
    "augmentor.shears": _list,
    "distortion.distortions": _list,
    "tiledinfer.overlapping": _overlap,
}
