"""nnU-Net's networks: the plain U-Net and the one with a residual encoder, for pictures and volumes."""

from __future__ import annotations

import keras
from keras import layers

from maskwright.models import blocks
from maskwright.models.blocks import Tensor
from maskwright.models.registry import architecture

_SLOPE = 0.01
_RESIDUAL_BLOCKS = (1, 3, 4, 6, 6, 6, 6)  # a stage, as in nnU-Net's presets


def _unit(x: Tensor, filters: int, strides: int = 1, *, active: bool = True, kernel: int = 3) -> Tensor:
    """Convolution, instance normalisation, leaky ReLU."""
    x = blocks.normalize(blocks.conv(x, filters, kernel, strides=strides), "instance")
    return layers.LeakyReLU(negative_slope=_SLOPE)(x) if active else x


def _residual(x: Tensor, filters: int, strides: int = 1) -> Tensor:
    """Two units and a shortcut; where the size halves, the shortcut is the mean of each block (ResNet-D)."""
    shortcut = x
    if strides > 1:
        shortcut = blocks.layer("AveragePooling", x)(strides)(shortcut)
    if x.shape[-1] != filters:
        shortcut = blocks.normalize(blocks.conv(shortcut, filters, 1, use_bias=False), "instance")
    x = _unit(_unit(x, filters, strides), filters, active=False)
    return layers.LeakyReLU(negative_slope=_SLOPE)(layers.Add()([shortcut, x]))


def _decode(
    inputs: Tensor,
    skips: list[Tensor],
    classes: int,
    deep_supervision: bool,
    final_activation: str,
    count: int,
    name: str,
) -> keras.Model:
    x, sides = skips[-1], []
    for skip in reversed(skips[:-1]):
        x = blocks.concat(blocks.up_conv(x, skip.shape[-1]), skip)
        for _ in range(count):
            x = _unit(x, skip.shape[-1])
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
    multiple=lambda options: 2 ** (options["num_layers"] - 1),
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
) -> keras.Model:
    """Build nnU-Net's plain U-Net: two units a stage, strided convolutions down, transposed ones up.

    Stage i has base_filters · 2^i filters, at most 512 (volumes: 320).

    Args:
        deep_supervision: lower resolutions count in training; their outputs are enlarged to full size.
    """
    x = inputs = keras.Input(input_shape, name="image")
    skips = []
    for i, width in enumerate(_widths(base_filters, num_layers, len(input_shape) - 1)):
        x = _unit(_unit(x, width, 2 if i else 1), width)
        skips.append(x)
    return _decode(inputs, skips, classes, deep_supervision, final_activation, 2, "nnunet")


@architecture(
    "nnunet_resenc",
    paper="Isensee et al. 2024, arXiv 2404.09556",
    year=2024,
    multiple=lambda options: 2 ** (options["num_layers"] - 1),
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
) -> keras.Model:
    """Build nnU-Net's residual-encoder U-Net: 1, 3, 4, 6, 6, 6 residual blocks a stage, one unit a decoder stage."""
    x = inputs = keras.Input(input_shape, name="image")
    x, skips = _unit(x, base_filters), []
    for i, width in enumerate(_widths(base_filters, num_layers, len(input_shape) - 1)):
        for place in range(_RESIDUAL_BLOCKS[min(i, len(_RESIDUAL_BLOCKS) - 1)]):
            x = _residual(x, width, 2 if i and not place else 1)
        skips.append(x)
    return _decode(inputs, skips, classes, deep_supervision, final_activation, 1, "nnunet_resenc")
