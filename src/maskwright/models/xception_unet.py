"""A U-Net of separable convolutions with residuals, after Xception."""

from __future__ import annotations

import keras
from keras import layers

from maskwright.models import blocks
from maskwright.models.registry import architecture


@architecture(
    "xception_unet",
    aliases=("TensorflowXceptionLikeUNet",),
    paper="Chollet 2017, arXiv 1610.02357, as a U-Net",
    year=2017,
    multiple=lambda options: 2 ** options["num_layers"],
)
def xception_unet(
    input_shape: tuple[int, ...],
    classes: int,
    *,
    base_filters: int = 32,
    num_layers: int = 4,
    final_activation: str = "auto",
) -> keras.Model:
    """Build the network: a strided convolution, then num_layers - 1 levels of separable ones; no skips, but residuals.

    Level i has base_filters · 2^i filters; on the way up the same widths in reverse, to full resolution.
    """
    x = inputs = keras.Input(input_shape, name="image")
    x = blocks.activate(blocks.normalize(blocks.conv(x, base_filters, strides=2)))
    before = x
    widths = [base_filters * 2**i for i in range(1, num_layers)]
    for width in widths:
        for _ in range(2):
            x = blocks.activate(x)
            x = blocks.normalize(layers.SeparableConv2D(width, 3, padding="same")(x))
        x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
        x = before = layers.Add()([x, blocks.conv(before, width, 1, strides=2)])
    for width in [*reversed(widths), base_filters]:
        for _ in range(2):
            x = blocks.activate(x)
            x = blocks.normalize(layers.Conv2DTranspose(width, 3, padding="same")(x))
        x = blocks.enlarge(x, 2, "nearest")
        residual = blocks.conv(blocks.enlarge(before, 2, "nearest"), width, 1)
        x = before = layers.Add()([x, residual])
    return keras.Model(inputs, blocks.head(x, classes, final_activation, kernel=3), name="xception_unet")
