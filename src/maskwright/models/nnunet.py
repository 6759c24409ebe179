"""nnU-Net's networks: the plain U-Net and the one with a residual encoder, for pictures and volumes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from maskwright.errors import MaskwrightError
from maskwright.models import blocks
from maskwright.models.blocks import Tensor
from maskwright.models.registry import architecture

_SLOPE = 0.01
_RESIDUAL_BLOCKS = (1, 3, 4, 6, 6, 6, 6)  # a stage, as in nnU-Net's presets
Axes = tuple[int, ...]  # along slices (of volumes), rows, columns
Given = Sequence[int | Sequence[int]] | None  # of each stage, of all axes alike or one by one


def _per_stage(given: Given, count: int, dims: int, default: int, option: str) -> list[Axes]:
    """What is said of each stage, an axis at a time.

    Raises:
        MaskwrightError: it is no whole numbers, or said of another number of stages or axes.
    """
    if given is None:
        return [(default,) * dims] * count
    found = [(one,) * dims if isinstance(one, int) else one for one in given] if isinstance(given, list | tuple) else []
    right = all(isinstance(one, list | tuple) and len(one) == dims and set(map(type, one)) == {int} for one in found)
    if not right or len(found) != count or any(min(one) < 1 for one in found):
        raise MaskwrightError(
            f"is {given}, and {count} entries are needed, each a number or one for each of the {dims} axes",
            where=f"[model.options] {option}",
            fix="kernels has one entry a stage (num_layers of them), strides one for each stage but the first.",
        )
    return [tuple(one) for one in found]


def _multiple(options: dict[str, Any]) -> Axes:
    """What each edge of the input must be a multiple of."""
    dims = options["dims"]
    strides = _per_stage(options.get("strides"), options["num_layers"] - 1, dims, 2, "strides")
    return tuple(math.prod(stride[axis] for stride in strides) for axis in range(dims))


def _unit(x: Tensor, filters: int, strides: Axes | int = 1, *, active: bool = True, kernel: Axes | int = 3) -> Tensor:
    """Convolution, instance normalisation, leaky ReLU."""
    x = blocks.normalize(blocks.conv(x, filters, kernel, strides=strides), "instance")
    return layers.LeakyReLU(negative_slope=_SLOPE)(x) if active else x


def _residual(x: Tensor, filters: int, strides: Axes, kernel: Axes) -> Tensor:
    """Two units and a shortcut; where the size halves, the shortcut is the mean of each block (ResNet-D)."""
    shortcut = x
    if max(strides) > 1:
        shortcut = blocks.layer("AveragePooling", x)(strides)(shortcut)
    if x.shape[-1] != filters:
        shortcut = blocks.normalize(blocks.conv(shortcut, filters, 1, use_bias=False), "instance")
    x = _unit(_unit(x, filters, strides, kernel=kernel), filters, active=False, kernel=kernel)
    return layers.LeakyReLU(negative_slope=_SLOPE)(layers.Add()([shortcut, x]))


def _decode(
    inputs: Tensor,
    skips: list[Tensor],
    strides: list[Axes],
    kernels: list[Axes],
    classes: int,
    deep_supervision: bool,
    final_activation: str,
    count: int,
    name: str,
) -> keras.Model:
    x, sides = skips[-1], []
    for skip, stride, kernel in zip(skips[-2::-1], strides[::-1], kernels[-2::-1], strict=True):
        x = blocks.concat(blocks.up_conv(x, skip.shape[-1], stride), skip)
        for _ in range(count):
            x = _unit(x, skip.shape[-1], kernel=kernel)
        sides.append(x)
    # As nnU-Net does, all resolutions but the two lowest count.
    chosen = sides[::-1][: max(1, len(sides) - 1)] if deep_supervision else sides[-1:]
    maps = [blocks.resize_to(blocks.layer("Conv", side)(classes, 1)(side), inputs) for side in chosen]
    outputs = [blocks.probabilities(one, classes, final_activation) for one in maps]
    return keras.Model(inputs, outputs if len(outputs) > 1 else outputs[0], name=name)


def _widths(base_filters: int, num_layers: int, dims: int) -> list[int]:
    return [min(base_filters * 2**i, 512 if dims == 2 else 320) for i in range(num_layers)]


@architecture(
    "nnunet",
    paper="Isensee et al. 2021, doi 10.1038/s41592-020-01008-z",
    year=2021,
    multiple=_multiple,
    dims=(2, 3),
)
def nnunet(
    input_shape: tuple[int, ...],
    classes: int,
    *,
    base_filters: int = 32,
    num_layers: int = 6,
    deep_supervision: bool = False,
    final_activation: str = "auto",
    strides: Given = None,
    kernels: Given = None,
) -> keras.Model:
    """Build nnU-Net's plain U-Net: two units a stage, strided convolutions down, transposed ones up.

    Stage i has base_filters · 2^i filters, at most 512 (volumes: 320).

    Args:
        deep_supervision: lower resolutions count in training; their outputs are enlarged to full size.
        strides: into each stage but the first, 2 where absent; a number, or one for each axis (slices, rows, columns),
            for voxels that are longer along one. kernels: of each stage, 3 where absent.
    """
    x = inputs = keras.Input(input_shape, name="image")
    dims = len(input_shape) - 1
    steps, sizes = (_per_stage(strides, num_layers - 1, dims, 2, "strides"),
                    _per_stage(kernels, num_layers, dims, 3, "kernels"))  # fmt: skip
    skips = []
    for width, stride, kernel in zip(
        _widths(base_filters, num_layers, dims), [(1,) * dims, *steps], sizes, strict=True
    ):
        x = _unit(_unit(x, width, stride, kernel=kernel), width, kernel=kernel)
        skips.append(x)
    return _decode(inputs, skips, steps, sizes, classes, deep_supervision, final_activation, 2, "nnunet")


@architecture(
    "nnunet_resenc",
    paper="Isensee et al. 2024, arXiv 2404.09556",
    year=2024,
    multiple=_multiple,
    dims=(2, 3),
)
def nnunet_resenc(
    input_shape: tuple[int, ...],
    classes: int,
    *,
    base_filters: int = 32,
    num_layers: int = 6,
    deep_supervision: bool = False,
    final_activation: str = "auto",
    strides: Given = None,
    kernels: Given = None,
) -> keras.Model:
    """Build nnU-Net's residual-encoder U-Net: 1, 3, 4, 6, 6, 6 residual blocks a stage, one unit a decoder stage.

    Args:
        deep_supervision, strides, kernels: as in `nnunet`.
    """
    x = inputs = keras.Input(input_shape, name="image")
    dims = len(input_shape) - 1
    steps, sizes = (_per_stage(strides, num_layers - 1, dims, 2, "strides"),
                    _per_stage(kernels, num_layers, dims, 3, "kernels"))  # fmt: skip
    none = (1,) * dims
    x, skips = _unit(x, base_filters, kernel=sizes[0]), []
    for i, width in enumerate(_widths(base_filters, num_layers, dims)):
        for place in range(_RESIDUAL_BLOCKS[min(i, len(_RESIDUAL_BLOCKS) - 1)]):
            x = _residual(x, width, steps[i - 1] if i and not place else none, sizes[i])
        skips.append(x)
    return _decode(inputs, skips, steps, sizes, classes, deep_supervision, final_activation, 1, "nnunet_resenc")
