"""UNet++: nested skips, so that what is joined is alike."""

from __future__ import annotations

import keras

from maskwright.models import blocks
from maskwright.models.blocks import Tensor
from maskwright.models.registry import architecture


@architecture(
    "unet_plus_plus",
    paper="Zhou et al. 2018, arXiv 1807.10165",
    year=2018,
    multiple=lambda options: 2 ** (options["num_layers"] - 1),
    dims=(2, 3),
)
def unet_plus_plus(
    input_shape: tuple[int, ...],
    classes: int,
    *,
    base_filters: int = 16,
    num_layers: int = 5,
    deep_supervision: bool = False,
    final_activation: str = "auto",
) -> keras.Model:
    """Build the network: node (i, j) joins all nodes (i, 0) to (i, j-1) with the enlarged node (i+1, j-1).

    Args:
        deep_supervision: every node (0, j) gives an output, which count in training only; the last one is the result.
    """

    def node(x: Tensor, i: int) -> Tensor:
        return blocks.conv_norm(blocks.conv_norm(x, base_filters * 2**i), base_filters * 2**i)

    x = inputs = keras.Input(input_shape, name="image")
    nodes: dict[tuple[int, int], Tensor] = {}
    for i in range(num_layers):
        x = node(blocks.pool(x) if i else x, i)
        nodes[i, 0] = x
    for j in range(1, num_layers):
        for i in range(num_layers - j):
            up = blocks.up_conv(nodes[i + 1, j - 1], base_filters * 2**i)
            nodes[i, j] = node(blocks.concat(*(nodes[i, k] for k in range(j)), up), i)
    chosen = reversed(range(1, num_layers)) if deep_supervision else [num_layers - 1]
    outputs = [blocks.head(nodes[0, j], classes, final_activation) for j in chosen]
    return keras.Model(inputs, outputs if deep_supervision else outputs[0], name="unet_plus_plus")
