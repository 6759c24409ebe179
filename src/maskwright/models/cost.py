"""How large a network is and how much it computes."""

from __future__ import annotations

from typing import Any

import numpy as np


def multiply_adds(model: Any) -> int:
    """Multiply-adds of one forward pass of one image: convolutions, transposed ones and dense layers, nested included.

    Normalisation, activations and pooling are left out, as is usual; they are below 1 % in a U-Net.
    """
    import keras

    total = 0
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            total += multiply_adds(layer)
            continue
        kernel = getattr(layer, "kernel", None)
        if kernel is None:
            continue
        transposed = "Transpose" in type(layer).__name__
        # Each element of the kernel is used once for each position of the output (of the input where transposed).
        shape = (layer.input if transposed else layer.output).shape[1:-1]
        total += int(np.prod(kernel.shape)) * int(np.prod(shape, dtype=np.int64))
    return total
