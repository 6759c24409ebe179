"""U-Nets whose encoder is an EfficientNet."""

from __future__ import annotations

import keras
from keras import layers

from maskwright.errors import MaskwrightError, choices
from maskwright.models import blocks
from maskwright.models.blocks import Tensor
from maskwright.models.pretrained import application
from maskwright.models.registry import architecture

_PAPER = "Tan and Le 2019, arXiv 1905.11946, as the encoder of a U-Net"
_SIZES = tuple(f"B{k}" for k in range(8))


@architecture(
    "efficient_unet",
    aliases=("TensorflowEfficientUNet",),
    paper=_PAPER,
    year=2019,
    multiple=lambda options: 32,
)
def efficient_unet(
    input_shape: tuple[int, ...],
    classes: int,
    *,
    efficientnet: str = "B0",
    weights: str | None = None,
    final_activation: str = "auto",
) -> keras.Model:
    """Build the network as the reference does: EfficientNet B0 to B7, all of it trained.

    Skips are the projection of the first block and, at each halving, what the stage adds last (in B0 the drop layers
    of blocks 2b, 3b and 5c), the bottom the projection of the last stage; decoder blocks are two convolutions with
    batch normalisation, added to a 1x1 convolution of what enters them. Two classes are two, where the reference
    makes one of them.

    Args:
        weights: `imagenet` (from Keras's cache), the path of a file, or none; see `pretrained`.
    """
    if efficientnet not in _SIZES:
        raise MaskwrightError(
            f"is {efficientnet!r}", where="[model] efficientnet", fix=choices(efficientnet, list(_SIZES))
        )
    inputs = keras.Input(input_shape, name="image")
    network = application(inputs, f"EfficientNet{efficientnet}", weights)
    skips = [inputs, *(_last_of_stage(network, stage) for stage in (1, 2, 3, 5))]
    x = _last_of_stage(network, 7)
    widths = [skip.shape[-1] for skip in skips]
    widths[0] = widths[1]
    for skip, width in zip(reversed(skips), reversed(widths), strict=True):
        x = _cbar(blocks.concat(blocks.enlarge(x, 2, "nearest"), skip), width)
    return keras.Model(inputs, blocks.head(x, classes, final_activation), name="efficient_unet")


def _last_of_stage(network: keras.Model, stage: int) -> Tensor:
    """The last output of a stage; stage 5 ends before the halving of stage 6."""
    names = [layer.name for layer in network.layers if layer.name.startswith(f"block{stage}")]
    return network.get_layer(names[-1]).output


def _cbar(x: Tensor, filters: int) -> Tensor:
    shortcut = blocks.conv(x, filters, 1)
    for _ in range(2):
        x = blocks.conv_norm(x, filters, use_bias=True)
    return layers.Add()([shortcut, x])


@architecture(
    "efficientnet_b7_unet",
    aliases=("TensorflowEfficientNetB7UNet",),
    paper=_PAPER,
    year=2019,
    multiple=lambda options: 32,
)
def efficientnet_b7_unet(
    input_shape: tuple[int, ...],
    classes: int,
    *,
    weights: str | None = None,
    freeze_backbone: bool = False,
    final_activation: str = "auto",
) -> keras.Model:
    """Build the reference's second one: EfficientNet B7, decoder of 512 to 32 filters with transposed convolutions.

    Its conversion to ONNX takes 12 GB of memory.

    Args:
        weights: as in `efficient_unet`.
        freeze_backbone: train only the last 61 layers of the encoder, as the reference does (with pretrained weights).
    """
    inputs = keras.Input(input_shape, name="image")
    network = application(inputs, "EfficientNetB7", weights)
    if freeze_backbone:
        for layer in network.layers[:-61]:
            layer.trainable = False
    taps = ("block1a_activation", "block2a_activation", "block3a_activation", "block4a_activation")
    skips = [inputs, *(network.get_layer(tap).output for tap in taps)]
    x = network.get_layer("block7a_activation").output
    for skip, width in zip(reversed(skips), (512, 256, 128, 64, 32), strict=True):
        x = blocks.concat(blocks.up_conv(x, width), skip)
        for _ in range(2):
            x = blocks.conv_norm(x, width, use_bias=True)
    return keras.Model(inputs, blocks.head(x, classes, final_activation), name="efficientnet_b7_unet")
