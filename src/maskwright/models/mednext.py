"""MedNeXt: ConvNeXt blocks throughout a U-Net, for pictures and volumes."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from maskwright.models import blocks
from maskwright.models.blocks import Tensor
from maskwright.models.registry import architecture

_STAGES = 5


@architecture(
    "mednext",
    paper="Roy et al. 2023, arXiv 2303.09975",
    year=2023,
    multiple=lambda options: 2 ** (_STAGES - 1),
    dims=(2, 3),
)
def mednext(
    input_shape: tuple[int, ...],
    classes: int,
    *,
    base_filters: int = 32,
    kernel_size: int = 3,
    expansion: tuple[int, ...] = (2, 2, 2, 2, 2, 2, 2, 2, 2),
    block_counts: tuple[int, ...] = (2, 2, 2, 2, 2, 2, 2, 2, 2),
    deep_supervision: bool = False,
    final_activation: str = "auto",
) -> keras.Model:
    """Build the network; the defaults are the paper's small one.

    A block is a depthwise convolution, normalisation by channel, a 1x1 expansion with GELU, a 1x1 compression, and the
    block's input added. Halving and doubling blocks do the same with stride two, and a strided 1x1 convolution as
    their shortcut. After doubling, what the skip holds is added, not joined. For volumes Keras has no depthwise
    convolution but a grouped one, which cannot be exported to ONNX.

    Args:
        expansion, block_counts: for the four stages down, the bottom, and the four up.
        deep_supervision: every stage up and the bottom give outputs, which count in training only.
    """
    widths = [base_filters * 2**i for i in range(_STAGES)]
    x = inputs = keras.Input(input_shape, name="image")
    x = _conv(x, base_filters)
    skips = []
    for i, width in enumerate(widths):
        if i:
            x = _halve(x, width, expansion[i], kernel_size)
        for _ in range(block_counts[i]):
            x = _block(x, expansion[i], kernel_size)
        skips.append(x)
    sides = [x]
    for place, i in enumerate(reversed(range(_STAGES - 1)), start=_STAGES):
        x = layers.Add()([_double(x, widths[i], expansion[place], kernel_size), skips[i]])
        for _ in range(block_counts[place]):
            x = _block(x, expansion[place], kernel_size)
        sides.append(x)
    chosen = sides[::-1] if deep_supervision else sides[-1:]
    maps = [blocks.resize_to(blocks.layer("Conv", side)(classes, 1)(side), inputs) for side in chosen]
    outputs = [blocks.probabilities(one, classes, final_activation) for one in maps]
    return keras.Model(inputs, outputs if deep_supervision else outputs[0], name="mednext")


def _inner(x: Tensor, width: int, hidden: int) -> Tensor:
    return _conv(_conv(blocks.normalize(x, "instance"), hidden, activation=blocks.gelu), width)


def _conv(x: Tensor, width: int, **options: Any) -> Tensor:
    """A 1x1 convolution with small first weights, as PyTorch gives them: blocks only add to what they get, and after
    He's the sum would leave the end saturated."""
    start = keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform")
    return blocks.conv(x, width, 1, kernel_initializer=start, **options)


def _depthwise(x: Tensor, kernel: int, strides: int = 1) -> Tensor:
    if blocks.rank(x) == 2:
        start = keras.initializers.RandomUniform(-1 / kernel, 1 / kernel)  # each output sees kernel² values
        return layers.DepthwiseConv2D(kernel, strides=strides, padding="same", depthwise_initializer=start)(x)
    return blocks.conv(x, x.shape[-1], kernel, groups=x.shape[-1], strides=strides)


def _block(x: Tensor, expansion: int, kernel: int) -> Tensor:
    width = x.shape[-1]
    return layers.Add()([x, _inner(_depthwise(x, kernel), width, expansion * width)])


def _halve(x: Tensor, width: int, expansion: int, kernel: int) -> Tensor:
    shortcut = _conv(x, width, strides=2)
    return layers.Add()([shortcut, _inner(_depthwise(x, kernel, 2), width, expansion * x.shape[-1])])


def _double(x: Tensor, width: int, expansion: int, kernel: int) -> Tensor:
    """The enlargement is nearest, and the depthwise convolution follows: Keras has no depthwise transposed one."""
    shortcut = _conv(blocks.enlarge(x, 2, "nearest"), width)
    inner = _inner(_depthwise(blocks.enlarge(x, 2, "nearest"), kernel), width, expansion * x.shape[-1])
    return layers.Add()([shortcut, inner])
