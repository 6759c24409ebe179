"""Architectures by name. To add one: a file in this folder with one function decorated by `architecture`."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from maskwright.backend import import_keras
from maskwright.errors import MaskwrightError, choices

Build = Callable[..., Any]
Multiple = Callable[[dict[str, Any]], int | tuple[int, ...]]
_FOUND: dict[str, Architecture] = {}


@dataclass(frozen=True)
class Architecture:
    """A network that can be built.

    Attributes:
        name: the short name. aliases: the reference's names.
        build: `build(input_shape, classes, **options)` gives a `keras.Model`.
        paper, year: where it was described.
        multiple: `multiple(options)` is what each edge of its input must be a multiple of, or a number for each edge;
            among the options `dims` says how many edges there are.
        dims: 2 where it takes pictures, 3 where it takes volumes.
        variant: options that its reference's names stand for, where the reference differs from the paper.
        square: whether its input must have edges of one length.
    """

    name: str
    aliases: tuple[str, ...]
    build: Build
    paper: str
    year: int
    multiple: Multiple
    dims: tuple[int, ...] = (2,)
    variant: dict[str, Any] = field(default_factory=dict)
    square: bool = False

    def defaults(self, name: str) -> dict[str, Any]:
        """Its options with the values that they have under one of its names."""
        return self.options | (self.variant if name in self.aliases else {})

    @property
    def options(self) -> dict[str, Any]:
        """Its options with their defaults."""
        parameters = inspect.signature(self.build).parameters.values()
        return {item.name: item.default for item in parameters if item.kind is inspect.Parameter.KEYWORD_ONLY}


def architecture(
    name: str,
    *,
    aliases: tuple[str, ...] = (),
    paper: str,
    year: int,
    multiple: Multiple,
    dims: tuple[int, ...] = (2,),
    variant: dict[str, Any] | None = None,
) -> Callable[[Build], Build]:
    """Register the decorated builder; see `Architecture`."""

    def register(build: Build) -> Build:
        _FOUND[name] = Architecture(name, aliases, build, paper, year, multiple, dims, variant or {})
        return build

    return register


def architectures() -> dict[str, Architecture]:
    """Every architecture by its short name."""
    import_keras()
    package = importlib.import_module(__package__)
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{__package__}.{module.name}")
    return dict(sorted(_FOUND.items()))


def find_architecture(name: str) -> Architecture:
    """The architecture of a short name, one of the reference's, or `provider:name` of another package.

    Raises:
        MaskwrightError: there is none of that name, or its package is not installed.
    """
    from maskwright.models import providers

    if providers.is_provided(name):
        return providers.find_provided(name)
    known = architectures()
    by_name = known | {alias: found for found in known.values() for alias in found.aliases}
    if name not in by_name:
        raise MaskwrightError(
            f"there is no architecture {name!r}", where="[model] name", fix=choices(name, list(by_name))
        )
    return by_name[name]


def create_model(name: str, input_shape: tuple[int, ...], classes: int = 1, **options: Any) -> Any:
    """Build a network.

    Args:
        name: short name (`unet`), the reference's (`TensorflowUNet`), or another package's (`medicai:SwinUNETR`).
        input_shape: `(height, width, channels)` in px, or `(depth, height, width, channels)` in voxels. A size that
            the network cannot halve often enough is padded with zeros inside it, and cropped again at its end.
        classes: 1 for one structure (sigmoid), else the number of classes, background counted (softmax).
        options: those of the architecture; see `maskwright models NAME`.

    Returns:
        A `keras.Model` from `(B, H, W, C)` float32 to probabilities `(B, H, W, classes)` float32.

    Raises:
        MaskwrightError: an unknown name or option, or a value that it does not accept.
    """
    found = find_architecture(name)
    for option in options:
        if option not in found.options:
            raise MaskwrightError(
                f"{found.name} has no option {option!r}", where="[model]", fix=choices(option, list(found.options))
            )
    if len(input_shape) - 1 not in found.dims:
        takes = " and ".join({2: "pictures (height, width, channels)", 3: "volumes (depth, height, width, channels)"}[n]
                             for n in found.dims)  # fmt: skip
        raise MaskwrightError(
            f"{found.name} takes {takes}, not an input of {input_shape}",
            where="[model] name",
            fix="`maskwright models` says which architectures take pictures and which volumes.",
        )
    options = (found.variant if name in found.aliases else {}) | options
    dims = len(input_shape) - 1
    multiple = found.multiple(found.options | options | {"dims": dims})
    multiples = (multiple,) * dims if isinstance(multiple, int) else multiple
    missing = [-edge % step for edge, step in zip(input_shape[:-1], multiples, strict=True)]
    if found.square:
        longest = max(edge + more for edge, more in zip(input_shape[:-1], missing, strict=True))
        missing = [longest - edge for edge in input_shape[:-1]]
    if not any(missing):
        return found.build(input_shape, classes, **options)
    return _padded(found.build, input_shape, classes, missing, options)


def _padded(build: Build, shape: tuple[int, ...], classes: int, missing: list[int], options: dict[str, Any]) -> Any:
    keras = import_keras()
    margins = tuple((edge // 2, edge - edge // 2) for edge in missing)
    inner = build(
        (*(edge + more for edge, more in zip(shape[:-1], missing, strict=True)), shape[-1]), classes, **options
    )
    from maskwright.models.margins import Margins

    flat = len(margins) == 2
    pad = keras.layers.ZeroPadding2D if flat else Margins
    crop = keras.layers.Cropping2D if flat else keras.layers.Cropping3D
    inputs = keras.Input(shape, name="image")
    outputs = [crop(margins, dtype="float32")(one) for one in tree_list(inner(pad(margins)(inputs)))]
    return keras.Model(inputs, outputs if len(outputs) > 1 else outputs[0], name=f"{inner.name}_padded")


def tree_list(outputs: Any) -> list[Any]:
    """The outputs of a network as a list, the main one first."""
    return list(outputs) if isinstance(outputs, list | tuple) else [outputs]
