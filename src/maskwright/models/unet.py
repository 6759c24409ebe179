"""U-Net with a kernel, a dilation and a dropout that change from level to level."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from maskwright.errors import MaskwrightError
from maskwright.models.registry import architecture

# Keras's 0.99 needs hundreds of steps to learn the statistics that validation uses; small data sets have tens an epoch.
_MOMENTUM = 0.9


@architecture(
    "unet",
    aliases=("TensorflowUNet", "TensorflowSlightlyFlexibleUNet"),
    paper="Ronneberger et al. 2015, arXiv 1505.04597; rules by level: the reference's TensorflowUNet",
    year=2015,
    multiple=lambda options: 2 ** (options["num_layers"] - 1),
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
    if activation not in dir(keras.activations):
        raise MaskwrightError(
            f"Keras has no activation {activation!r}",
            where="[model] activation",
            fix="For example relu, mish, gelu, silu or leaky_relu.",
        )

    def level(x: Any, i: int) -> Any:
        for convolution in range(2):
            x = layers.Conv2D(
                base_filters * 2**i,
                max(base_kernels[0] - 2 * i, 3),
                padding="same",
                dilation_rate=max(dilation[0] - i, 1),
                activation=activation,
                kernel_initializer="he_normal",
            )(x)
            if normalization:
                x = layers.BatchNormalization(momentum=_MOMENTUM)(x)
            if convolution == 0 and dropout_rate * i > 0:
                x = layers.Dropout(dropout_rate * i, seed=137 if dropout_seed_fixing else None)(x)
        return x

    x = inputs = keras.Input(input_shape, name="image")
    skips = []
    for i in range(num_layers - 1):
        skips.append(level(x, i))
        x = layers.MaxPooling2D()(skips[-1])
    x = level(x, num_layers - 1)
    for i in reversed(range(num_layers - 1)):
        x = layers.Conv2DTranspose(base_filters * 2**i, 2, strides=2)(x)
        x = level(layers.Concatenate()([x, skips[i]]), i)
    if final_activation == "auto":
        final_activation = "sigmoid" if classes == 1 else "softmax"
    x = layers.Conv2D(classes, 1)(x)
    # Probabilities stay in float32 whatever the layers compute in.
    return keras.Model(
        inputs, layers.Activation(final_activation, dtype="float32", name="probabilities")(x), name="unet"
    )
