"""Good models and checkpoints, small, the same at every run."""

from __future__ import annotations

import functools
import io
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from seed_basics import Files, npy, zipped


def metadata() -> Any:
    """What a small network says of itself."""
    from maskwright.data.preprocess import InputRule
    from maskwright.labels.rule import LabelRule
    from maskwright.models.metadata import Metadata

    return Metadata("unet", {"num_layers": 2, "base_filters": 4}, 3, ["background", "a", "b"], InputRule(32, 40, 1, intensity="zscore"),
                    LabelRule("color", 3, colors=((0, 0, 0), (1, 2, 3), (4, 5, 6))), {"threshold": [0.2, 0.4]}, {"epoch": 3}, (1,))  # fmt: skip


def _network() -> tuple[bytes, bytes]:
    """`config.json` and weights of one convolution, as Keras writes them."""
    import h5py

    def layer(kind: str, name: str, config: dict[str, Any], nodes: list[Any]) -> dict[str, Any]:
        return {
            "module": "keras.layers",
            "class_name": kind,
            "config": {"name": name, **config},
            "name": name,
            "registered_name": None,
            "inbound_nodes": nodes,
        }

    tensor = {
        "class_name": "__keras_tensor__",
        "config": {"shape": [None, 32, 40, 1], "dtype": "float32", "keras_history": ["image", 0, 0]},
    }
    layers = [
        layer("InputLayer", "image", {"batch_shape": [None, 32, 40, 1], "dtype": "float32", "sparse": False}, []),
        layer("Conv2D", "conv2d", {"filters": 3, "kernel_size": [3, 3], "strides": [1, 1], "padding": "same", "activation": "softmax",
              "kernel_initializer": {"module": "keras.initializers", "class_name": "HeNormal", "config": {"seed": None}, "registered_name": None}},
              [{"args": [tensor], "kwargs": {}}]),
    ]  # fmt: skip
    config = {"module": "keras.src.models.functional", "class_name": "Functional", "registered_name": "Functional", "build_config": {"input_shape": None},
              "config": {"name": "unet", "trainable": True, "layers": layers, "input_layers": [["image", 0, 0]], "output_layers": [["conv2d", 0, 0]]}}  # fmt: skip
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        held = file.create_group("layers/conv2d/vars")
        held["0"], held["1"] = np.zeros((3, 3, 1, 3), np.float32), np.zeros(3, np.float32)
    return json.dumps(config).encode(), buffer.getvalue()


def keras_files(folder: Path) -> Files:
    """`.keras` files, without Keras."""
    config, weights = _network()
    note = metadata().to_json().encode()
    entries = {
        "metadata.json": b'{"keras_version": "3.15.0"}',
        "config.json": config,
        "model.weights.h5": weights,
        "maskwright.json": note,
    }
    return [("a.keras", zipped(entries))]


def _onnx() -> bytes:
    import onnx
    from onnx import TensorProto, helper

    shapes = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["b", 32, 40, edge])
        for name, edge in (("image", 1), ("probabilities", 3))
    ]
    weights = helper.make_tensor("w", TensorProto.FLOAT, [1, 3], np.zeros(3))
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["image", "w"], ["probabilities"])], "g", shapes[:1], shapes[1:], [weights]
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    helper.set_model_props(made, {"maskwright": metadata().to_json()})
    return onnx.ModelProto.SerializeToString(made)


def message(name: str, data: bytes) -> Any:
    """The protocol buffer of an ONNX file or a SavedModel."""
    import onnx

    if name.endswith(".onnx"):
        return onnx.ModelProto.FromString(data)
    from maskwright.backend import parse_saved_model

    return parse_saved_model(data)


def models(folder: Path) -> Files:
    """What models of every kind say of themselves."""
    from xml.sax.saxutils import quoteattr

    def port(edge: int) -> str:
        return f"<port id='0'><dim>-1</dim><dim>32</dim><dim>40</dim><dim>{edge}</dim></port>"

    note = metadata().to_json()
    xml = f"<?xml version='1.0'?><net><layers><layer id='0' type='Parameter'><output>{port(1)}</output></layer><layer id='1' type='Result'><input>{port(3)}</input></layer></layers><rt_info><maskwright value={quoteattr(note)} /></rt_info></net>"
    package = {"rdf.yaml": json.dumps({"config": {"maskwright": json.loads(note)}}).encode(), "model.onnx": b"x"}
    return [
        *keras_files(folder),
        ("b.onnx", _onnx()),
        ("c.xml", xml.encode()),
        ("d.zip", zipped({"x.json" if n == "" else n: d for n, d in package.items()})),
    ]


class Variable:
    """What a checkpoint needs of a variable."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape

    def assign(self, value: Any) -> None:
        """Take an array of its shape."""
        np.zeros(self.shape)[...] = value


class Model:
    """A learner with three variables."""

    checkpoint_variables = (Variable((3, 3, 1, 4)), Variable((4,)), Variable(()))


def checkpoints(folder: Path) -> Files:
    """A checkpoint after two epochs."""
    rows = [{"epoch": 1.0, "loss": 0.5, "val_dice": float("nan")}, {"epoch": 2.0, "loss": 0.4, "val_dice": 0.1}]
    watch = {"patience": 3, "best": 0.4, "best_tie": float("inf"), "waited": 0}
    state = {"epoch": 2, "rows": rows, "stopping": watch, "reducer": {**watch, "factor": 0.5, "min_delta": 1e-4}}
    text = np.frombuffer(json.dumps(state).encode(), np.uint8)
    arrays = [text, np.zeros((3, 3, 1, 4), np.float32), np.zeros(4, np.float32), np.array(7, np.int64)]
    return [
        (
            "last.npz",
            zipped(
                {f"{name}.npy": npy(array) for name, array in zip(("state", "v0", "v1", "v2"), arrays, strict=True)}
            ),
        )
    ]


def whole_models(folder: Path) -> Files:
    """A network as Keras writes it."""
    from maskwright.models.saving import build, save_model

    folder.mkdir(exist_ok=True)
    save_model(build(metadata()), folder / "a.keras", metadata())
    return [("a.keras", (folder / "a.keras").read_bytes())]


def saved_models(folder: Path) -> Files:
    """And as TensorFlow does."""
    return [("saved_model.pb", _saved()["saved_model.pb"])]


def variables() -> list[tuple[str, bytes]]:
    """The files beside it."""
    return [(name, data) for name, data in _saved().items() if name.startswith("variables.")]


@functools.cache
def _saved() -> dict[str, bytes]:
    from maskwright.backend import save_tensorflow
    from maskwright.models.saving import build

    with tempfile.TemporaryDirectory() as place:
        save_tensorflow(build(metadata()), Path(place))
        return {path.name: path.read_bytes() for path in Path(place).rglob("*") if path.is_file()}


def tensors(folder: Path) -> Files:
    """Files of PyTorch's first format."""
    from torch_file import Tensor, named, written

    folder.mkdir()
    with named() as torch:
        flat, counter = np.arange(24, dtype=np.float32), np.array([3])
        views = {"w": Tensor(torch, flat, 0, (2, 3, 4), (1, 8, 2)), "n": Tensor(torch, counter, 0, (), ())}
        path = written(folder / "a.pth", views)
    return [("a.pth", path.read_bytes())]
