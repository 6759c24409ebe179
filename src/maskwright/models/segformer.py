"""SegFormer: a hierarchical transformer and a decoder of nothing but dense layers."""

from __future__ import annotations

import keras
from keras import layers

from maskwright.errors import MaskwrightError, choices
from maskwright.models import blocks
from maskwright.models.blocks import Tensor
from maskwright.models.registry import architecture

# Widths, blocks and width of the decoder of the paper's sizes.
_SIZES = {
    "B0": ((32, 64, 160, 256), (2, 2, 2, 2), 256),
    "B1": ((64, 128, 320, 512), (2, 2, 2, 2), 256),
    "B2": ((64, 128, 320, 512), (3, 4, 6, 3), 768),
    "B3": ((64, 128, 320, 512), (3, 4, 18, 3), 768),
    "B4": ((64, 128, 320, 512), (3, 8, 27, 3), 768),
    "B5": ((64, 128, 320, 512), (3, 6, 40, 3), 768),
}
_HEADS, _REDUCTIONS, _EXPANSION = (1, 2, 5, 8), (8, 4, 2, 1), 4


@architecture(
    "segformer",
    paper="Xie et al. 2021, arXiv 2105.15203",
    year=2021,
    multiple=lambda options: 32,
)
def segformer(
    input_shape: tuple[int, ...],
    classes: int,
    *,
    size: str = "B0",
    dropout_rate: float = 0.0,
    final_activation: str = "auto",
) -> keras.Model:
    """Build the network in one of the paper's sizes, `B0` to `B5`; the result is enlarged four times.

    Patches overlap, positions come from the 3x3 depthwise convolution in each MLP, keys and values are reduced by 8,
    4, 2 and 1 along each axis.
    """
    if size not in _SIZES:
        raise MaskwrightError(f"is {size!r}", where="[model.options] size", fix=choices(size, list(_SIZES)))
    widths, counts, decoder = _SIZES[size]
    x = inputs = keras.Input(input_shape, name="image")
    stages = []
    for i, (width, count) in enumerate(zip(widths, counts, strict=True)):
        kernel, stride = (3, 2) if i else (7, 4)
        x = layers.ZeroPadding2D(kernel // 2)(x)
        x = _norm(layers.Conv2D(width, kernel, strides=stride)(x))
        for _ in range(count):
            x = _block(x, _HEADS[i], _REDUCTIONS[i])
        x = _norm(x)
        stages.append(x)
    seen = [blocks.resize_to(layers.Dense(decoder)(stage), stages[0]) for stage in reversed(stages)]
    x = blocks.conv_norm(blocks.concat(*seen), decoder, 1)
    if dropout_rate:
        x = layers.Dropout(dropout_rate)(x)
    x = blocks.resize_to(layers.Conv2D(classes, 1)(x), inputs)
    return keras.Model(inputs, blocks.probabilities(x, classes, final_activation), name="segformer")


def _norm(x: Tensor) -> Tensor:
    return layers.LayerNormalization(epsilon=1e-6)(x)


def _block(x: Tensor, heads: int, reduction: int) -> Tensor:
    _, height, width, channels = x.shape
    query = _norm(x)
    keys = query
    if reduction > 1:
        keys = _norm(layers.Conv2D(channels, reduction, strides=reduction)(query))
    flat = layers.Reshape((height * width, channels))(query)
    few = layers.Reshape((keys.shape[1] * keys.shape[2], channels))(keys)
    attended = layers.MultiHeadAttention(heads, channels // heads)(flat, few)
    x = layers.Add()([x, layers.Reshape((height, width, channels))(attended)])
    inner = layers.Dense(_EXPANSION * channels)(_norm(x))
    inner = layers.DepthwiseConv2D(3, padding="same", activation=blocks.gelu)(inner)
    return layers.Add()([x, layers.Dense(channels)(inner)])
