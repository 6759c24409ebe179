"""TransUNet: a transformer at the bottom of a U-Net."""

from __future__ import annotations

import keras
from keras import layers

from maskwright.errors import MaskwrightError, choices
from maskwright.models import blocks
from maskwright.models.attention import Position, mlp
from maskwright.models.blocks import Tensor
from maskwright.models.pretrained import encoder
from maskwright.models.registry import architecture

_POOLS = {"max": True, "ave": True, "average": True}


@architecture(
    "trans_unet",
    aliases=("TensorflowTransUNet",),
    paper="Chen et al. 2021, arXiv 2102.04306",
    year=2021,
    multiple=lambda options: 32 if options["backbone"] else 2 ** (len(options["filter_num"]) - 1),
)
def trans_unet(
    input_shape: tuple[int, ...],
    classes: int,
    *,
    filter_num: tuple[int, ...] = (64, 128, 256, 512),
    stack_num_down: int = 2,
    stack_num_up: int = 2,
    embed_dim: int = 768,
    num_mlp: int = 3072,
    num_heads: int = 12,
    num_transformer: int = 12,
    activation: str = "relu",
    mlp_activation: str = "gelu",
    batch_norm: bool = True,
    pool: bool | str = True,
    backbone: str | None = None,
    weights: str | None = None,
    freeze_backbone: bool = True,
    freeze_batch_norm: bool = True,
    final_activation: str = "auto",
) -> keras.Model:
    """Build the network; the bottom of the encoder becomes tokens of 1x1, which the transformer changes.

    As the reference's library builds it, up to the width of each attention head, which there is embed_dim and here the
    paper's embed_dim / num_heads.

    Args:
        pool: `true` or `max`, `ave`, or `false` for strided convolutions.
        backbone: an encoder of keras.applications instead of the convolutions; see `pretrained.encoder`.
    """
    blocks.check_activation(activation)

    def level(x: Tensor, width: int, count: int) -> Tensor:
        for _ in range(count):
            x = blocks.conv(x, width, use_bias=not batch_norm)
            x = blocks.activate(blocks.normalize(x) if batch_norm else x, activation)
        return x

    def halve(x: Tensor, width: int) -> Tensor:
        if pool in (True, "max"):
            return layers.MaxPooling2D()(x)
        if pool in ("ave", "average"):
            return layers.AveragePooling2D()(x)
        if pool is False:
            return level(layers.Conv2D(width, 2, strides=2)(x), width, 0)
        raise MaskwrightError(f"is {pool!r}", where="[model] pool", fix=choices(str(pool), list(_POOLS)))

    inputs = keras.Input(input_shape, name="image")
    if backbone:
        skips, x = encoder(inputs, backbone, weights, frozen=freeze_backbone, frozen_norm=freeze_batch_norm)
        widths = [skip.shape[-1] if i else 32 for i, skip in enumerate(skips)]
        last = filter_num[-1]
    else:
        x, skips = level(inputs, filter_num[0], stack_num_down), []
        for width in filter_num[1:]:
            skips.append(x)
            x = level(halve(x, x.shape[-1]), width, stack_num_down)
        widths, last = list(filter_num[:-1]), filter_num[-1]
    x = _transformer(x, embed_dim, num_transformer, num_heads, num_mlp, mlp_activation.lower())
    x = level(layers.Conv2D(last, 1, use_bias=False)(x), last, 1)
    for width, skip in zip(reversed(widths), reversed(skips), strict=True):
        x = level(blocks.enlarge(x), width, 1)
        x = level(blocks.concat(x, skip), width, stack_num_up)
    return keras.Model(inputs, blocks.head(x, classes, final_activation), name="trans_unet")


def _transformer(x: Tensor, width: int, count: int, heads: int, hidden: int, activation: str) -> Tensor:
    if width % heads:
        raise MaskwrightError(
            f"{heads} heads do not divide {width}", where="[model] embed_dim", fix="Use a multiple of num_heads."
        )
    height, breadth = x.shape[1:3]
    x = layers.Conv2D(width, 1, use_bias=False)(x)
    x = Position()(layers.Reshape((height * breadth, width))(x))
    for _ in range(count):
        inner = layers.LayerNormalization(epsilon=1e-6)(x)
        x = layers.Add()([x, layers.MultiHeadAttention(heads, width // heads)(inner, inner)])
        x = layers.Add()([x, mlp(layers.LayerNormalization(epsilon=1e-6)(x), hidden, activation)])
    return layers.Reshape((height, breadth, width))(x)
