"""Encoders of keras.applications, with weights that are already on this machine.

Nothing is ever downloaded: weights come from a file that the configuration names, or from Keras's own cache, where an
earlier `keras.applications` call on a connected machine has put them.
"""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
from keras import layers

from maskwright.errors import MaskwrightError, choices
from maskwright.models.blocks import Tensor

_CAFFE_MEAN = (103.939, 116.779, 123.68)  # blue, green, red


@dataclass(frozen=True)
class Encoder:
    """A network of keras.applications: its layers at each halving, the file of its weights, and what it expects."""

    taps: tuple[str, ...]
    file: str
    input: str  # `inside` (0…255, scaled by itself) or `caffe` (blue, green, red minus means)


def _efficientnet(name: str) -> Encoder:
    taps = ("block2a_expand_activation", "block3a_expand_activation", "block4a_expand_activation",
            "block6a_expand_activation", "top_activation")  # fmt: skip
    return Encoder(taps, f"efficientnet{name[-2:].lower()}_notop.h5", "inside")


_RESNET = ("conv1_relu", "conv2_block3_out", "conv3_block4_out", "conv4_block6_out", "conv5_block3_out")
_CONVNEXT = "convnext_{0}_stage_{1}_block_{2}_identity"
ENCODERS: dict[str, Encoder] = {
    **{f"EfficientNetB{k}": _efficientnet(f"EfficientNetB{k}") for k in range(8)},
    "ResNet50": Encoder(_RESNET, "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5", "caffe"),
    "ConvNeXtTiny": Encoder(
        tuple(_CONVNEXT.format("tiny", stage, last) for stage, last in ((0, 2), (1, 2), (2, 8), (3, 2))),
        "convnext_tiny_notop.h5",
        "inside",
    ),
    "ConvNeXtSmall": Encoder(
        tuple(_CONVNEXT.format("small", stage, last) for stage, last in ((0, 2), (1, 2), (2, 26), (3, 2))),
        "convnext_small_notop.h5",
        "inside",
    ),
}


def application(inputs: Tensor, name: str, weights: str | None) -> Any:
    """A network of keras.applications without its classifier, on inputs of 0…1 in grey or colour.

    Args:
        name: `EfficientNetB0` to `B7`, `ResNet50`, `ConvNeXtTiny`, `ConvNeXtSmall`.
        weights: `imagenet` takes them from Keras's cache where they are, and says so and goes on with random ones
            where they are not; else the path of a file; None for random ones.

    Raises:
        MaskwrightError: an unknown name, or a file that is not there or does not fit.
    """
    if name not in ENCODERS:
        raise MaskwrightError(
            f"there is no encoder {name!r}", where="[model] backbone", fix=choices(name, list(ENCODERS))
        )
    x = inputs
    if x.shape[-1] == 1:
        x = layers.Concatenate()([x, x, x])
    elif x.shape[-1] != 3:
        x = layers.Conv2D(3, 1, use_bias=False)(x)
    offset = [-mean for mean in _CAFFE_MEAN] if ENCODERS[name].input == "caffe" else 0.0
    if ENCODERS[name].input == "caffe":
        x = keras.ops.flip(x, -1)  # blue, green, red
    x = layers.Rescaling(255.0, offset)(x)
    network = getattr(keras.applications, name)(include_top=False, weights=None, input_tensor=x)
    file = weights_file(name, weights)
    if file is not None:
        try:
            network.load_weights(file)
        except (ValueError, OSError, KeyError) as error:
            raise MaskwrightError(
                f"are no weights of {name} without its classifier ({str(error).splitlines()[0]})",
                where=file,
                fix="Name the file that keras.applications stores, or leave [model] weights out.",
            ) from None
    return network


def weights_file(name: str, weights: str | None) -> Path | None:
    """The file of the weights, or None for random ones; a warning says where they would have been.

    Raises:
        MaskwrightError: a path that is not there.
    """
    if not weights:
        return None
    cached = cache() / ENCODERS[name].file
    if weights != "imagenet":
        if not Path(weights).expanduser().is_file():
            raise MaskwrightError("there are no such weights", where=weights, fix="Check [model] weights.")
        return Path(weights).expanduser()
    if cached.is_file():
        return cached
    warnings.warn(
        f"no ImageNet weights of {name} on this machine: random ones are used. Put {cached.name} into {cached.parent} "
        f"(maskwright weights get {name} does so on a connected machine), or name its path",
        stacklevel=2,
    )
    return None


def cache() -> Path:
    """The folder in which Keras keeps weights."""
    return Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / "models"


def encoder(
    inputs: Tensor, name: str, weights: str | None, *, frozen: bool = False, frozen_norm: bool = False
) -> tuple[list[Tensor], Tensor]:
    """The skips of an encoder, the input itself first and then one for each halving, and its bottom."""
    network = application(inputs, name, weights)
    for layer in network.layers:
        if frozen or (frozen_norm and isinstance(layer, layers.BatchNormalization)):
            layer.trainable = False
    found = [network.get_layer(tap).output for tap in ENCODERS[name].taps]
    return [inputs, *found[:-1]], found[-1]
