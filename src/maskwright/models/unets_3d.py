"""Two more 3D U-Nets of the kind that Lim et al. 2022 compare for the volume of the pancreas: residual and dense.

Their 3D U-Net is `unet_3d`, their attention U-Net `attention_unet`, which takes volumes too.
"""

from __future__ import annotations

from collections.abc import Callable

import keras
from keras import layers

from maskwright.models import blocks
from maskwright.models.blocks import Tensor
from maskwright.models.registry import architecture


def _unet(
    input_shape: tuple[int, ...],
    classes: int,
    widths: list[int],
    level: Callable[[Tensor, int], Tensor],
    final_activation: str,
    name: str,
) -> keras.Model:
    x = inputs = keras.Input(input_shape, name="image")
    skips = []
    for i, width in enumerate(widths):
        x = level(blocks.pool(x) if i else x, width)
        skips.append(x)
    for width, skip in zip(reversed(widths[:-1]), reversed(skips[:-1]), strict=True):
        x = level(blocks.concat(blocks.up_conv(x, width), skip), width)
    return keras.Model(inputs, blocks.head(x, classes, final_activation), name=name)


@architecture(
    "residual_unet_3d",
    paper="Lee et al. 2017, arXiv 1706.00120, without its summed skips; compared in Lim et al. 2022",
    year=2017,
    multiple=lambda options: 2 ** (options["num_layers"] - 1),
    dims=(3,),
)
def residual_unet_3d(
    input_shape: tuple[int, ...],
    classes: int,
    *,
    base_filters: int = 16,
    num_layers: int = 4,
    dropout_rate: float = 0.0,
    final_activation: str = "auto",
) -> keras.Model:
    """Build the network: each level is a convolution and two more around which a shortcut leads.

    What the comparison leaves open is decided so: batch normalisation and ReLU after each convolution, dropout after
    each level.
    """

    def level(x: Tensor, filters: int) -> Tensor:
        start = blocks.conv_norm(x, filters)
        x = blocks.conv_norm(blocks.conv_norm(start, filters), filters, 3, None)
        x = blocks.activate(layers.Add()([start, x]))
        return layers.Dropout(dropout_rate)(x) if dropout_rate else x

    widths = [base_filters * 2**i for i in range(num_layers)]
    return _unet(input_shape, classes, widths, level, final_activation, "residual_unet_3d")


@architecture(
    "dense_unet_3d",
    paper="Li et al. 2018, arXiv 1709.07330 (H-DenseUNet), its 3D part; compared in Lim et al. 2022",
    year=2018,
    multiple=lambda options: 2 ** (options["num_layers"] - 1),
    dims=(3,),
)
def dense_unet_3d(
    input_shape: tuple[int, ...],
    classes: int,
    *,
    base_filters: int = 16,
    num_layers: int = 4,
    dense_layers: int = 4,
    dropout_rate: float = 0.0,
    final_activation: str = "auto",
) -> keras.Model:
    """Build the network: in each level every convolution sees all before it, and a 1x1x1 convolution ends the level.

    What the comparison leaves open is decided so: `dense_layers` convolutions a level, each of a quarter of the level's
    width, after a 1x1x1 bottleneck of the level's width; batch normalisation and ReLU before each convolution.
    """

    def level(x: Tensor, filters: int) -> Tensor:
        growth = max(1, filters // 4)
        for _ in range(dense_layers):
            inner = blocks.conv(blocks.activate(blocks.normalize(x)), filters, 1, use_bias=False)
            inner = blocks.conv(blocks.activate(blocks.normalize(inner)), growth, use_bias=False)
            if dropout_rate:
                inner = layers.Dropout(dropout_rate)(inner)
            x = blocks.concat(x, inner)
        return blocks.conv_norm(x, filters, 1)

    widths = [base_filters * 2**i for i in range(num_layers)]
    return _unet(input_shape, classes, widths, level, final_activation, "dense_unet_3d")
