"""The share of each class as the first answer of a network.

Fresh networks call every pixel half a structure. Where structures are small, the first hundreds of steps only teach
that they are rare; a last layer whose bias says so from the beginning spares them (Lin et al. 2017, arXiv 1708.02002,
for the classes of a detector).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from maskwright.models.metadata import Metadata
from maskwright.models.registry import tree_list
from maskwright.progress import Reporter

_LEAST = 0.02  # share that a class starts with; from much less, Dice learns slowly
_DEEP = 6  # layers behind an output among which its last convolution is looked for


def expect_shares(model: Any, metadata: Metadata, shares: Mapping[str, float], reporter: Reporter) -> None:
    """Set the biases of a model's last convolutions by the plan's shares of classes, or say that there are none."""
    overlap = metadata.channels == 1 or metadata.options.get("final_activation") == "sigmoid"
    if not start_at_shares(model, list(shares.values()), overlap=overlap):
        reporter.warn(f"train.class_prior has no effect: the last layer of {metadata.architecture} has no bias")


def start_at_shares(model: Any, shares: Sequence[float], *, overlap: bool) -> int:
    """Set the biases of a network's last convolutions, so that flat features give the shares; how many were set.

    Args:
        shares: of the pixels, of each class with the background first, or of each region behind the background.
        overlap: each output channel is a probability of its own, as for one structure.
    """
    known = np.maximum(np.asarray(shares, np.float64), _LEAST)
    if overlap:
        inner = np.minimum(known[1:], 1 - _LEAST)
        bias = np.log(inner / (1 - inner))
    else:
        bias = np.log(known / known.sum())
    found = 0
    for output in tree_list(model.outputs):
        layer = _last_convolution(output, len(bias))
        if layer is not None:
            layer.bias.assign(bias.astype(np.float32))
            found += 1
    return found


def _last_convolution(output: Any, channels: int) -> Any | None:
    """The layer with a bias of so many channels behind an output, if only layers without weights lie between."""
    layer = output._keras_history.operation
    for _ in range(_DEEP):
        bias = getattr(layer, "bias", None)
        if isinstance(layer, keras.layers.Layer) and layer.weights:
            return layer if bias is not None and tuple(bias.shape) == (channels,) else None
        before = getattr(layer, "input", None)
        if before is None or isinstance(before, list | tuple | dict):
            return None
        layer = before._keras_history.operation
    return None
