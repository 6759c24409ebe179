"""UNet 3+: every decoder level sees every scale."""

from __future__ import annotations

import keras
from keras import layers

from maskwright.models import blocks
from maskwright.models.blocks import Tensor
from maskwright.models.registry import architecture

_LEVELS = 5
_DECAY = 1e-4


@architecture(
    "unet3plus",
    aliases=("TensorflowUNet3Plus",),
    paper="Huang et al. 2020, arXiv 2004.08790",
    year=2020,
    multiple=lambda options: 2 ** (_LEVELS - 1),
)
def unet3plus(
    input_shape: tuple[int, ...],
    classes: int,
    *,
    base_filters: int = 16,
    num_layers: int = 5,
    dropout_rate: float = 0.0,
    deep_supervision: bool = False,
    classification_guided: bool = False,
    final_activation: str = "auto",
) -> keras.Model:
    """Build the network: five levels of base_filters · 2^i filters; 1,693,537 parameters with 16 and three channels.

    Args:
        num_layers: the decoder's width is so many times base_filters, as in the reference; the paper's is 5 times.
        deep_supervision: the deeper decoder levels give outputs of their own, which count in training only.
        classification_guided: the paper's module: a branch at the bottom says whether there is anything at all, and
            multiplies every output by its probability; where the paper takes 0 or 1, which has no gradient.
    """
    up = num_layers * base_filters

    def unit(x: Tensor, filters: int, place: int = 1) -> Tensor:
        x = blocks.conv(x, filters, kernel_regularizer=keras.regularizers.L2(_DECAY))
        if dropout_rate:
            x = layers.Dropout(dropout_rate * place)(x)
        return blocks.activate(blocks.normalize(x))

    x = inputs = keras.Input(input_shape, name="image")
    encoder: list[Tensor] = []
    for i in range(_LEVELS):
        x = blocks.pool(x) if i else x
        x = unit(unit(x, base_filters * 2**i), base_filters * 2**i, 2)
        encoder.append(x)
    decoder = {_LEVELS - 1: encoder[-1]}
    for i in reversed(range(_LEVELS - 1)):
        seen = [
            unit(blocks.pool(encoder[j], 2 ** (i - j)) if j < i else encoder[j], base_filters) for j in range(i + 1)
        ]
        seen += [unit(blocks.enlarge(decoder[j], 2 ** (j - i)), base_filters) for j in range(i + 1, _LEVELS)]
        decoder[i] = unit(blocks.concat(*seen), up)
    presence = _presence(encoder[-1]) if classification_guided else None
    outputs = []
    for i in range(_LEVELS if deep_supervision else 1):
        x = blocks.conv(decoder[i], classes, kernel_regularizer=keras.regularizers.L2(_DECAY))
        if dropout_rate:
            x = layers.Dropout(dropout_rate)(x)
        x = blocks.enlarge(x, 2**i) if i else x
        x = blocks.probabilities(x, classes, final_activation)
        outputs.append(layers.Multiply(dtype="float32")([x, presence]) if presence is not None else x)
    return keras.Model(inputs, outputs if deep_supervision else outputs[0], name="unet3plus")


def _presence(x: Tensor) -> Tensor:
    """The probability `(B, 1, 1, 1)` that there is any structure."""
    x = layers.Dropout(0.5)(x)
    x = layers.GlobalMaxPooling2D(keepdims=True)(blocks.conv(x, 1, 1))
    return layers.Activation("sigmoid", dtype="float32")(x)
