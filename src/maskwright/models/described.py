"""Whether a model file is what it says it is, looked at before a network is built of it.

Keras makes every variable that `config.json` describes, and calls what it names, before it opens the weights: so what
may be named is a list, and what is described must fit into the weights that are there.
"""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from maskwright.errors import MaskwrightError
from maskwright.models.metadata import FIX, Metadata
from maskwright.typed import shown
from maskwright.untrusted.archives import open_zip, read_member
from maskwright.untrusted.decode import decoding
from maskwright.untrusted.text import parse_json

CONFIG, WEIGHTS = "config.json", "model.weights.h5"
DAMAGED = "is a damaged model"
MOST_WEIGHTS = 4 << 30  # bytes
_MOST_CONFIG = 32 << 20  # bytes; of an EfficientNet B7 it has 1 MB
# Where layers come from: Keras, ours, and the packages that models/providers/ knows. Nothing else is imported.
_MODULES = ("keras", "maskwright", "medicai", "keras_hub")
# These hold code of whoever saved them; Keras's safe mode refuses most, and we all, with a sentence of our own.
_CODE = {"Lambda", "__lambda__", "TorchModuleWrapper", "TFSMLayer", "JaxLayer", "FlaxLayer"}
_ACTIVATIONS = (
    "celu", "elu", "exponential", "gelu", "glu", "hard_shrink", "hard_sigmoid", "hard_silu", "hard_swish", "hard_tanh",
    "leaky_relu", "linear", "log_sigmoid", "log_softmax", "mish", "relu", "relu6", "selu", "sigmoid", "silu", "softmax",
    "softplus", "softsign", "sparse_plus", "squareplus", "swish", "tanh",
)  # fmt: skip
_LARGEST = 1 << 16  # a number of a layer, as its filters
_NO_SIZES = ("layers", "shared_object_id")  # numbers in them size nothing, or are looked at by themselves
# What a layer may claim beyond its weights: kernels are counted as if every input had the widest of all channels.
_TIMES, _AT_LEAST = 128, 1 << 28


def require_same(
    where: object, metadata: Metadata, inputs: Sequence[Any] | None, outputs: Sequence[Any] | None
) -> None:
    """Refuse a network that is not the one described.

    Args:
        inputs: shape of its input without the batch; what is no number, there or here, is not known. outputs: alike.

    Raises:
        MaskwrightError: another input shape, or other channels.
    """
    wanted = metadata.input_shape
    if inputs is not None and (len(inputs) != len(wanted) or not all(map(_may_be, inputs, wanted))):
        raise _disagrees(where, f"takes an input of {shown(tuple(inputs))}", f"it says {wanted}")
    if outputs and not _may_be(outputs[-1], metadata.channels):
        raise _disagrees(where, f"gives {shown(outputs[-1])} channels", f"it says {metadata.channels}")


def _may_be(found: Any, wanted: int) -> bool:
    return found == wanted or type(found) is not int or found < 0


def _disagrees(where: object, does: str, says: str) -> MaskwrightError:
    return MaskwrightError(f"is a damaged model: its network {does}, and {says}", where=where, fix=FIX)


def require_described(path: Path, metadata: Metadata) -> None:
    """Refuse a `.keras` file whose network is not the one described, or that its weights cannot be of.

    Raises:
        MaskwrightError: that; a member that is damaged; layers of other packages, or that hold code.
    """
    with open_zip(path, DAMAGED, FIX) as archive:
        config = parse_json(
            read_member(archive, CONFIG, _MOST_CONFIG, path, what=DAMAGED, fix=FIX),
            f"{path}:{CONFIG}", limit=_MOST_CONFIG, what=DAMAGED, fix=FIX, deepest=200,
        )  # fmt: skip
        weights = _weights(archive, path)
    with decoding(path, DAMAGED, FIX):
        config.pop("compile_config", None)  # how it was trained, which is never read: the loss may be anybody's
    _require_known(config, path)
    with decoding(path, DAMAGED, FIX):
        taken, claimed = _input_shape(config), _claimed(config, _widest(config))
    require_same(path, metadata, taken, None)
    if claimed > max(_TIMES * weights, _AT_LEAST):
        what = f"{DAMAGED}: its layers claim {claimed / 1e9:.3g} GB, and its weights have {weights / 1e9:.3g}"
        raise MaskwrightError(what, where=path, fix=FIX)


def _input_shape(config: dict[str, Any]) -> list[Any] | None:
    """The shape of a functional network's own input, without the batch; None where another class makes the network."""
    if config["class_name"] != "Functional":
        return None
    (name, *_) = _flat(config["config"]["input_layers"])
    (layer,) = [one for one in config["config"]["layers"] if one["name"] == name]
    shape = layer["config"]["batch_shape"]
    if not isinstance(shape, list):
        raise TypeError("no shape")
    return shape[1:]


def _flat(value: Any) -> list[Any]:
    return [inner for one in value for inner in _flat(one)] if isinstance(value, list) else [value]


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    """Every serialised object in a configuration of Keras's."""
    todo = [value]
    while todo:
        one = todo.pop()
        if isinstance(one, dict):
            if "class_name" in one:
                yield one
            todo += one.values()
        elif isinstance(one, list):
            todo += one


def _require_known(config: Any, path: Path) -> None:
    for one in _objects(config):
        name, module = str(one["class_name"]), one.get("module")
        registered = one.get("registered_name")
        package = module if module is not None else str(registered or "").partition(">")[0]
        if name in _CODE:
            raise MaskwrightError(
                f"holds code ({name}), which is never run", where=f"{path}:{CONFIG}", fix="Build it of layers instead."
            )
        known = isinstance(package, str) and package.split(".")[0] in _MODULES
        if not (known or _is_plain(one, registered)):
            raise MaskwrightError(
                f"names {shown(name)} of {shown(module or registered)}, and only layers of Keras, of Maskwright and "
                "of the packages that it knows are made",
                where=f"{path}:{CONFIG}",
                fix=FIX,
            )


def _is_plain(one: dict[str, Any], registered: Any) -> bool:
    """Whether an object is one of Keras's own notations, which stand for no class of any package."""
    if (one.get("module"), one["class_name"]) == ("builtins", "function"):
        # Keras looks others up among Python's own, as `eval`.
        name = str(one.get("config"))
        return name in _ACTIVATIONS or (">" in name and name.partition(">")[0] in _MODULES)
    notations = ("__keras_tensor__", "__tensor__", "__numpy__", "__bytes__", "__ellipsis__", "__slice__")
    return one.get("module") is None and registered is None and one["class_name"] in notations


def _weights(archive: zipfile.ZipFile, path: Path) -> int:
    """Bytes of all weights; the file they are in is sound, claims no more than it has, and refers to no other file."""
    import h5py

    data = read_member(archive, WEIGHTS, MOST_WEIGHTS, path, what=DAMAGED, fix=FIX)
    total = 0
    with decoding(path, DAMAGED, FIX), h5py.File(io.BytesIO(data), "r") as file:
        groups: list[Any] = [file]
        while groups:
            group = groups.pop()
            for name in group:
                if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                    raise ValueError("a link")  # to another place, or to another file
                inner = group[name]
                if isinstance(inner, h5py.Group):
                    groups.append(inner)
                    if len(groups) > len(data):
                        raise ValueError("groups in a circle")
                    continue
                total += int(inner.size or 0) * inner.dtype.itemsize
                if total > len(data) or inner.external or inner.is_virtual or inner.dtype.hasobject:
                    raise ValueError("more than there is")
    return total


def _numbers(value: Any) -> Iterator[int]:
    """The whole numbers of a layer's own settings; a seed is none that sizes anything."""
    todo = [value]
    while todo:
        one = todo.pop()
        if isinstance(one, dict):
            todo += [inner for key, inner in one.items() if "seed" not in key and key not in _NO_SIZES]
        elif isinstance(one, list):
            todo += one
        elif type(one) is int:
            yield one


def _sizes(layer: dict[str, Any]) -> dict[str, Any]:
    config = layer.get("config")
    return config if isinstance(config, dict) else {}


def _widest(config: Any) -> int:
    """The most channels that any layer gives or takes."""
    widths = [1]
    for layer in _objects(config):
        for key, value in _sizes(layer).items():
            if any(not -_LARGEST <= number <= _LARGEST for number in _numbers({key: value})):
                raise ValueError(f"{key} of {value}")
            if key in ("filters", "units", "output_dim", "num_heads", "key_dim") and type(value) is int:
                widths.append(value)
            if key == "batch_shape" and isinstance(value, list) and value and type(value[-1]) is int:
                widths.append(value[-1])
    return max(widths)


def _claimed(config: Any, widest: int) -> float:
    """Bytes of all kernels, as if each had the widest input."""
    total = 0.0
    for layer in _objects(config):
        sizes = _sizes(layer)
        width = next((sizes[key] for key in ("filters", "units") if type(sizes.get(key)) is int), 0)
        kernel = sizes.get("kernel_size", 1)
        edges = kernel if isinstance(kernel, list) else [kernel]
        total += 4.0 * width * widest * math.prod(edge for edge in edges if type(edge) is int)
    return total
