"""`model.keras`: a network in Keras's own format, with all that is needed to use it in one more entry of the archive.

Plain Keras opens the file too. The extra entry is JSON, so what a model is can be read without Keras.
"""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from maskwright.backend import import_keras
from maskwright.errors import MaskwrightError
from maskwright.models.metadata import FIX, Metadata, from_json
from maskwright.models.registry import architectures, create_model, find_architecture
from maskwright.storage import atomic

_ENTRY = "maskwright.json"


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
            archive.writestr(_ENTRY, metadata.to_json())


def read_metadata(path: Path) -> Metadata:
    """What a model file says of itself; Keras is not needed.

    Raises:
        MaskwrightError: no such file, no model, or one that Maskwright did not write.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            if not {"config.json", "model.weights.h5"} <= names:
                raise MaskwrightError("is an archive, but no Keras model", where=path, fix=FIX)
            if _ENTRY not in names:
                raise MaskwrightError(
                    "is a Keras model without Maskwright's description of its input and classes", where=path, fix=FIX
                )
            text = archive.read(_ENTRY)
    except FileNotFoundError:
        raise MaskwrightError("there is no such model", where=path, fix=FIX) from None
    except (zipfile.BadZipFile, IsADirectoryError, ValueError, OSError) as error:
        raise MaskwrightError(f"is no model ({error})", where=path, fix=FIX) from None
    return from_json(text, path)


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
        new.writestr(_ENTRY, metadata.to_json(), zipfile.ZIP_DEFLATED)


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
        raise MaskwrightError(f"is a damaged model ({str(error).splitlines()[0]})", where=path, fix=FIX) from None
    if precision == "float32":
        return model, metadata
    faster = build(metadata, precision)
    faster.set_weights(model.get_weights())
    return faster, metadata
