"""DeepLabV3+: dilated convolutions at several rates, joined with finer features."""

from __future__ import annotations

import keras
from keras import layers

from maskwright.models import blocks
from maskwright.models.blocks import Tensor
from maskwright.models.pretrained import application
from maskwright.models.registry import architecture

_WIDTH = 256


@architecture(
    "deeplab_v3_plus",
    aliases=("TensorflowDeepLabV3Plus",),
    paper="Chen et al. 2018, arXiv 1802.02611",
    year=2018,
    multiple=lambda options: 32,
)
def deeplab_v3_plus(
    input_shape: tuple[int, ...],
    classes: int,
    *,
    weights: str | None = None,
    freeze_backbone: bool = False,
    final_activation: str = "auto",
) -> keras.Model:
    """Build the network on ResNet50 with output stride 16, as the reference does (its third stage is the last used).

    Args:
        weights: `imagenet` (from Keras's cache), the path of a file, or none; see `pretrained`.
    """
    inputs = keras.Input(input_shape, name="image")
    network = application(inputs, "ResNet50", weights)
    if freeze_backbone:
        network.trainable = False
    x = _pyramid(network.get_layer("conv4_block6_2_relu").output)
    fine = blocks.conv_norm(network.get_layer("conv2_block3_2_relu").output, 48, 1)
    x = blocks.concat(blocks.resize_to(x, fine), fine)
    for _ in range(2):
        x = blocks.conv_norm(x, _WIDTH)
    x = blocks.resize_to(x, inputs)
    return keras.Model(inputs, blocks.head(x, classes, final_activation), name="deeplab_v3_plus")


def _pyramid(x: Tensor) -> Tensor:
    """Atrous spatial pyramid pooling: a mean of everything, and convolutions of rates 1, 6, 12 and 18."""
    mean = layers.GlobalAveragePooling2D(keepdims=True)(x)
    mean = blocks.conv_norm(mean, _WIDTH, 1, use_bias=True)
    seen = [blocks.enlarge(mean, x.shape[1:3]), blocks.conv_norm(x, _WIDTH, 1)]
    seen += [blocks.conv_norm(x, _WIDTH, 3, dilation_rate=rate) for rate in (6, 12, 18)]
    return blocks.conv_norm(blocks.concat(*seen), _WIDTH, 1)
