"""Sharp U-Net: skips pass a fixed sharpening filter."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers

from maskwright.models import blocks
from maskwright.models.blocks import Tensor
from maskwright.models.registry import architecture


@architecture(
    "sharp_unet",
    aliases=("TensorflowSharpUNet",),
    paper="Zunair and Ben Hamza 2021, arXiv 2107.12461",
    year=2021,
    multiple=lambda options: 2 ** len(options["filters"]),
)
def sharp_unet(
    input_shape: tuple[int, ...],
    classes: int,
    *,
    filters: tuple[int, ...] = (32, 64, 128, 256),
    max_filter: int = 512,
    base_ksize: tuple[int, int] = (3, 3),
    dilation: tuple[int, int] = (1, 1),
    dropout_rate: float = 0.0,
    activation: str = "relu",
    final_activation: str = "auto",
) -> keras.Model:
    """Build the network: encoder levels of `filters`, a bottleneck of `max_filter`.

    The sharpening kernel is 3x3 with 8 amid -1, for each channel by itself, and is not trained. In the reference the
    convolutions of all decoder levels but the last lead nowhere; here each level feeds the next, as in the paper.
    """
    blocks.check_activation(activation)

    def level(x: Tensor, width: int) -> Tensor:
        for _ in range(2):
            x = blocks.conv(x, width, base_ksize[0], dilation_rate=dilation[0], activation=activation)
        return layers.Dropout(dropout_rate)(x) if dropout_rate else x

    x = inputs = keras.Input(input_shape, name="image")
    skips = []
    for width in filters:
        skips.append(level(x, width))
        x = blocks.pool(skips[-1])
    x = level(x, max_filter)
    for width, skip in zip(reversed(filters), reversed(skips), strict=True):
        x = level(blocks.concat(blocks.up_conv(x, width), _sharpened(skip)), width)
    return keras.Model(inputs, blocks.head(x, classes, final_activation), name="sharp_unet")


def _sharpened(x: Tensor) -> Tensor:
    kernel = np.full((3, 3), -1.0, np.float32)
    kernel[1, 1] = 8.0
    whole = np.repeat(kernel[:, :, None, None], x.shape[-1], axis=2)
    sharpen = layers.DepthwiseConv2D(
        3, padding="same", use_bias=False, depthwise_initializer=Fixed(whole.tolist()), trainable=False
    )
    return sharpen(x)


@keras.saving.register_keras_serializable("maskwright")
class Fixed(keras.initializers.Initializer):
    """Weights that are given as they are."""

    def __init__(self, values: list) -> None:
        self.values = values

    def __call__(self, shape: tuple[int, ...], dtype: str | None = None, **_: object) -> Tensor:
        """The values, as a tensor of `shape`."""
        return keras.ops.cast(keras.ops.reshape(np.array(self.values, np.float32), shape), dtype or "float32")

    def get_config(self) -> dict:
        """What `from_config` needs."""
        return {"values": self.values}
