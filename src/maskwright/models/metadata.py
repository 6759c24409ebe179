"""What a model is and how it is used; it travels inside every model file, as JSON that can be read without Keras."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from maskwright.data.labels import LabelRule
from maskwright.data.preprocess import InputRule
from maskwright.errors import MaskwrightError

_FORMAT = 1
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
    try:
        plain = json.loads(text)
        if plain.pop("format", None) != _FORMAT:
            raise MaskwrightError("was written by a later version of Maskwright", where=where, fix="Update Maskwright.")
        return _metadata(plain)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise MaskwrightError(f"describes itself in a way that is damaged ({error})", where=where, fix=FIX) from None


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
