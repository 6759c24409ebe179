"""What a model is and how it is used; it travels inside every model file, as JSON that can be read without Keras."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from typing import Any

from maskwright.config.schema.data import PIXEL_SIZES
from maskwright.data.filters import INTERPOLATION
from maskwright.data.preprocess import InputRule
from maskwright.errors import MaskwrightError
from maskwright.labels.rule import LabelRule
from maskwright.patterns import groups
from maskwright.typed import shown, wrong_field
from maskwright.untrusted.decode import NOTE, decoding
from maskwright.untrusted.text import parse_json

_FORMAT = 1
_DAMAGED = "describes itself in a way that is damaged"
_MOST_CLASSES = 255
_MOST_VALUES = 1 << 31  # of one input
_BOUNDS = {
    "classes": (1, _MOST_CLASSES), "height": (1, 16384), "width": (1, 16384), "channels": (1, 64),
    "neighbours": (0, 64), "depth": (0, 16384), "gamma": (0, 100), "sharpening": (0, 1000),
}  # fmt: skip
_INTENSITIES = ("unit", "raw", "zscore")
_SAME = {"R": "L", "A": "P", "S": "I"}  # directions of one axis
FIX = "Name a run folder, or a model file that `maskwright train` or `maskwright export` wrote."


@dataclass(frozen=True)
class Metadata:
    """What a model is and how it is used.

    Attributes:
        architecture, options: what `create_model` builds it from. channels: 1 for one structure, else its classes.
        class_names: all classes, background first. input_rule: from picture to input. label_rule: how the masks that
        it learnt from were read. predict: settings of [predict] that belong to the model, as thresholds that were
        chosen for it. training: when, from what and how well, for people to read. mirrored_axes: of one input, from 0,
        along which it saw mirrored ones; None where that is not known.
    """

    architecture: str
    options: dict[str, Any]
    channels: int
    class_names: list[str]
    input_rule: InputRule
    label_rule: LabelRule
    predict: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    mirrored_axes: tuple[int, ...] | None = None

    @property
    def input_shape(self) -> tuple[int, ...]:
        """(height, width, channels) of the network's input, or (depth, height, width, channels)."""
        return self.input_rule.shape

    def to_json(self) -> str:
        """As text, for `from_json`."""
        return json.dumps({"format": _FORMAT, **asdict(self)}, indent=1)


def from_json(text: str | bytes, where: object) -> Metadata:
    """Metadata of the text that `Metadata.to_json` made.

    Raises:
        MaskwrightError: it is none, or of a later version.
    """
    plain = parse_json(text, where, limit=NOTE, what=_DAMAGED, fix=FIX)
    if plain.pop("format", None) != _FORMAT:
        raise MaskwrightError("was written by a later version of Maskwright", where=where, fix="Update Maskwright.")
    with decoding(where, _DAMAGED, FIX):
        found = _metadata(plain)
    if wrong := wrong_field(found) or _out_of_bounds(found):
        raise MaskwrightError(f"{_DAMAGED}: {wrong}", where=where, fix=FIX)
    return found


def _out_of_bounds(found: Metadata) -> str | None:
    """The first value that no network of ours has, in words: nothing is built or allocated by such a one."""
    rule, label, names = found.input_rule, found.label_rule, found.class_names
    for name, (low, high) in _BOUNDS.items():
        value = getattr(found if name == "classes" else rule, "channels" if name == "classes" else name)
        if not low <= value <= high:
            return f"{name} is {shown(value)}, not {low} to {high}"
    if math.prod(rule.shape) > _MOST_VALUES:
        return f"the input has the shape {rule.shape}"
    told = found.channels + 1 if label.regions or found.channels == 1 else found.channels
    if len(names) != told or label.classes > _MOST_CLASSES:
        return f"{found.channels} channels have {len(names)} class names"
    choices = {"dtype": ("uint8", "uint16", "float32"), "resize": tuple(INTERPOLATION), "intensity": _INTENSITIES,
               "fit": ("resize", "pad", "patch"), "pixel_unit": ("px", "mm", "um")}  # fmt: skip
    for name, accepted in choices.items():
        if getattr(rule, name) not in accepted:
            return f"{name} is {shown(getattr(rule, name))}, not {', '.join(accepted)}"
    smallest, largest = PIXEL_SIZES[rule.pixel_unit]
    if not smallest <= rule.pixel_size <= largest:
        return f"pixel_size is {shown(rule.pixel_size)}, not {smallest:g} to {largest:g} {rule.pixel_unit}"
    if rule.spacing and (len(rule.spacing) != 3 or not all(1e-3 <= step <= 1e3 for step in rule.spacing)):
        return f"spacing is {shown(rule.spacing)}"
    if not rule.low < rule.high:
        return f"levels go from {rule.low:g} to {rule.high:g}"
    if rule.slice_pattern and groups(rule.slice_pattern) != 1:
        return f"slice_pattern is {shown(rule.slice_pattern)}"
    if sorted("LPI".find(_SAME.get(letter, letter)) for letter in rule.orientation) != [0, 1, 2]:
        return f"orientation is {shown(rule.orientation)}"
    if any(not 0 <= axis < len(rule.shape) - 1 for axis in found.mirrored_axes or ()):
        return f"mirrored_axes is {shown(found.mirrored_axes)}"
    return None


def _metadata(plain: dict[str, Any]) -> Metadata:
    rule, label = plain.pop("input_rule"), plain.pop("label_rule")
    rule["spacing"] = tuple(rule.get("spacing", ()))
    rule["channel_patterns"] = tuple(rule.get("channel_patterns", ()))
    rule["levels"] = ()  # decided anew for each set of pictures
    old = plain.pop("threshold", None)  # of models before thresholds went to [predict]
    if old is not None and plain["channels"] == 1 and not plain.get("predict"):
        plain["predict"] = {"threshold": old}
    if plain.get("mirrored_axes") is not None:
        plain["mirrored_axes"] = tuple(plain["mirrored_axes"])
    return Metadata(**plain, input_rule=InputRule(**rule), label_rule=LabelRule.from_dict(label))
