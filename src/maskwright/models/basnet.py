"""BASNet: a residual encoder and decoder, and a second one that refines the first one's result."""

from __future__ import annotations

import keras
from keras import layers

from maskwright.models import blocks
from maskwright.models.blocks import Tensor
from maskwright.models.registry import architecture


@architecture(
    "basnet",
    aliases=("TensorflowBASNet", "TensorflowBasNet"),
    paper="Qin et al. 2019, doi 10.1109/CVPR.2019.00766",
    year=2019,
    multiple=lambda options: 32,
)
def basnet(
    input_shape: tuple[int, ...],
    classes: int,
    *,
    base_filters: int = 64,
    refinement_filters: int = 64,
    deep_supervision: bool = False,
    final_activation: str = "auto",
) -> keras.Model:
    """Build the network: six stages of basic residual blocks (3, 4, 6, 3, 3, 3), the first four as in ResNet-34.

    The first stage keeps the full resolution, as in the paper; a bridge of three convolutions dilated by two; decoder
    stages of three convolutions with bilinear enlargement; the refinement module adds what it finds to the result.

    Args:
        deep_supervision: the seven side outputs (every decoder stage and the bridge) count in training, as in the
            paper; the refined result is what is predicted.
    """
    widths = [base_filters * k for k in (1, 2, 4, 8, 8, 8)]
    x = inputs = keras.Input(input_shape, name="image")
    x = blocks.conv_norm(x, widths[0])
    skips = []
    for number, (width, count) in enumerate(zip(widths, (3, 4, 6, 3, 3, 3), strict=True)):
        if number > 3:
            x = blocks.pool(x)
        for place in range(count):
            x = _basic(x, width, 2 if place == 0 and 0 < number <= 3 else 1)
        skips.append(x)
    for _ in range(3):
        x = blocks.conv_norm(x, widths[-1], dilation_rate=2)
    sides = [x]
    for number in reversed(range(6)):
        if number < 5:
            x = blocks.enlarge(x)
        x = blocks.concat(x, skips[number])
        middle, last = widths[number], widths[max(0, number - 1)]
        for width in (middle, middle, last):
            x = blocks.conv_norm(x, width)
        sides.append(x)
    maps = [blocks.resize_to(blocks.conv(side, classes), skips[0]) for side in reversed(sides)]
    refined = layers.Add()([maps[0], _refine(maps[0], classes, refinement_filters)])
    chosen = [refined, *maps] if deep_supervision else [refined]
    outputs = [blocks.probabilities(one, classes, final_activation) for one in chosen]
    return keras.Model(inputs, outputs if deep_supervision else outputs[0], name="basnet")


def _basic(x: Tensor, filters: int, strides: int = 1) -> Tensor:
    """Two convolutions and a shortcut."""
    shortcut = x
    if strides > 1 or x.shape[-1] != filters:
        shortcut = blocks.conv_norm(x, filters, 1, None, strides=strides)
    x = blocks.conv_norm(blocks.conv_norm(x, filters, strides=strides), filters, 3, None)
    return blocks.activate(layers.Add()([shortcut, x]))


def _refine(x: Tensor, classes: int, filters: int) -> Tensor:
    """A U-Net of four levels on the coarse result."""
    x = blocks.conv(x, filters)
    skips = []
    for _ in range(4):
        x = blocks.conv_norm(x, filters)
        skips.append(x)
        x = blocks.pool(x)
    x = blocks.conv_norm(x, filters)
    for skip in reversed(skips):
        x = blocks.conv_norm(blocks.concat(blocks.enlarge(x), skip), filters)
    return blocks.conv(x, classes)
