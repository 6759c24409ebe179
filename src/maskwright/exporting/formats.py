"""ONNX, OpenVINO and SavedModel: a network, and its metadata where each has a place for it."""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from maskwright.backend import save_tensorflow
from maskwright.errors import MaskwrightError
from maskwright.inference.model_files import SAVED_MODEL_NOTE
from maskwright.models.metadata import Metadata
from maskwright.models.onnx import KEY, export_onnx, require_tensorflow
from maskwright.storage import write_text


def write_onnx(model: Any, metadata: Metadata, path: Path) -> None:
    """One `.onnx` file; the metadata is the entry `maskwright` of its `metadata_props`."""
    export_onnx(model, path, metadata)


def write_openvino(
    model: Any, metadata: Metadata, path: Path, change: Callable[[Path, Path], None] | None = None
) -> None:
    """An `.xml` file and its `.bin` of weights; the metadata is `rt_info/maskwright`.

    Args:
        change: makes another ONNX file of the network's first.
    """
    if importlib.util.find_spec("openvino") is None:
        raise MaskwrightError(
            "the package openvino is not installed", where="--format openvino", fix='pip install "maskwright[engines]"'
        )
    import openvino

    with tempfile.TemporaryDirectory() as folder:
        graph = Path(folder) / "model.onnx"
        export_onnx(model, graph)
        if change:
            change(graph, changed := graph.with_name("changed.onnx"))
            graph = changed
        converted = openvino.convert_model(graph)
        converted.set_rt_info(metadata.to_json(), KEY)
        openvino.save_model(converted, path, compress_to_fp16=False)


def write_saved_model(model: Any, metadata: Metadata, path: Path) -> None:
    """A folder with the signature `serving_default`; the metadata is `assets.extra/maskwright.json`."""
    require_tensorflow("a SavedModel")
    save_tensorflow(model, path)
    write_text(path / "assets.extra" / SAVED_MODEL_NOTE, metadata.to_json())
