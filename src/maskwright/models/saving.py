"""`model.keras`: a network in Keras's own format, with all that is needed to use it in one more entry of the archive.

Plain Keras opens the file too. The extra entry is JSON, so what a model is can be read without Keras.
"""

from __future__ import annotations

import json
import zipfile
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from maskwright.backend import import_keras
from maskwright.data.labels import LabelRule
from maskwright.data.preprocess import InputRule
from maskwright.errors import MaskwrightError
from maskwright.models.registry import architectures, create_model, find_architecture
from maskwright.storage import atomic

_ENTRY = "maskwright.json"
_FORMAT = 1


@dataclass(frozen=True)
class Metadata:
    """What a model is and how it is used.

    Attributes:
        architecture, options: what `create_model` builds it from. channels: 1 for one structure, else its classes.
        class_names: all classes, background first. input_rule: from picture to input. label_rule: how the masks that
        it learnt from were read. predict: settings of [predict] that belong to the model, as thresholds that were
        chosen for it. training: when, from what and how well, for people to read.
    """

    architecture: str
    options: dict[str, Any]
    channels: int
    class_names: list[str]
    input_rule: InputRule
    label_rule: LabelRule
    predict: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """(height, width, channels) of the network's input, or (depth, height, width, channels)."""
        return self.input_rule.shape


def build(metadata: Metadata, precision: str = "float32", *, outputs: str = "main") -> Any:
    """The network of `metadata` with fresh weights, computing in `precision`.

    Args:
        outputs: `main` for the result alone, `all` for the side outputs of deep supervision too.
    """
    keras = import_keras()
    from maskwright.models.supervision import main_output

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        model = create_model(metadata.architecture, metadata.input_shape, metadata.channels, **metadata.options)
        return main_output(model) if outputs == "main" else model
    finally:
        keras.config.set_dtype_policy(before)


def save_model(model: Any, path: Path, metadata: Metadata) -> None:
    """Write an uncompiled float32 model and its metadata to `path`, whole or not at all."""
    with atomic(path) as temporary:
        model.save(temporary)
        with zipfile.ZipFile(temporary, "a", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(_ENTRY, _described(metadata))


def read_metadata(path: Path) -> Metadata:
    """What a model file says of itself; Keras is not needed.

    Raises:
        MaskwrightError: no such file, no model, or one that Maskwright did not write.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            if not {"config.json", "model.weights.h5"} <= names:
                raise MaskwrightError("is an archive, but no Keras model", where=path, fix=_FIX)
            if _ENTRY not in names:
                raise MaskwrightError(
                    "is a Keras model without Maskwright's description of its input and classes", where=path, fix=_FIX
                )
            plain = json.loads(archive.read(_ENTRY))
    except FileNotFoundError:
        raise MaskwrightError("there is no such model", where=path, fix=_FIX) from None
    except (zipfile.BadZipFile, IsADirectoryError, ValueError, OSError) as error:
        raise MaskwrightError(f"is no model ({error})", where=path, fix=_FIX) from None
    if plain.pop("format", None) != _FORMAT:
        raise MaskwrightError("was written by a later version of Maskwright", where=path, fix="Update Maskwright.")
    rule, label = plain.pop("input_rule"), plain.pop("label_rule")
    rule["spacing"] = tuple(rule.get("spacing", ()))
    label["levels"] = tuple(label["levels"])
    rule["channel_patterns"] = tuple(rule.get("channel_patterns", ()))
    label["regions"] = tuple(tuple(region) for region in label.get("regions", ()))
    old = plain.pop("threshold", None)  # of models before thresholds went to [predict]
    if old is not None and plain["channels"] == 1 and not plain.get("predict"):
        plain["predict"] = {"threshold": old}
    label["colors"] = tuple(tuple(colour) for colour in label["colors"])
    label["smooth"] = label["smooth"] and tuple(label["smooth"])
    if isinstance(label.get("ignore"), list):
        label["ignore"] = tuple(label["ignore"])
    return Metadata(**plain, input_rule=InputRule(**rule), label_rule=LabelRule(**label))


def change_metadata(path: Path, **changes: Any) -> None:
    """Change what a model file says of itself; its weights stay.

    Raises:
        MaskwrightError: as `read_metadata`.
    """
    metadata = replace(read_metadata(path), **changes)
    with atomic(path) as temporary, zipfile.ZipFile(path) as old, zipfile.ZipFile(temporary, "w") as new:
        for item in old.infolist():
            if item.filename != _ENTRY:
                new.writestr(item, old.read(item))
        new.writestr(_ENTRY, _described(metadata), zipfile.ZIP_DEFLATED)


def _described(metadata: Metadata) -> str:
    return json.dumps({"format": _FORMAT, **asdict(metadata)}, indent=1)


_FIX = "Name a run folder, or the model.keras that `maskwright train` wrote into one."


def load_model(path: Path, precision: str = "float32") -> tuple[Any, Metadata]:
    """A saved network and its metadata; with `mixed_bfloat16` the same weights in faster arithmetic.

    Raises:
        MaskwrightError: as `read_metadata`, or the file is damaged.
    """
    metadata = read_metadata(path)
    keras = import_keras()
    architectures()  # makes their layers known to Keras
    find_architecture(metadata.architecture)  # and those of another package
    try:
        model = keras.models.load_model(path, compile=False)
    except (ValueError, OSError, KeyError, TypeError) as error:
        raise MaskwrightError(f"is a damaged model ({str(error).splitlines()[0]})", where=path, fix=_FIX) from None
    if precision == "float32":
        return model, metadata
    faster = build(metadata, precision)
    faster.set_weights(model.get_weights())
    return faster, metadata
