"""How large a network is and how much it computes."""

from __future__ import annotations

from typing import Any

import numpy as np


def multiply_adds(model: Any) -> int:
    """Multiply-adds of one forward pass of one image: convolutions, dense layers and attention, nested ones included.

    Normalisation, activations and pooling are left out, as is usual; they are below 1 % in a U-Net.
    """
    import keras

    total = 0
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            total += multiply_adds(layer)
        elif isinstance(layer, keras.layers.MultiHeadAttention):
            total += _attention(layer.input)
        elif hasattr(layer, "window"):
            total += _windows(layer)
        elif isinstance(layer, keras.layers.SeparableConv2D):
            kernels = (layer.depthwise_kernel, layer.pointwise_kernel)
            total += sum(_size(kernel.shape) for kernel in kernels) * _places(layer.output)
        elif getattr(layer, "kernel", None) is not None:
            # Each element of the kernel is used once for each position of the output (of the input where transposed).
            transposed = "Transpose" in type(layer).__name__
            total += _size(layer.kernel.shape) * _places(layer.input if transposed else layer.output)
    return total


def _size(shape: tuple[int, ...]) -> int:
    return int(np.prod(shape, dtype=np.int64))


def _places(tensor: Any) -> int:
    return _size(tensor.shape[1:-1])


def _attention(inputs: Any) -> int:
    """Projections of query, key, value and result, and the two products of all queries with all keys."""
    query, key = (inputs[0], inputs[-1]) if isinstance(inputs, list | tuple) else (inputs, inputs)
    queries, keys, width = query.shape[1], key.shape[1], query.shape[2]
    return 2 * (queries + keys) * width**2 + 2 * queries * keys * width


def _windows(layer: Any) -> int:
    """The same where each token sees its window only."""
    places, width = _places(layer.output), layer.output.shape[-1]
    return 4 * places * width**2 + 2 * places * layer.window**2 * width
