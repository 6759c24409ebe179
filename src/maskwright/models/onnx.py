"""Export of a network to ONNX."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from maskwright.backend import inference_function
from maskwright.errors import MaskwrightError
from maskwright.models.described import DAMAGED, require_same
from maskwright.models.metadata import FIX, Metadata, from_json
from maskwright.storage import atomic
from maskwright.untrusted.decode import decoding
from maskwright.untrusted.text import read_bytes

KEY = "maskwright"
_MOST = (2 << 30) - 1  # bytes; protocol buffers end there
OPSET = 18  # of 2023; ONNX Runtime has it from 1.14 on


def export_onnx(model: Any, path: Path, metadata: Metadata | None = None) -> None:
    """Write a network as ONNX, whole or not at all: `image` `(B, H, W, C)` to `probabilities` `(B, H, W, K)`, float32.

    Args:
        metadata: goes into the file's `metadata_props`, as JSON under `maskwright`.

    Raises:
        MaskwrightError: tf2onnx is not installed, or another backend is used.
    """
    require_tensorflow("ONNX")
    try:
        import tf2onnx.convert
    except ImportError:
        raise MaskwrightError(
            "the package tf2onnx is not installed", where="ONNX", fix='pip install "maskwright[onnx]"'
        ) from None
    _teach_erfc()
    function = inference_function(model)
    try:
        proto, _ = tf2onnx.convert.from_function(function, input_signature=function.input_signature, opset=OPSET)
    except (ValueError, RuntimeError, KeyError, NotImplementedError) as error:
        raise MaskwrightError(
            f"has an operation that ONNX cannot express here ({str(error).splitlines()[0]})",
            where="the network",
            fix="Export it as saved_model, or predict with Keras.",
        ) from None
    proto.doc_string = "Written by Maskwright; metadata_props has how to use it, as JSON under maskwright."
    with atomic(path) as temporary:
        temporary.write_bytes(described(proto, metadata).SerializeToString())


def require_tensorflow(format: str) -> None:
    """Refuse to export from another backend.

    Raises:
        MaskwrightError: Keras does not run on TensorFlow.
    """
    import keras

    if keras.backend.backend() != "tensorflow":
        raise MaskwrightError(
            f"Keras runs on {keras.backend.backend()}, and exports to {format} from TensorFlow only",
            where="KERAS_BACKEND",
            fix="Unset it for this command; a saved model runs on every backend.",
        )


def described(proto: Any, metadata: Metadata | None) -> Any:
    """A graph with what is said of it, in place of what was said before."""
    if metadata is not None:
        kept = [entry for entry in proto.metadata_props if entry.key != KEY]
        del proto.metadata_props[:]
        proto.metadata_props.extend(kept)
        entry = proto.metadata_props.add()
        entry.key, entry.value = KEY, metadata.to_json()
    return proto


def read_metadata(path: Path) -> Metadata:
    """What an ONNX file says of itself.

    Raises:
        MaskwrightError: no ONNX file, or one that Maskwright did not write; or the package onnx is not installed.
    """
    proto = _parsed(read_bytes(path, _MOST, FIX, "there is no such model"), path)
    for entry in proto.metadata_props:
        if entry.key == KEY:
            metadata = from_json(entry.value, path)
            _require_described(proto, metadata, path)
            return metadata
    raise MaskwrightError("is an ONNX file without Maskwright's description of its input", where=path, fix=FIX)


def require_described(data: bytes, metadata: Metadata, path: Path) -> None:
    """Refuse the bytes of an ONNX file whose graph is not the network that is described.

    Raises:
        MaskwrightError: that; a damaged file; operators or weights that are not in the file.
    """
    _require_described(_parsed(data, path), metadata, path)


def _parsed(data: bytes, path: Path) -> Any:
    try:
        import onnx
    except ImportError:
        raise MaskwrightError(
            "the package onnx is not installed", where=path, fix='pip install "maskwright[engines]"'
        ) from None
    with decoding(path, "is no ONNX file, or a damaged one", FIX):
        return onnx.ModelProto.FromString(data)


def _require_described(proto: Any, metadata: Metadata, path: Path) -> None:
    with decoding(path, DAMAGED, FIX):
        weights = {one.name for one in proto.graph.initializer}
        (taken,) = [_shape(one) for one in proto.graph.input if one.name not in weights]
        (given,) = map(_shape, proto.graph.output)
        outside = any(one.data_location or one.external_data for one in proto.graph.initializer)
        strange = sorted({one.domain for one in proto.opset_import} - {"", "ai.onnx", "ai.onnx.ml"})
        claimed = sum(8.0 * math.prod(map(float, one.dims)) for one in proto.graph.initializer)
        size = proto.ByteSize()
    if outside or strange:
        what = "keeps weights in other files" if outside else f"needs operators of {strange[0]!r}"
        raise MaskwrightError(f"{what}, which Maskwright never writes", where=path, fix="Export it again.")
    if claimed > 64 * size + (1 << 28):  # weights of one bit are the smallest that there are
        raise MaskwrightError(f"{DAMAGED}: its weights claim {claimed / 1e9:.3g} GB", where=path, fix=FIX)
    require_same(path, metadata, taken, given)


def _shape(value: Any) -> list[int | None]:
    """Of an input or output without the batch; None for an edge that is not known."""
    edges = value.type.tensor_type.shape.dim
    return [edge.dim_value if edge.HasField("dim_value") else None for edge in edges][1:]


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
