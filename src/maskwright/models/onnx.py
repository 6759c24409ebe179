"""Export of a network to ONNX."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from maskwright.backend import inference_function
from maskwright.errors import MaskwrightError
from maskwright.storage import atomic

_OPSET = 18  # of 2023; ONNX Runtime has it from 1.14 on


def export_onnx(model: Any, path: Path) -> None:
    """Write a network as ONNX, whole or not at all: `image` `(B, H, W, C)` to `probabilities` `(B, H, W, K)`, float32.

    Raises:
        MaskwrightError: tf2onnx is not installed, or another backend is used.
    """
    import keras

    if keras.backend.backend() != "tensorflow":
        raise MaskwrightError(
            f"Keras runs on {keras.backend.backend()}, and exports to ONNX from TensorFlow only",
            where="KERAS_BACKEND",
            fix="Unset it for this command; a saved model runs on every backend.",
        )
    try:
        import tf2onnx.convert
    except ImportError:
        raise MaskwrightError(
            "the package tf2onnx is not installed", where="ONNX", fix='pip install "maskwright[onnx]"'
        ) from None
    _teach_erfc()
    function = inference_function(model)
    with atomic(path) as temporary:
        tf2onnx.convert.from_function(
            function, input_signature=function.input_signature, opset=_OPSET, output_path=str(temporary)
        )


def _teach_erfc() -> None:
    """Give tf2onnx the operator that Keras's GELU is written with: erfc(x) = 1 - erf(x)."""
    import numpy as np
    from tf2onnx import utils
    from tf2onnx.handler import tf_op

    @tf_op("Erfc")
    class Erfc:
        """The complementary error function."""

        @classmethod
        def version_9(cls, ctx: Any, node: Any, **options: Any) -> None:
            """Two nodes in place of one."""
            kind = utils.map_onnx_to_numpy_type(ctx.get_dtype(node.output[0]))
            name, shapes, types = node.name, node.output_shapes, node.output_dtypes
            source, outputs = node.input[0], node.output
            ctx.remove_node(name)
            one = ctx.make_const(utils.make_name("one"), np.array(1, kind)).output[0]
            erf = ctx.make_node("Erf", [source]).output[0]
            ctx.make_node("Sub", [one, erf], outputs=outputs, name=name, shapes=shapes, dtypes=types)
