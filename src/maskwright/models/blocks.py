"""What the networks are made of: convolutions, normalisation, pooling and heads, for pictures and volumes alike.

Each function takes a Keras tensor `(B, H, W, C)` or `(B, D, H, W, C)` and gives one; how many dimensions there are
follows from the tensor.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from maskwright.errors import MaskwrightError

Tensor = Any

# Keras's 0.99 needs hundreds of steps to learn the statistics that validation uses; small data sets have tens an epoch.
MOMENTUM = 0.9


def rank(x: Tensor) -> int:
    """2 for pictures, 3 for volumes."""
    return len(x.shape) - 2


def layer(name: str, x: Tensor) -> Any:
    """The class of a layer that has one for each number of dimensions, as `Conv` for `Conv2D` and `Conv3D`."""
    head, _, tail = name.partition("{}")
    return getattr(layers, f"{head}{rank(x)}D{tail}" if "{}" in name else f"{name}{rank(x)}D")


def conv(x: Tensor, filters: int, kernel: int | tuple[int, ...] = 3, **options: Any) -> Tensor:
    """A convolution that keeps the size, initialised after He; `options` are Keras's own."""
    options = {"padding": "same", "kernel_initializer": "he_normal"} | options
    return layer("Conv", x)(filters, kernel, **options)(x)


def normalize(x: Tensor, kind: str = "batch") -> Tensor:
    """Normalisation: `batch`, `instance` (each picture and channel by itself) or `layer` (over the channels)."""
    if kind == "batch":
        return layers.BatchNormalization(momentum=MOMENTUM)(x)
    if kind == "instance":
        return layers.GroupNormalization(groups=-1, epsilon=1e-5)(x)
    return layers.LayerNormalization(epsilon=1e-6)(x)


def activate(x: Tensor, activation: str = "relu") -> Tensor:
    """An activation by its Keras name."""
    return layers.Activation(activation)(x)


def conv_norm(x: Tensor, filters: int, kernel: int = 3, activation: str | None = "relu", **options: Any) -> Tensor:
    """Convolution without bias, batch normalisation, activation."""
    x = normalize(conv(x, filters, kernel, **({"use_bias": False} | options)))
    return activate(x, activation) if activation else x


def pool(x: Tensor, size: int | tuple[int, ...] = 2) -> Tensor:
    """Largest value of each block."""
    return layer("MaxPooling", x)(size)(x)


def up_conv(x: Tensor, filters: int, size: int | tuple[int, ...] = 2, **options: Any) -> Tensor:
    """Enlarge by a transposed convolution whose kernel is its stride."""
    return layer("Conv{}Transpose", x)(filters, size, strides=size, **options)(x)


def enlarge(x: Tensor, size: int | tuple[int, ...] = 2, how: str = "bilinear") -> Tensor:
    """Enlarge without weights: linear (nearest in volumes, for which Keras has no other) or nearest."""
    if rank(x) == 3:
        return layers.UpSampling3D(size)(x)
    return layers.UpSampling2D(size, interpolation=how)(x)


def resize_to(x: Tensor, other: Tensor, how: str = "bilinear") -> Tensor:
    """Enlarge to the size of another tensor, a whole multiple of its own."""
    size = tuple(there // here for here, there in zip(x.shape[1:-1], other.shape[1:-1], strict=True))
    return x if set(size) == {1} else enlarge(x, size, how)


def concat(*tensors: Tensor) -> Tensor:
    """Side by side along the channels."""
    return layers.Concatenate()(list(tensors))


@keras.saving.register_keras_serializable("maskwright")
def gelu(x: Tensor) -> Tensor:
    """x/2 · (1 + erf(x/√2)); Keras's own is written with erfc, for which ONNX has no operator."""
    return 0.5 * x * (1 + keras.ops.erf(x * 0.7071067811865476))


def check_activation(name: str) -> None:
    """Refuse an activation that Keras does not have.

    Raises:
        MaskwrightError: naming some that it has.
    """
    if name not in dir(keras.activations):
        raise MaskwrightError(
            f"Keras has no activation {name!r}",
            where="[model] activation",
            fix="For example relu, mish, gelu, silu or leaky_relu.",
        )


def head(x: Tensor, classes: int, final_activation: str = "auto", kernel: int = 1, **options: Any) -> Tensor:
    """The last convolution and its probabilities, in float32 whatever the layers compute in.

    `auto` is sigmoid for one structure and softmax for several classes; sigmoid with several classes lets them overlap.
    """
    x = layer("Conv", x)(classes, kernel, padding="same", **options)(x)
    return probabilities(x, classes, final_activation)


def probabilities(x: Tensor, classes: int, final_activation: str = "auto", name: str | None = None) -> Tensor:
    """The activation at the end, in float32."""
    if final_activation == "auto":
        final_activation = "sigmoid" if classes == 1 else "softmax"
    return layers.Activation(final_activation, dtype="float32", name=name)(x)
