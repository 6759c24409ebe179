"""MultiResUNet: each level sees three sizes at once, and skips are brought nearer to what they join."""

from __future__ import annotations

import keras
from keras import layers

from maskwright.models import blocks
from maskwright.models.blocks import Tensor
from maskwright.models.registry import architecture

_ALPHA = 1.67  # the paper's factor of widths


@architecture(
    "multires_unet",
    aliases=("TensorflowMultiResUNet",),
    paper="Ibtehaz and Rahman 2020, doi 10.1016/j.neunet.2019.08.025",
    year=2020,
    multiple=lambda options: 2 ** (options["num_layers"] - 1),
    dims=(2, 3),
    variant={"longer_paths": True},
)
def multires_unet(
    input_shape: tuple[int, ...],
    classes: int,
    *,
    base_filters: int = 16,
    num_layers: int = 5,
    longer_paths: bool = False,
    final_activation: str = "auto",
) -> keras.Model:
    """Build the network: level i has base_filters · 2^i filters, and its skip a path of num_layers - 1 - i steps.

    The paper has five levels of 32 filters, so paths of 4, 3, 2 and 1.

    Args:
        longer_paths: one step more in each path, as the reference builds it (8,174,749 parameters with six levels of
            16 filters and three channels).
    """
    x = inputs = keras.Input(input_shape, name="image")
    skips = []
    for i in range(num_layers - 1):
        x = multires(x, base_filters * 2**i)
        skips.append(residual_path(x, base_filters * 2**i, num_layers - 1 - i + longer_paths))
        x = blocks.pool(x)
    x = multires(x, base_filters * 2 ** (num_layers - 1))
    for i in reversed(range(num_layers - 1)):
        x = blocks.up_conv(x, base_filters * 2**i)
        x = multires(blocks.concat(x, skips[i]), base_filters * 2**i)
    return keras.Model(inputs, blocks.head(x, classes, final_activation), name="multires_unet")


def multires(x: Tensor, filters: int) -> Tensor:
    """Three convolutions in a chain, their results side by side, and a shortcut."""
    width = _ALPHA * filters
    widths = [int(width * share) for share in (0.167, 0.333, 0.5)]
    shortcut = blocks.conv_norm(x, sum(widths), 1, None)
    seen = []
    for one in widths:
        x = blocks.conv_norm(x, one)
        seen.append(x)
    x = blocks.normalize(blocks.concat(*seen))
    return blocks.normalize(blocks.activate(layers.Add()([shortcut, x])))


def residual_path(x: Tensor, filters: int, length: int) -> Tensor:
    """Residual convolutions on the way from the encoder to the decoder."""
    for _ in range(length):
        shortcut = blocks.conv_norm(x, filters, 1, None)
        x = blocks.conv_norm(x, filters, 3, None)
        x = blocks.normalize(blocks.activate(layers.Add()([shortcut, x])))
    return x
