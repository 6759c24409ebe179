"""Deep supervision: networks with several outputs of one size, of which the first is the result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras

from maskwright.models.registry import tree_list

Function = Callable[[Any, Any], Any]


def main_output(model: keras.Model) -> keras.Model:
    """The network with its first output only; the layers are shared."""
    outputs = tree_list(model.outputs)
    return model if len(outputs) == 1 else keras.Model(model.inputs, outputs[0], name=model.name)


def joined(model: keras.Model) -> keras.Model:
    """All outputs side by side along the channels, `(B, …, n·K)`, which is how they are trained."""
    outputs = tree_list(model.outputs)
    if len(outputs) == 1:
        return model
    return keras.Model(model.inputs, keras.layers.Concatenate(dtype="float32")(outputs), name=model.name)


def supervised(loss: Function, channels: int) -> Function:
    """A loss over all outputs: each is half as heavy as the one before, and the weights sum to 1 (as in nnU-Net)."""

    def total(truth: Any, prediction: Any) -> Any:
        count = prediction.shape[-1] // channels
        weights = [2.0**-place for place in range(count)]
        parts = [loss(truth, prediction[..., i * channels : (i + 1) * channels]) for i in range(count)]
        return sum(weight / sum(weights) * part for weight, part in zip(weights, parts, strict=True))

    return total
