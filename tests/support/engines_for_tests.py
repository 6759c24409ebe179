"""A network as an ONNX file: its probability is the level of the pixel, as of `service.Bright`."""

import numpy as np
from service import RULE

from maskwright.labels.rule import LabelRule
from maskwright.models.metadata import Metadata
from maskwright.models.onnx import described


def saved_onnx(folder, rule=RULE, names=("background", "organ")):
    """Writes the file; returns its path."""
    import onnx
    from onnx import TensorProto, helper

    shape = list(rule.shape)
    half = helper.make_tensor("half", TensorProto.FLOAT, [1, 1], np.full(1, 1.0, np.float32))
    node = helper.make_node("MatMul", ["image", "half"], ["probabilities"])
    graph = helper.make_graph(
        [node], "bright",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", *shape])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", *shape[:-1], 1])],
        [half],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    metadata = Metadata("unet", {}, 1, list(names), rule, LabelRule("index", len(names)))
    path = folder / "bright.onnx"
    path.write_bytes(described(model, metadata).SerializeToString())
    onnx.checker.check_model(onnx.load(path))
    return path
