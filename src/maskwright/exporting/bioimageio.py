"""Packages for the BioImage Model Zoo (model description 0.5, https://bioimage.io).

Inside are the ONNX graph, a description of its input and output, and a pair of arrays that the zoo's tools check it by.

The description is JSON, which is YAML too, so no package is needed to write it.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from maskwright.data.preprocess import InputRule, to_floats
from maskwright.exporting.samples import sample_inputs
from maskwright.inference.model_files import GRAPH, PACKAGE_NOTE
from maskwright.models.metadata import Metadata
from maskwright.models.onnx import OPSET, export_onnx
from maskwright.models.registry import find_architecture
from maskwright.storage import atomic
from maskwright.untrusted.text import parse_json

_FORMAT = "0.5.12"
_DOCUMENT = "README.md"
_LONGEST_NAME = 64  # characters, before its tools complain


def write_package(model: Any, metadata: Metadata, path: Path) -> None:
    """A zip archive of the model; the metadata is `config.maskwright` of its description."""
    rule = metadata.input_rule
    levels, inputs = _example(rule)
    probabilities = np.asarray(model.predict_on_batch(inputs), np.float32)[..., : metadata.channels]
    with tempfile.TemporaryDirectory() as folder:
        graph = Path(folder) / GRAPH
        export_onnx(model, graph, metadata)
        files = {
            _DOCUMENT: _document(metadata).encode(),
            GRAPH: graph.read_bytes(),
            "test_input.npy": _npy(levels),
            "test_output.npy": _npy(probabilities),
        }
    text = json.dumps(
        _description(metadata, levels, probabilities, files), indent=1, ensure_ascii=False, allow_nan=False
    )
    with atomic(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(PACKAGE_NOTE, text)
        for name, data in files.items():
            archive.writestr(name, data)


def _description(
    metadata: Metadata, levels: np.ndarray, probabilities: np.ndarray, files: dict[str, bytes]
) -> dict[str, Any]:
    rule = metadata.input_rule
    whole = {
        "type": "model",
        "format_version": _FORMAT,
        "name": _name(metadata),
        "description": f"Finds {', '.join(metadata.class_names[1:])}; made with Maskwright."[:1024],
        "cite": _citations(metadata.architecture),
        "tags": ["segmentation", "3d" if rule.depth else "2d", metadata.architecture.lower()],
        "documentation": _file(_DOCUMENT, files),
        "inputs": [
            {
                "id": "image",
                "axes": _axes(levels, rule, [f"channel {number}" for number in range(1, levels.shape[-1] + 1)]),
                "data": {"type": str(levels.dtype)},
                "test_tensor": _file("test_input.npy", files),
                "preprocessing": _preprocessing(rule),
            }
        ],
        "outputs": [
            {
                "id": "probabilities",
                "axes": _axes(probabilities, rule, metadata.class_names[-probabilities.shape[-1] :]),
                "data": {"type": "float32", "range": [0.0, 1.0]},
                "test_tensor": _file("test_output.npy", files),
            }
        ],
        "weights": {"onnx": {**_file(GRAPH, files), "opset_version": OPSET}},
        "config": {"maskwright": parse_json(metadata.to_json(), "the metadata")},
    }
    return {name: value for name, value in whole.items() if value != []}


def _example(rule: InputRule) -> tuple[np.ndarray, np.ndarray]:
    """A made-up input in levels, and as the network gets it; of volumes both are the latter."""
    inputs = sample_inputs(rule)[2:3]
    if rule.depth:
        return inputs, inputs
    low, high = np.percentile(inputs, (1, 99))
    levels = rule.low + np.clip((inputs - low) / (high - low), 0, 1) * (rule.high - rule.low)
    levels = np.rint(levels).astype(rule.dtype) if rule.dtype != "float32" else levels.astype(np.float32)
    return levels, np.stack([to_floats(one, rule) for one in levels])


def _preprocessing(rule: InputRule) -> list[dict[str, Any]]:
    """From levels to what the network gets, in the zoo's words; `ensure_dtype` must be last, or it casts back."""
    cast = {"id": "ensure_dtype", "kwargs": {"dtype": "float32"}}
    if rule.depth:  # whole scans are normalised, of which the zoo sees a part only
        return [cast]
    if rule.intensity == "zscore":
        step = {"id": "zero_mean_unit_variance", "kwargs": {"axes": ["y", "x", "channel"]}}  # its eps is ours, 1e-6
        return [cast, step, cast]
    gain = (1.0 if rule.intensity == "unit" else 255.0) / (rule.high - rule.low)
    offset = -rule.low * gain + 0.0
    if (gain, offset) == (1.0, 0.0):  # the zoo refuses what changes nothing
        return [cast]
    return [cast, {"id": "scale_linear", "kwargs": {"gain": gain, "offset": offset}}, cast]


def _axes(array: np.ndarray, rule: InputRule, channels: list[str]) -> list[dict[str, Any]]:
    names = ("z", "y", "x") if rule.depth else ("y", "x")
    spacing = rule.spacing if len(rule.spacing) == len(names) else ()
    space: list[dict[str, Any]] = [
        {"type": "space", "id": name, "size": size} for name, size in zip(names, array.shape[1:-1], strict=True)
    ]
    for axis, millimetres in zip(space, spacing, strict=False):
        axis |= {"unit": "millimeter", "scale": float(millimetres)}
    return [{"type": "batch"}, *space, {"type": "channel", "channel_names": channels}]


def _file(name: str, files: dict[str, bytes]) -> dict[str, str]:
    return {"source": name, "sha256": hashlib.sha256(files[name]).hexdigest()}


def _name(metadata: Metadata) -> str:
    """What the zoo allows in a name: letters, digits and a few signs."""
    plain = f"{metadata.architecture} for {' and '.join(metadata.class_names[1:])}"
    return re.sub(r"[^A-Za-z0-9_+\- ()]", "-", plain)[:_LONGEST_NAME].strip()


def _citations(architecture: str) -> list[dict[str, str]]:
    paper = find_architecture(architecture).paper
    found = re.search(r"arXiv[: ]*(\d{4}\.\d{4,5})", paper)
    return [{"text": paper, "url": f"https://arxiv.org/abs/{found[1]}"}] if found else []


def _document(metadata: Metadata) -> str:
    rule = metadata.input_rule
    shape = " x ".join(map(str, rule.shape))
    made = (
        "Its input is a part of a volume that was brought to the spacing of the axes and normalised as a whole; "
        "`maskwright predict` does that from the scan itself."
        if rule.depth
        else "Its input is a picture in grey levels (or colours) at the network's size."
    )
    known = "\n".join(f"- {name}: {value}" for name, value in metadata.training.items())
    return (
        f"# {_name(metadata)}\n\nInput {shape}, output a probability for each of: "
        f"{', '.join(metadata.class_names[-metadata.channels :])}. {made}\n\n"
        f"`maskwright predict THIS.zip IMAGES` uses the package as it is.\n\n## Validation\n\n"
        f"{known or 'Nothing is noted.'}\n"
    )


def _npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(array))
    return buffer.getvalue()
