"""A residual U-Net with pyramid pooling at several levels."""

from __future__ import annotations

import keras
from keras import layers

from maskwright.errors import MaskwrightError
from maskwright.models import blocks
from maskwright.models.blocks import Tensor
from maskwright.models.registry import architecture

_BINS = (1, 2, 3, 6)


@architecture(
    "pyramid_unet",
    paper="Li et al. 2021, multi-level pyramidal pooling residual U-Net with adversarial mechanism",
    year=2021,
    multiple=lambda options: 2 ** (options["num_layers"] - 1),
)
def pyramid_unet(
    input_shape: tuple[int, ...],
    classes: int,
    *,
    base_filters: int = 16,
    num_layers: int = 5,
    pooling: str = "average",
    groups: int = 4,
    pyramid_levels: int = 3,
    dropout_rate: float = 0.0,
    final_activation: str = "auto",
) -> keras.Model:
    """Build the network: residual blocks down and up, and on the deepest skips a pyramid pooling block.

    What the paper leaves open is decided so: a residual block is two 3x3 convolutions with batch normalisation and a
    1x1 shortcut; the pooling groups are those of PSPNet, of 1, 2, 3 and 6 cells an axis, of which the first `groups`
    are used; each group is brought to a quarter of the channels by a 1x1 convolution, enlarged to the level's size and
    joined with it, and a 1x1 convolution brings the whole back to the level's width.

    Args:
        pooling: `average` or `max`. groups: 1 to 4. pyramid_levels: on how many levels, from the bottom up, the
            pooling blocks are.
    """
    if pooling not in ("average", "max"):
        raise MaskwrightError(f"is {pooling!r}", where="[model.options] pooling", fix="Accepted: average, max.")
    if not 1 <= groups <= len(_BINS):
        raise MaskwrightError(f"is {groups}", where="[model.options] groups", fix="Accepted: 1 to 4.")

    def level(x: Tensor, filters: int) -> Tensor:
        shortcut = blocks.conv_norm(x, filters, 1, None)
        x = blocks.conv_norm(x, filters)
        if dropout_rate:
            x = layers.Dropout(dropout_rate)(x)
        return blocks.activate(layers.Add()([shortcut, blocks.conv_norm(x, filters, 3, None)]))

    x = inputs = keras.Input(input_shape, name="image")
    skips = []
    for i in range(num_layers):
        x = level(blocks.pool(x) if i else x, base_filters * 2**i)
        pooled = i >= num_layers - pyramid_levels
        skips.append(pyramid(x, pooling, groups) if pooled else x)
    x = skips[-1]
    for i in reversed(range(num_layers - 1)):
        x = level(blocks.concat(blocks.up_conv(x, base_filters * 2**i), skips[i]), base_filters * 2**i)
    return keras.Model(inputs, blocks.head(x, classes, final_activation), name="pyramid_unet")


def pyramid(x: Tensor, pooling: str, groups: int) -> Tensor:
    """What `x` looks like from further away, joined with it: `(B, H, W, C)` to the same shape."""
    height, width, channels = x.shape[1:]
    seen = [x]
    for cells in _BINS[:groups]:
        # As near to so many cells as the size allows: the last one may be smaller.
        size = -(-height // cells), -(-width // cells)
        coarse = blocks.conv_norm(_pooled(x, size, pooling), max(1, channels // 4), 1)
        fine = blocks.enlarge(coarse, size)
        margins = fine.shape[1] - height, fine.shape[2] - width
        seen.append(layers.Cropping2D(((0, margins[0]), (0, margins[1])))(fine) if any(margins) else fine)
    return blocks.conv_norm(blocks.concat(*seen), channels, 1)


def _pooled(x: Tensor, size: tuple[int, int], pooling: str) -> Tensor:
    """Mean or maximum of each cell of `x`, which is nowhere negative.

    Cells that the edge cuts are filled up with zeros here, because the backends disagree on how to do it.
    """
    missing = tuple((0, -edge % cell) for edge, cell in zip(x.shape[1:3], size, strict=True))
    fill = layers.ZeroPadding2D(missing) if any(after for _, after in missing) else layers.Identity()
    if pooling == "max":
        return layers.MaxPooling2D(size)(fill(x))
    mean = layers.AveragePooling2D(size)
    return mean(fill(x)) / mean(fill(keras.ops.ones_like(x[..., :1])))
