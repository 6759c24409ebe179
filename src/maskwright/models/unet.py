"""U-Net with a kernel, a dilation and a dropout that change from level to level."""

from __future__ import annotations

import keras
from keras import layers

from maskwright.errors import MaskwrightError
from maskwright.models import blocks
from maskwright.models.blocks import Tensor
from maskwright.models.registry import architecture


@architecture(
    "unet",
    aliases=("TensorflowUNet", "TensorflowSlightlyFlexibleUNet"),
    paper="Ronneberger et al. 2015, arXiv 1505.04597; rules by level: the reference's TensorflowUNet",
    year=2015,
    multiple=lambda options: 2 ** (options["num_layers"] - 1),
    dims=(2, 3),
)
def unet(
    input_shape: tuple[int, ...],
    classes: int,
    *,
    base_filters: int = 16,
    num_layers: int = 5,
    base_kernels: tuple[int, int] = (3, 3),
    dilation: tuple[int, int] = (1, 1),
    dropout_rate: float = 0.0,
    dropout_seed_fixing: bool = False,
    normalization: bool = False,
    activation: str = "relu",
    final_activation: str = "auto",
) -> keras.Model:
    """Build the U-Net.

    Level i of `num_layers` has base_filters · 2^i filters; its kernel is base_kernels - 2i, at least 3; its dilation
    dilation - i, at least 1; its dropout dropout_rate · i. Each level is convolution, [batch norm], dropout,
    convolution, [batch norm], the normalisation after the activation; decoder levels mirror encoder levels.

    Args:
        input_shape: `(H, W, C)`, H and W multiples of 2^(num_layers - 1).
        classes: channels of the output.

    Raises:
        MaskwrightError: the dropout of the deepest level would reach 1, or an activation does not exist.
    """
    deepest = dropout_rate * (num_layers - 1)
    if deepest >= 1:
        raise MaskwrightError(
            f"is {dropout_rate}: the dropout of level {num_layers - 1} would be {deepest:g}",
            where="[model] dropout_rate",
            fix=f"Stay below {1 / (num_layers - 1):.3f}.",
        )
    blocks.check_activation(activation)

    def level(x: Tensor, i: int) -> Tensor:
        for convolution in range(2):
            kernel, spread = max(base_kernels[0] - 2 * i, 3), max(dilation[0] - i, 1)
            x = blocks.conv(x, base_filters * 2**i, kernel, dilation_rate=spread, activation=activation)
            if normalization:
                x = blocks.normalize(x)
            if convolution == 0 and dropout_rate * i > 0:
                x = layers.Dropout(dropout_rate * i, seed=137 if dropout_seed_fixing else None)(x)
        return x

    x = inputs = keras.Input(input_shape, name="image")
    skips = []
    for i in range(num_layers - 1):
        skips.append(level(x, i))
        x = blocks.pool(skips[-1])
    x = level(x, num_layers - 1)
    for i in reversed(range(num_layers - 1)):
        x = level(blocks.concat(blocks.up_conv(x, base_filters * 2**i), skips[i]), i)
    return keras.Model(inputs, blocks.head(x, classes, final_activation), name="unet")


@architecture(
    "unet_3d",
    aliases=("Tensorflow3DUNet", "TensorflowUNet3D"),
    paper="Çiçek et al. 2016, arXiv 1606.06650",
    year=2016,
    multiple=lambda options: 2 ** (options["num_layers"] - 1),
    dims=(3,),
)
def unet_3d(
    input_shape: tuple[int, ...],
    classes: int,
    *,
    base_filters: int = 16,
    num_layers: int = 4,
    dropout_rate: float = 0.0,
    normalization: bool = True,
    activation: str = "relu",
    final_activation: str = "auto",
) -> keras.Model:
    """Build the U-Net for volumes `(D, H, W, C)`: the same as `unet`, with 3x3x3 kernels at every level."""
    return unet(
        input_shape,
        classes,
        base_filters=base_filters,
        num_layers=num_layers,
        dropout_rate=dropout_rate,
        normalization=normalization,
        activation=activation,
        final_activation=final_activation,
    )
