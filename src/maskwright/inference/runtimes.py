"""The same network through other programs that run networks: ONNX Runtime and OpenVINO.

A saved model is converted once and kept in the cache, by its content.
"""

from __future__ import annotations

import importlib.util
import time
from pathlib import Path
from typing import Any

import numpy as np

from maskwright.backend import load_tensorflow, processor_name
from maskwright.data.threads import cores
from maskwright.errors import MaskwrightError
from maskwright.inference.engines import Engine, KerasEngine, filled_up
from maskwright.inference.model_files import KINDS, digest, kind_of
from maskwright.models.metadata import Metadata
from maskwright.models.saved_model import require_harmless
from maskwright.models.saving import load_model
from maskwright.storage import write_json
from maskwright.untrusted.decode import decoding
from maskwright.untrusted.text import read_json

_PACKAGES = {"onnx": "onnxruntime", "openvino": "openvino"}
_TRIES = 4
_STOPPED = "stopped: it is damaged, or needs more memory than there is"
_EXPORT = "Export it again, or take smaller batches."


class OnnxEngine:
    """A network in ONNX Runtime, in float32."""

    def __init__(self, path: Path, metadata: Metadata) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = cores()
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.metadata, self._path = metadata, path
        self._input = self.session.get_inputs()[0].name

    def probabilities(self, inputs: np.ndarray, batch_size: int | None = None) -> np.ndarray:
        """See `Engine`."""
        with decoding(self._path, _STOPPED, _EXPORT):
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
        self.metadata, self._path = metadata, path

    def probabilities(self, inputs: np.ndarray, batch_size: int | None = None) -> np.ndarray:
        """See `Engine`."""
        with decoding(self._path, _STOPPED, _EXPORT):
            found = self.compiled([filled_up(inputs, batch_size)])[0]
        return np.array(found[: len(inputs), ..., : self.metadata.channels], np.float32)


class TensorFlowEngine:
    """A network in TensorFlow alone, from a SavedModel."""

    def __init__(self, path: Path, metadata: Metadata) -> None:
        require_harmless(path, metadata)
        self.metadata, self._path, self._run = metadata, path, load_tensorflow(path)

    def probabilities(self, inputs: np.ndarray, batch_size: int | None = None) -> np.ndarray:
        """See `Engine`."""
        with decoding(self._path, _STOPPED, _EXPORT):
            found = self._run(filled_up(inputs, batch_size))
        return np.asarray(found, np.float32)[: len(inputs), ..., : self.metadata.channels]


def open_runtime(name: str, path: Path, precision: str, folder: Path) -> Engine:
    """A model file in a runtime.

    Args:
        name: of the engines of its kind. precision: `float32` or `mixed_bfloat16`, which only Keras and OpenVINO have.
        folder: the cache.

    Raises:
        MaskwrightError: the runtime is not installed or does not run such files, or the file is no model of ours.
    """
    kind = kind_of(path)
    if name not in kind.engines:
        raise MaskwrightError(
            f"does not run {path.name}; {' or '.join(kind.engines)} does",
            where=f"the engine {name}",
            fix="Leave --engine and predict.engine out.",
        )
    if name == "keras":
        return KerasEngine(*load_model(path, precision))
    metadata = kind.metadata(path)
    if name == "tensorflow":
        return TensorFlowEngine(path, metadata)
    needed = (_PACKAGES[name], "tf2onnx") if kind is KINDS["keras"] else (_PACKAGES[name],)
    missing = [package for package in needed if importlib.util.find_spec(package) is None]
    if missing:
        raise MaskwrightError(
            f"needs {' and '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not installed",
            where=f"the engine {name}",
            fix='pip install "maskwright[engines]", or take --engine keras.',
        )
    file = kind.graph(path, folder) if kind.graph else path
    try:
        return OnnxEngine(file, metadata) if name == "onnx" else OpenVinoEngine(file, metadata, precision)
    except Exception as error:
        raise MaskwrightError(
            "is a damaged model, or one that this engine cannot run", where=path, fix="Export it again."
        ) from error


def choose_engine(wanted: str | None, path: Path, precision: str, folder: Path) -> Engine:
    """The engine that is asked for; the usual one of a file of its kind where none is; for `auto` the fastest on this
    machine, measured once a model and remembered.

    Raises:
        MaskwrightError: as `open_runtime`.
    """
    names = kind_of(path).engines
    if wanted != "auto" or len(names) == 1:
        return open_runtime(names[0] if wanted in (None, "auto") else wanted, path, precision, folder)
    note, machine = folder / "engines.json", f"{processor_name()} {precision} {digest(path)}"
    try:
        known = read_json(note, like={str: {"engine": str}})
    except MaskwrightError:  # measured anew
        known = {}
    if known.get(machine, {}).get("engine") not in names:
        opened: dict[str, Engine] = {}
        for name in names:
            try:
                opened[name] = open_runtime(name, path, precision, folder)
            except MaskwrightError:
                if name == names[0]:
                    raise  # the model itself is damaged
                # not installed, or not convertible: one less to choose from
        speeds = images_per_second(opened)
        known[machine] = {"engine": max(speeds, key=speeds.__getitem__), "images_per_second": speeds}
        write_json(note, known)
    return open_runtime(known[machine]["engine"], path, precision, folder)


def images_per_second(engines: dict[str, Engine], batch_size: int = 4) -> dict[str, float]:
    """How fast engines of one model are, in batches of the size that prediction uses; the best of a few tries each.

    They take turns, so that other work on the machine hits all alike.
    """
    seconds: dict[str, list[float]] = {name: [] for name in engines}
    for attempt in range(_TRIES + 1):
        for name, engine in engines.items():
            shape: Any = engine.metadata.input_shape
            count = 1 if len(shape) == 4 else batch_size
            inputs = np.random.default_rng(0).random((count, *shape), np.float32)
            begin = time.perf_counter()
            engine.probabilities(inputs, count)
            if attempt:  # the first may compile
                seconds[name].append((time.perf_counter() - begin) / count)
    return {name: round(1 / min(times), 2) for name, times in seconds.items()}
