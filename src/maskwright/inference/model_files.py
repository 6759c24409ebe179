"""The kinds of model files: Keras's, and what `maskwright export` makes of one.

Each says what it is, and is run by one engine or several.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from maskwright.errors import MaskwrightError
from maskwright.models import onnx, saving
from maskwright.models.metadata import FIX, Metadata, from_json
from maskwright.storage import atomic, make_folder

SAVED_MODEL_NOTE = "maskwright.json"  # beside a SavedModel
PACKAGE_NOTE, GRAPH = "rdf.yaml", "model.onnx"  # in a BioImage Model Zoo package


@dataclass(frozen=True)
class Kind:
    """A kind of model file.

    Attributes:
        ending: of its name. engines: what runs it, the usual one first. metadata: reads what it says of itself.
        graph: gives an ONNX file of it, given a cache folder; None where it has none.
    """

    ending: str
    engines: tuple[str, ...]
    metadata: Callable[[Path], Metadata]
    graph: Callable[[Path, Path], Path] | None = None


def kind_of(path: Path) -> Kind:
    """The kind of a model file.

    Raises:
        MaskwrightError: its name ends in no way that is known.
    """
    if is_saved_model(path):
        return KINDS["saved_model"]
    for kind in KINDS.values():
        if kind.ending and path.name.lower().endswith(kind.ending):
            return kind
    endings = ", ".join(kind.ending for kind in KINDS.values() if kind.ending)
    raise MaskwrightError(f"is no model file (they end in {endings}, or are a SavedModel)", where=path, fix=FIX)


def is_model(path: Path) -> bool:
    """Whether a path is that of a model file rather than of a run or a configuration."""
    return is_saved_model(path) or path.suffix.lower() in {kind.ending for kind in KINDS.values() if kind.ending}


def is_saved_model(path: Path) -> bool:
    """Whether a folder is a TensorFlow SavedModel."""
    return (path / "saved_model.pb").is_file()


def read_metadata(path: Path) -> Metadata:
    """What a model file of any kind says of itself; no network is loaded.

    Raises:
        MaskwrightError: no such file, no model, or one that Maskwright did not write.
    """
    return kind_of(path).metadata(path)


def digest(path: Path) -> str:
    """A name for the content of a model file."""
    return hashlib.blake2b(path.read_bytes(), digest_size=12).hexdigest()


def _converted(path: Path, folder: Path) -> Path:
    """The ONNX file of a Keras model, made if the cache has none."""
    target = folder / "onnx" / f"{digest(path)}.onnx"
    if not target.exists():
        make_folder(target.parent)
        model, metadata = saving.load_model(path)
        onnx.export_onnx(model, target, metadata)
    return target


def _unpacked(path: Path, folder: Path) -> Path:
    target = folder / "onnx" / f"{digest(path)}.onnx"
    if not target.exists():
        make_folder(target.parent)
        with atomic(target) as temporary:
            temporary.write_bytes(_member(path, GRAPH))
    return target


def _of_openvino(path: Path) -> Metadata:
    try:
        found = ElementTree.parse(path).find(f"rt_info/{onnx.KEY}")
    except FileNotFoundError:
        raise MaskwrightError("there is no such model", where=path, fix=FIX) from None
    except (ElementTree.ParseError, OSError, ValueError) as error:
        raise MaskwrightError(f"is no OpenVINO model ({error})", where=path, fix=FIX) from None
    text = None if found is None else found.get("value")
    if text is None:
        raise MaskwrightError("is an OpenVINO model without Maskwright's description of its input", where=path, fix=FIX)
    return from_json(text, path)


def _of_saved_model(path: Path) -> Metadata:
    try:
        text = (path / "assets.extra" / SAVED_MODEL_NOTE).read_text(encoding="utf-8")
    except OSError:
        raise MaskwrightError(
            "is a SavedModel without Maskwright's description of its input", where=path, fix=FIX
        ) from None
    return from_json(text, path)


def _of_package(path: Path) -> Metadata:
    try:
        config = json.loads(_member(path, PACKAGE_NOTE))["config"]["maskwright"]
    except (ValueError, KeyError, TypeError):
        raise MaskwrightError("is a package of another tool", where=path, fix=FIX) from None
    return from_json(json.dumps(config), path)


def _member(path: Path, name: str) -> bytes:
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.read(name)
    except FileNotFoundError:
        raise MaskwrightError("there is no such model", where=path, fix=FIX) from None
    except (zipfile.BadZipFile, KeyError, OSError) as error:
        raise MaskwrightError(f"is no BioImage Model Zoo package ({error})", where=path, fix=FIX) from None


KINDS = {
    "keras": Kind(".keras", ("keras", "onnx", "openvino"), saving.read_metadata, _converted),
    "onnx": Kind(".onnx", ("onnx", "openvino"), onnx.read_metadata, lambda path, folder: path),
    "openvino": Kind(".xml", ("openvino",), _of_openvino),
    "saved_model": Kind("", ("tensorflow",), _of_saved_model),
    "bioimageio": Kind(".zip", ("onnx", "openvino"), _of_package, _unpacked),
}
