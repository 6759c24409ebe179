"""The same network through other programs that run networks: ONNX Runtime and OpenVINO.

A saved model is converted once and kept in the cache, by its content.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from maskwright.backend import processor_name
from maskwright.data.loader import cores
from maskwright.errors import MaskwrightError
from maskwright.inference.engines import Engine, KerasEngine, filled_up
from maskwright.models.saving import Metadata, load_model, read_metadata
from maskwright.storage import make_folder, write_json

NAMES = ("keras", "onnx", "openvino")
_PACKAGES = {"onnx": ("onnxruntime", "tf2onnx"), "openvino": ("openvino", "tf2onnx")}
_TRIES = 4


class OnnxEngine:
    """A network in ONNX Runtime, in float32."""

    def __init__(self, path: Path, metadata: Metadata) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = cores()
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.metadata = metadata
        self._input = self.session.get_inputs()[0].name

    def probabilities(self, inputs: np.ndarray, batch_size: int | None = None) -> np.ndarray:
        """See `Engine`."""
        (found,) = self.session.run(None, {self._input: filled_up(inputs, batch_size)})
        return np.asarray(found)[: len(inputs), ..., : self.metadata.channels]


class OpenVinoEngine:
    """A network in OpenVINO, in float32 or bfloat16."""

    def __init__(self, path: Path, metadata: Metadata, precision: str = "float32") -> None:
        import openvino

        core = openvino.Core()
        kind = openvino.Type.bf16 if precision == "mixed_bfloat16" else openvino.Type.f32
        self.compiled = core.compile_model(
            core.read_model(path), "CPU", {"INFERENCE_PRECISION_HINT": kind, "PERFORMANCE_HINT": "LATENCY"}
        )
        self.metadata = metadata

    def probabilities(self, inputs: np.ndarray, batch_size: int | None = None) -> np.ndarray:
        """See `Engine`."""
        found = self.compiled([filled_up(inputs, batch_size)])[0]
        return np.array(found[: len(inputs), ..., : self.metadata.channels], np.float32)


def open_runtime(name: str, path: Path, precision: str, folder: Path) -> Engine:
    """A saved model in a runtime.

    Args:
        name: of `NAMES`. precision: `float32` or `mixed_bfloat16`, which ONNX Runtime does not have. folder: the cache.

    Raises:
        MaskwrightError: the runtime is not installed, or the file is no model of ours.
    """
    if name == "keras":
        return KerasEngine(*load_model(path, precision))
    missing = [package for package in _PACKAGES[name] if importlib.util.find_spec(package) is None]
    if missing:
        raise MaskwrightError(
            f"needs {' and '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not installed",
            where=f"the engine {name}",
            fix='pip install "maskwright[engines]", or take --engine keras.',
        )
    metadata = read_metadata(path)
    file = converted(path, folder)
    return OnnxEngine(file, metadata) if name == "onnx" else OpenVinoEngine(file, metadata, precision)


def converted(path: Path, folder: Path) -> Path:
    """The ONNX file of a saved model, made if the cache has none.

    Raises:
        MaskwrightError: as `export_onnx`.
    """
    from maskwright.models.onnx import export_onnx

    target = folder / "onnx" / f"{_digest(path)}.onnx"
    if not target.exists():
        make_folder(target.parent)
        export_onnx(load_model(path)[0], target)
    return target


def choose_engine(wanted: str, path: Path, precision: str, folder: Path) -> Engine:
    """The engine that is asked for, or for `auto` the fastest on this machine, measured once a model and remembered.

    Raises:
        MaskwrightError: as `open_runtime`.
    """
    if wanted != "auto":
        return open_runtime(wanted, path, precision, folder)
    note, machine = folder / "engines.json", f"{processor_name()} {precision} {_digest(path)}"
    try:
        known = json.loads(note.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        known = {}
    if machine not in known:
        speeds: dict[str, float] = {}
        for name in NAMES:
            try:
                speeds[name] = images_per_second(open_runtime(name, path, precision, folder))
            except MaskwrightError:
                if name == "keras":
                    raise  # the model itself is damaged
                # not installed, or not convertible: one less to choose from
        known[machine] = {"engine": max(speeds, key=speeds.__getitem__), "images_per_second": speeds}
        write_json(note, known)
    return open_runtime(known[machine]["engine"], path, precision, folder)


def images_per_second(engine: Engine, batch_size: int = 4) -> float:
    """How fast an engine is, in batches of the size that prediction uses; the best of a few tries."""
    shape: Any = engine.metadata.input_shape
    count = 1 if len(shape) == 4 else batch_size
    inputs = np.random.default_rng(0).random((count, *shape), np.float32)
    engine.probabilities(inputs, count)
    seconds = []
    for _ in range(_TRIES):
        begin = time.perf_counter()
        engine.probabilities(inputs, count)
        seconds.append(time.perf_counter() - begin)
    return round(count / min(seconds), 2)


def _digest(path: Path) -> str:
    return hashlib.blake2b(path.read_bytes(), digest_size=12).hexdigest()
