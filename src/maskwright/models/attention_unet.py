"""Attention U-Net: skips are weighted by what the level below has found."""

from __future__ import annotations

import keras
from keras import layers

from maskwright.errors import MaskwrightError
from maskwright.models import blocks
from maskwright.models.blocks import Tensor
from maskwright.models.registry import architecture


@architecture(
    "attention_unet",
    aliases=("TensorflowAttentionUNet",),
    paper="Oktay et al. 2018, arXiv 1804.03999",
    year=2018,
    multiple=lambda options: 2 ** (options["num_layers"] - 1),
    dims=(2, 3),
    variant={"gate": "channels"},
)
def attention_unet(
    input_shape: tuple[int, ...],
    classes: int,
    *,
    base_filters: int = 16,
    num_layers: int = 5,
    dropout_rate: float = 0.0,
    gate: str = "map",
    final_activation: str = "auto",
) -> keras.Model:
    """Build the network: level i has base_filters · 2^i filters; gates work at the skip's resolution.

    Args:
        gate: `map`, one weight for all channels of a place, as in the paper; or `channels`, one for each, as the
            reference builds it (8,229,073 parameters with six levels of 16 filters and three channels).
    """
    if gate not in ("map", "channels"):
        raise MaskwrightError(f"is {gate!r}", where="[model.options] gate", fix="Accepted: map, channels.")

    def level(x: Tensor, filters: int) -> Tensor:
        x = blocks.activate(blocks.normalize(blocks.conv(x, filters, kernel_initializer="glorot_uniform")))
        x = blocks.conv(x, filters, kernel_initializer="glorot_uniform")
        if dropout_rate:
            x = layers.Dropout(dropout_rate)(x)
        return blocks.activate(blocks.normalize(x))

    x = inputs = keras.Input(input_shape, name="image")
    skips = []
    for i in range(num_layers - 1):
        skips.append(level(x, base_filters * 2**i))
        x = blocks.pool(skips[-1])
    x = level(x, base_filters * 2 ** (num_layers - 1))
    for i in reversed(range(num_layers - 1)):
        filters = base_filters * 2**i
        x = blocks.enlarge(x)
        x = level(blocks.concat(x, _gated(x, skips[i], filters, dropout_rate, gate)), filters)
    return keras.Model(inputs, blocks.head(x, classes, final_activation), name="attention_unet")


def _gated(signal: Tensor, skip: Tensor, filters: int, dropout_rate: float, gate: str) -> Tensor:
    """The skip, weighted between 0 and 1 by what `signal`, of the same size, says."""
    one = blocks.normalize(blocks.conv(signal, filters, 1, kernel_initializer="glorot_uniform"))
    other = blocks.conv(skip, filters, 1, kernel_initializer="glorot_uniform")
    if dropout_rate:
        other = layers.Dropout(dropout_rate)(other)
    both = blocks.activate(layers.Add()([one, blocks.normalize(other)]))
    width = filters if gate == "channels" else 1
    weights = blocks.conv(both, width, 1, activation="sigmoid", kernel_initializer="glorot_uniform")
    return layers.Multiply()([skip, weights])
