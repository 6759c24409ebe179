"""The kinds of model files: Keras's, and what `maskwright export` makes of one.

Each says what it is, and is run by one engine or several.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from maskwright.errors import MaskwrightError
from maskwright.models import onnx, saving
from maskwright.models.described import DAMAGED, MOST_WEIGHTS, require_same
from maskwright.models.metadata import FIX, Metadata, from_json
from maskwright.storage import atomic, make_folder
from maskwright.untrusted.archives import open_zip, read_member
from maskwright.untrusted.decode import NOTE, decoding
from maskwright.untrusted.text import parse_json, read_text

SAVED_MODEL_NOTE = "maskwright.json"  # beside a SavedModel
_NO_PACKAGE = "is no BioImage Model Zoo package, or a damaged one"
_MOST_XML = 64 << 20  # bytes of an OpenVINO graph; its weights lie beside it
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
        graph = _member(path, GRAPH, MOST_WEIGHTS)
        onnx.require_described(graph, _of_package(path), path)
        with atomic(target) as temporary:
            temporary.write_bytes(graph)
    return target


def _of_openvino(path: Path) -> Metadata:
    text = read_text(path, _MOST_XML, FIX, "there is no such model")
    with decoding(path, "is no OpenVINO model, or a damaged one", FIX):
        if "<!" in text:  # entities, which may unfold without end; OpenVINO writes none
            raise ValueError
        tree = ElementTree.fromstring(text)
        found = tree.find(f"rt_info/{onnx.KEY}")
        note = None if found is None else found.get("value")
    if note is None:
        raise MaskwrightError("is an OpenVINO model without Maskwright's description of its input", where=path, fix=FIX)
    metadata = from_json(note, path)
    with decoding(path, DAMAGED, FIX):
        (taken,), (given,) = (_edges(tree, kind, port) for kind, port in (("Parameter", "output"), ("Result", "input")))
    require_same(path, metadata, taken, given)
    return metadata


def _edges(tree: ElementTree.Element, kind: str, side: str) -> list[list[int]]:
    """The shapes of an OpenVINO graph's inputs or outputs, without the batch."""
    found = [layer for layer in tree.iterfind("layers/layer") if layer.get("type") == kind]
    return [[int(edge.text or "") for edge in layer.iterfind(f"{side}/port/dim")][1:] for layer in found]


def _of_saved_model(path: Path) -> Metadata:
    note = path / "assets.extra" / SAVED_MODEL_NOTE
    if not note.is_file():
        raise MaskwrightError("is a SavedModel without Maskwright's description of its input", where=path, fix=FIX)
    return from_json(read_text(note, NOTE, FIX), path)


def _of_package(path: Path) -> Metadata:
    plain = parse_json(
        _member(path, PACKAGE_NOTE, NOTE), path, what=f"{_NO_PACKAGE}, or one of another tool", fix=FIX,
        like={"config": {"maskwright": dict}},
    )  # fmt: skip
    return from_json(json.dumps(plain["config"]["maskwright"]), path)


def _member(path: Path, name: str, limit: int) -> bytes:
    with open_zip(path, _NO_PACKAGE, FIX, "there is no such model") as archive:
        return read_member(archive, name, limit, path, what=_NO_PACKAGE, fix=FIX)


KINDS = {
    "keras": Kind(".keras", ("keras", "onnx", "openvino"), saving.read_metadata, _converted),
    "onnx": Kind(".onnx", ("onnx", "openvino"), onnx.read_metadata, lambda path, folder: path),
    "openvino": Kind(".xml", ("openvino",), _of_openvino),
    "saved_model": Kind("", ("tensorflow",), _of_saved_model),
    "bioimageio": Kind(".zip", ("onnx", "openvino"), _of_package, _unpacked),
}
