"""What a TensorFlow SavedModel is made of, looked at before TensorFlow loads it.

A SavedModel is a program: its operations may read and write files, open connections and call Python. What a network
needs is a list, and anything else is refused. A list of names and no rule: "without state, from numbers to numbers"
would let `Abort` (ends the process), `ImmutableConst` (maps a file), `DebugIdentity` (writes one) and
`PyFuncStateless` (calls Python) pass.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from maskwright.backend import parse_saved_model
from maskwright.errors import MaskwrightError
from maskwright.models.described import DAMAGED, require_same
from maskwright.models.metadata import FIX, Metadata
from maskwright.typed import shown
from maskwright.untrusted.decode import decoding
from maskwright.untrusted.text import read_bytes

_MOST = (2 << 30) - 1  # bytes; protocol buffers end there
_GRAPH = "saved_model.pb"
# What TensorFlow would take in place of the file that is looked at, or run beside it.
_BESIDE = ("saved_model.pbtxt", "saved_model.cpb", "keras_metadata.pb", "keras.metadata.pb")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Numbers to numbers, each by a formula: what Keras's layers, and those of the packages that are known, are made of.
_NUMBERS = _words("""
    Abs Acos Acosh Add AddN AddV2 All Any ApproximateEqual ArgMax ArgMin Asin Asinh Atan Atan2 Atanh AvgPool
    AvgPool3D BatchMatMul BatchMatMulV2 BatchMatMulV3 BatchToSpace BatchToSpaceND BiasAdd BiasAddV1 Bitcast
    BitwiseAnd BitwiseOr BitwiseXor BroadcastArgs BroadcastTo Bucketize Cast Ceil ClipByValue Concat ConcatOffset
    ConcatV2 Const Conv Conv2D Conv2DBackpropInput Conv2DBackpropInputV2 Conv3D Conv3DBackpropInput
    Conv3DBackpropInputV2 Cos Cosh CropAndResize Cross Cumprod Cumsum DepthToSpace DepthwiseConv2dNative
    DepthwiseConv2dNativeBackpropInput Dequantize Diag DiagPart Dilation2D Div DivNoNan DynamicPartition
    DynamicStitch Einsum Elu EnsureShape Equal Erf Erfc Erfinv EuclideanNorm Exp ExpandDims Expm1
    ExtractImagePatches ExtractVolumePatches FakeQuantWithMinMaxArgs FakeQuantWithMinMaxVars
    FakeQuantWithMinMaxVarsPerChannel FFT FFT2D FFT3D Fill Floor FloorDiv FloorMod FusedBatchNorm FusedBatchNormV2
    FusedBatchNormV3 Gather GatherNd GatherV2 Greater GreaterEqual Identity IdentityN IFFT IFFT2D IFFT3D Imag
    ImageProjectiveTransformV2 ImageProjectiveTransformV3 InTopK InTopKV2 Inv Invert InvertPermutation IRFFT
    IRFFT2D IRFFT3D IsFinite IsInf IsNan L2Loss LeakyRelu LeftShift Less LessEqual Lgamma LinSpace Log Log1p
    LogicalAnd LogicalNot LogicalOr LogSoftmax LRN MatMul MatrixBandPart MatrixDiag MatrixDiagPart
    MatrixDiagPartV2 MatrixDiagPartV3 MatrixDiagV2 MatrixDiagV3 MatrixSetDiag MatrixSetDiagV2 MatrixSetDiagV3 Max
    Maximum MaxPool MaxPool3D MaxPoolV2 MaxPoolWithArgmax Mean Min Minimum MirrorPad Mod Mul MulNoNan Neg NoOp
    NotEqual OneHot OnesLike Pack Pad PadV2 ParallelConcat Placeholder PlaceholderV2 PlaceholderWithDefault Pow
    PreventGradient Prod QuantizeAndDequantizeV2 QuantizeAndDequantizeV3 QuantizeAndDequantizeV4 QuantizeV2 Range
    Rank Real RealDiv Reciprocal Relu Relu6 Reshape ResizeArea ResizeBicubic ResizeBilinear ResizeNearestNeighbor
    Reverse ReverseV2 RFFT RFFT2D RFFT3D RightShift Rint Roll Round Rsqrt ScaleAndTranslate ScatterNd SegmentMax
    SegmentMean SegmentMin SegmentSum Select SelectV2 Selu Shape ShapeN Sigmoid Sign Sin Sinh Size Slice Snapshot
    Softmax Softplus Softsign SpaceToBatch SpaceToBatchND SpaceToDepth Split SplitV Sqrt Square SquaredDifference
    Squeeze StatelessRandomNormalV2 StatelessRandomUniformV2 StopGradient StridedSlice Sub Sum Tan Tanh
    TensorScatterAdd TensorScatterMax TensorScatterMin TensorScatterSub TensorScatterUpdate
    TensorStridedSliceUpdate Tile TopK TopKV2 Transpose TruncateDiv TruncateMod Unique UniqueV2 Unpack
    UnravelIndex UnsortedSegmentMax UnsortedSegmentMin UnsortedSegmentSum UpperBound LowerBound Where Xdivy
    Xlog1py Xlogy ZerosLike
""")  # fmt: skip
# Functions of the same file, whose operations are looked at too, and variables in memory.
_CALLS = _words("Case If PartitionedCall StatefulPartitionedCall StatelessCase StatelessIf StatelessWhile While")
_VARIABLES = _words("VarHandleOp ReadVariableOp AssignVariableOp VarIsInitializedOp DisableCopyOnRead")
# TensorFlow writes two functions into every SavedModel that put its variables into files and take them out; they may
# do this, where nothing else in the file calls them.
_SAVER = _words("SaveV2 RestoreV2 MergeV2Checkpoints ShardedFilename StringJoin StaticRegexFullMatch")
ALLOWED = _NUMBERS | _CALLS | _VARIABLES
_KINDS = (None, "user_object", "function", "bare_concrete_function", "constant", "variable")
_LARGEST = 1 << 31  # bytes that a constant may claim beside those that are in the file


def require_harmless(path: Path, metadata: Metadata) -> None:
    """Refuse a SavedModel that is more than a network, or another than it says.

    Raises:
        MaskwrightError: an operation beyond the list, which is named; a damaged file; other input or channels.
    """
    for name in _BESIDE:
        if (path / name).exists():
            raise MaskwrightError(f"holds {name}, which Maskwright never writes", where=path, fix="Export it again.")
    data = read_bytes(path / _GRAPH, _MOST, FIX)
    with decoding(path / _GRAPH, DAMAGED, FIX):
        (graph,) = parse_saved_model(data).meta_graphs
        strange = sorted(set(_strange(graph)))
        outside = sorted({node for node in _outside(graph) if node})
        claimed = sum(_claims(node) for node, _ in _nodes(graph))
        signature = graph.signature_def["serving_default"]
        inputs, outputs = ([_shape(one) for one in side.values()] for side in (signature.inputs, signature.outputs))
        (taken,), (given,) = inputs, outputs
    if strange or outside:
        told = shown(", ".join(strange or outside), 200)
        raise MaskwrightError(
            f"holds operations that no network needs ({told}); a SavedModel is a program, and they could touch files, "
            "the network or this process",
            where=path,
            fix="Take the model.keras or the ONNX file of the run instead, or export it with `maskwright export`.",
        )
    if claimed > len(data) + _LARGEST:
        raise MaskwrightError(f"{DAMAGED}: its constants claim {claimed / 1e9:.3g} GB", where=path, fix=FIX)
    require_same(path, metadata, taken, given)


def _nodes(graph: Any) -> Iterator[tuple[Any, str]]:
    """Every node, with the name of its function; of the graph itself without one."""
    for node in graph.graph_def.node:
        yield node, ""
    for function in graph.graph_def.library.function:
        for node in function.node_def:
            yield node, function.signature.name


def _called(node: Any) -> set[str]:
    """The functions that a node names."""
    found = set()
    for value in node.attr.values():
        found |= {value.func.name, *(one.name for one in value.list.func)} - {""}
    return found


def _saver_functions(graph: Any) -> set[str]:
    """The functions that save and restore, where the saver calls them and nothing else does."""
    definition = graph.saver_def
    ends = {definition.save_tensor_name.partition(":")[0], definition.restore_op_name}
    theirs: set[str] = set()
    others: set[str] = set(graph.object_graph_def.concrete_functions)
    for node, function in _nodes(graph):
        (theirs if not function and node.name in ends else others).update(_called(node))
    return theirs - others


def _strange(graph: Any) -> Iterator[str]:
    """The operations that are on no list."""
    saver = _saver_functions(graph)
    for node, function in _nodes(graph):
        if node.op not in ALLOWED and not (function in saver and node.op in _SAVER):
            yield node.op or "one without a name"
        if any(value.tensor.dtype in (20, 21) for value in node.attr.values()):  # DT_RESOURCE, DT_VARIANT
            yield f"{node.op} of objects"


def _outside(graph: Any) -> Iterator[str]:
    """What is no operation, and is called or read all the same."""
    known = {function.signature.name for function in graph.graph_def.library.function}
    for node, _ in _nodes(graph):
        yield from (f"a call of {name}" for name in _called(node) - known)
    for one in graph.object_graph_def.nodes:
        kind = one.WhichOneof("kind")
        yield "" if kind in _KINDS and not one.registered_name else f"an object ({one.registered_name or kind})"
    yield from ("a file beside it" for _ in graph.asset_file_def)


def _claims(node: Any) -> float:
    """The bytes that a constant claims."""
    if node.op != "Const":
        return 0.0
    edges = [dimension.size for dimension in node.attr["value"].tensor.tensor_shape.dim]
    return 8.0 * math.prod(float(max(edge, 0)) for edge in edges)


def _shape(tensor: Any) -> list[int] | None:
    """Of a batch, without its length."""
    shape = tensor.tensor_shape
    return None if shape.unknown_rank else [dimension.size for dimension in shape.dim][1:]
