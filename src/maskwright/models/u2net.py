"""U²-Net: a U-Net whose levels are small U-Nets."""

from __future__ import annotations

import keras
from keras import layers

from maskwright.models import blocks
from maskwright.models.blocks import Tensor
from maskwright.models.registry import architecture


@architecture(
    "u2net",
    aliases=("TensorflowU2Net",),
    paper="Qin et al. 2020, arXiv 2005.09007",
    year=2020,
    multiple=lambda options: 2 ** (options["num_layers"] + 1),
    variant={"narrow": True, "normalization": False},
)
def u2net(
    input_shape: tuple[int, ...],
    classes: int,
    *,
    base_filters: int = 16,
    num_layers: int = 4,
    normalization: bool = True,
    narrow: bool = False,
    deep_supervision: bool = False,
    final_activation: str = "auto",
) -> keras.Model:
    """Build the network.

    `num_layers` levels of residual U-blocks (RSU) of base_filters · 2^i filters, the first num_layers + 3 deep and each
    next one less, then two levels of dilated blocks (RSU-4F). Every decoder level gives a side output; the result is
    a 1x1 convolution of all of them. The paper's full size is 64 filters with four levels.

    Args:
        narrow: inside a block a quarter of its width, as in the reference's library, which has no batch normalisation
            either; in the paper it is half the width of the level above (a quarter at the last).
        deep_supervision: the side outputs count in training, as in the paper.
    """

    def unit(x: Tensor, filters: int, dilation: int = 1) -> Tensor:
        x = blocks.conv(x, filters, dilation_rate=dilation)
        return blocks.activate(blocks.normalize(x) if normalization else x)

    def rsu(x: Tensor, filters: int, middle: int, depth: int) -> Tensor:
        start = unit(x, filters)
        x = unit(start, middle)
        seen = [x]
        for _ in range(depth):
            x = unit(blocks.pool(x), middle)
            seen.append(x)
        x = unit(x, middle, 2)
        for i in reversed(range(depth + 1)):
            x = unit(blocks.concat(x, seen[i]), middle if i else filters)
            x = blocks.enlarge(x) if i else x
        return layers.Add()([start, x])

    def dilated(x: Tensor, filters: int) -> Tensor:
        start = unit(x, filters)
        seen = [unit(start, filters // 2)]
        for dilation in (2, 4):
            seen.append(unit(seen[-1], filters // 2, dilation))
        x = unit(seen[-1], filters // 2, 8)
        for one, dilation, width in zip(reversed(seen), (4, 2, 1), (filters // 2, filters // 2, filters), strict=True):
            x = unit(blocks.concat(x, one), width, dilation)
        return layers.Add()([start, x])

    def inside(width: int, above: int) -> int:
        return max(1, width // 4 if narrow else above // 2)

    widths = [base_filters * 2**i for i in range(num_layers)]
    deep = widths[-1]
    x = inputs = keras.Input(input_shape, name="image")
    skips = []
    for i, width in enumerate(widths):
        x = rsu(x, width, inside(width, widths[max(0, i - 1)]), num_layers + 1 - i)
        skips.append(x)
        x = blocks.pool(x)
    skips.append(dilated(x, deep))
    x = dilated(blocks.pool(skips[-1]), deep)
    sides = [x]
    x = dilated(blocks.concat(blocks.enlarge(x), skips[-1]), deep)
    sides.append(x)
    for i in reversed(range(num_layers)):
        width = widths[max(0, i - 1)] if i else widths[0]
        middle = inside(width, width if i else width // 2)
        x = rsu(blocks.concat(blocks.enlarge(x), skips[i]), width, middle, num_layers + 1 - i)
        sides.append(x)
    maps = [blocks.resize_to(blocks.conv(side, classes, 3), skips[0]) for side in reversed(sides)]
    fused = blocks.head(blocks.concat(*maps), classes, final_activation)
    if not deep_supervision:
        return keras.Model(inputs, fused, name="u2net")
    outputs = [fused, *(blocks.probabilities(one, classes, final_activation) for one in maps)]
    return keras.Model(inputs, outputs, name="u2net")
