"""Deep supervision: networks with several outputs of one size, of which the first is the result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras

from maskwright.errors import MaskwrightError
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


def supervised(loss: Function, channels: int, weights: Sequence[float] = ()) -> Function:
    """A loss over all outputs.

    Args:
        channels: of each output. weights: how heavy each output is, the main one first; they are brought to a sum of
            1. Without them each is half as heavy as the one before, as in nnU-Net.

    Raises:
        MaskwrightError: there are not as many weights as outputs.
    """
    given = list(weights)

    def total(truth: Any, prediction: Any) -> Any:
        count = prediction.shape[-1] // channels
        weights = given or [2.0**-place for place in range(count)]
        if len(weights) != count:
            raise MaskwrightError(
                f"has {len(weights)} numbers, and the network has {count} outputs",
                where="[train] deep_supervision_weights",
                fix="Give one number an output, the main one first, or leave it out.",
            )
        parts = [loss(truth, prediction[..., i * channels : (i + 1) * channels]) for i in range(count)]
        return sum(weight / sum(weights) * part for weight, part in zip(weights, parts, strict=True))

    return total
