"""`model.keras`: a network in Keras's own format, with all that is needed to use it in one more entry of the archive.

Plain Keras opens the file too. The extra entry is JSON, so what a model is can be read without Keras.
"""

from __future__ import annotations

import zipfile
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

from maskwright.backend import import_keras
from maskwright.errors import MaskwrightError
from maskwright.models.described import DAMAGED, WEIGHTS, require_described, require_same
from maskwright.models.metadata import FIX, Metadata, from_json
from maskwright.models.registry import architectures, create_model, find_architecture
from maskwright.storage import atomic
from maskwright.untrusted.archives import open_zip, read_member
from maskwright.untrusted.decode import ARRAY, NOTE, decoding

_ENTRY = "maskwright.json"


def build(metadata: Metadata, precision: str = "float32", *, outputs: str = "main", pretrained: bool = False) -> Any:
    """The network of `metadata` with fresh weights, computing in `precision`.

    Args:
        pretrained: start from the weights that its options name. Without, nothing is looked for: those who give it
            other weights at once need not have the file.
        outputs: `main` for the result alone, `all` for the side outputs of deep supervision too.
    """
    keras = import_keras()
    from maskwright.models.supervision import main_output

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    options = metadata.options if pretrained else {k: v for k, v in metadata.options.items() if k != "weights"}
    try:
        model = create_model(metadata.architecture, metadata.input_shape, metadata.channels, **options)
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
    with _opened(path) as archive:
        names = set(archive.namelist())
        if not {"config.json", WEIGHTS} <= names:
            raise MaskwrightError("is an archive, but no Keras model", where=path, fix=FIX)
        if _ENTRY not in names:
            raise MaskwrightError(
                "is a Keras model without Maskwright's description of its input and classes", where=path, fix=FIX
            )
        text = read_member(archive, _ENTRY, NOTE, path, what=DAMAGED, fix=FIX)
    return from_json(text, path)


def _opened(path: Path) -> AbstractContextManager[zipfile.ZipFile]:
    return open_zip(path, "is no model, or a damaged one", FIX, "there is no such model")


def change_metadata(path: Path, **changes: Any) -> None:
    """Change what a model file says of itself; its weights stay.

    Raises:
        MaskwrightError: as `read_metadata`.
    """
    metadata = replace(read_metadata(path), **changes)
    with atomic(path) as temporary, _opened(path) as old, zipfile.ZipFile(temporary, "w") as new:
        for item in old.infolist():
            if item.filename != _ENTRY:
                new.writestr(item, read_member(old, item, ARRAY, path, what=DAMAGED, fix=FIX))
        new.writestr(_ENTRY, metadata.to_json(), zipfile.ZIP_DEFLATED)


def load_model(path: Path, precision: str = "float32") -> tuple[Any, Metadata]:
    """A saved network and its metadata; with `mixed_bfloat16` the same weights in faster arithmetic.

    Raises:
        MaskwrightError: as `read_metadata`, or the file is damaged.
    """
    metadata = read_metadata(path)
    require_described(path, metadata)
    keras = import_keras()
    architectures()  # makes their layers known to Keras
    find_architecture(metadata.architecture)  # and those of another package
    with decoding(path, DAMAGED, FIX):
        model = keras.models.load_model(path, compile=False, safe_mode=True)
        shapes = tuple(model.input_shape[1:]), tuple(model.output_shape[1:])
    require_same(path, metadata, *shapes)
    if precision == "float32":
        return model, metadata
    faster = build(metadata, precision)
    with decoding(path, DAMAGED, FIX):
        faster.set_weights(model.get_weights())
    return faster, metadata
