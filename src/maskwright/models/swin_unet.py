"""Swin-UNet: a U-Net of window attention, without convolutions between its ends."""

from __future__ import annotations

import math

import keras
from keras import layers

from maskwright.errors import MaskwrightError
from maskwright.models import blocks
from maskwright.models.attention import DepthToSpace, Position, SpaceToDepth, WindowAttention, mlp
from maskwright.models.blocks import Tensor
from maskwright.models.registry import architecture

_EPSILON = 1e-5


def _multiple(options: dict) -> int:
    """Patches can be merged depth - 1 times, and each level divided into its windows."""
    edges = (2**i * window for i, window in enumerate(options["window_size"][: options["depth"]]))
    return options["patch_size"][0] * math.lcm(2 ** (options["depth"] - 1), *edges)


@architecture(
    "swin_unet",
    aliases=("TensorflowSwinUNet",),
    paper="Cao et al. 2021, arXiv 2105.05537",
    year=2021,
    multiple=_multiple,
)
def swin_unet(
    input_shape: tuple[int, ...],
    classes: int,
    *,
    filter_num_begin: int = 128,
    depth: int = 4,
    stack_num_down: int = 2,
    stack_num_up: int = 2,
    patch_size: tuple[int, int] = (4, 4),
    num_heads: tuple[int, ...] = (4, 8, 8, 8),
    window_size: tuple[int, ...] = (4, 2, 2, 2),
    num_mlp: int = 512,
    shift_window: bool = True,
    final_activation: str = "auto",
) -> keras.Model:
    """Build the network: `depth` levels, the width of the first `filter_num_begin`, doubled at each below.

    As the reference builds it: 26,602,312 parameters at 256x256 and 27,373,192 at 384x384 with the defaults and three
    channels. The decoder takes heads and windows from the end of their lists, the lowest level first, as there; the
    hidden width of the MLPs is the same at all levels. The second, unused projection of each expansion is left out.

    Raises:
        MaskwrightError: heads or windows are missing for a level, or do not divide its width.
    """
    if len(num_heads) < depth or len(window_size) < depth:
        raise MaskwrightError(
            f"num_heads has {len(num_heads)} and window_size {len(window_size)} numbers for {depth} levels",
            where="[model] depth",
            fix="Give one of each for every level, as in num_heads = [4, 8, 8, 8].",
        )
    bad = [heads for i, heads in enumerate(num_heads[:depth]) if filter_num_begin * 2**i % heads]
    if bad:
        raise MaskwrightError(
            f"{bad[0]} heads do not divide the width of their level", where="[model] num_heads", fix="Use 4 or 8."
        )

    def block(x: Tensor, heads: int, window: int, shifted: bool) -> Tensor:
        edge = min(x.shape[1:3])
        if edge < window:
            window, shifted = edge, False
        shift = window // 2 if shifted else 0
        inner = layers.LayerNormalization(epsilon=_EPSILON)(x)
        x = layers.Add()([x, WindowAttention(heads, window, shift)(inner)])
        return layers.Add()([x, mlp(layers.LayerNormalization(epsilon=_EPSILON)(x), num_mlp)])

    def stack(x: Tensor, count: int, heads: int, window: int) -> Tensor:
        for number in range(count):
            x = block(x, heads, window, shift_window and number % 2 == 1)
        return x

    patch = patch_size[0]
    x = inputs = keras.Input(input_shape, name="image")
    x = layers.Dense(filter_num_begin)(SpaceToDepth(patch)(x))
    height, width = x.shape[1:3]
    x = Position()(layers.Reshape((height * width, filter_num_begin))(x))
    x = layers.Reshape((height, width, filter_num_begin))(x)
    x = stack(x, stack_num_down, num_heads[0], window_size[0])
    skips = [x]
    for i in range(1, depth):
        x = layers.Dense(2 * x.shape[-1], use_bias=False)(SpaceToDepth()(x))
        x = stack(x, stack_num_down, num_heads[i], window_size[i])
        skips.append(x)
    heads, windows = num_heads[:depth][::-1], window_size[:depth][::-1]
    for i, skip in enumerate(skips[-2::-1]):
        channels = x.shape[-1]
        x = DepthToSpace()(layers.Conv2D(2 * channels, 1, use_bias=False)(x))
        x = layers.Dense(channels // 2, use_bias=False)(blocks.concat(x, skip))
        x = stack(x, stack_num_up, heads[i], windows[i])
    x = DepthToSpace(patch)(layers.Conv2D(patch * x.shape[-1], 1, use_bias=False)(x))
    return keras.Model(inputs, blocks.head(x, classes, final_activation, use_bias=False), name="swin_unet")
