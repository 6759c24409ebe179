"""Batch normalisation as one operation while a network is trained on a CPU.

Keras computes it from a dozen operations, which took almost half of a step of an EfficientNet-Lite U-Net, and casts to
float32 before and back after it in mixed precision. The network that is saved keeps Keras's own layers: weights and
results are the same.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from maskwright.backend import accelerators, fused_batch_normalization


class _Fused(keras.layers.BatchNormalization):
    """Keras's layer, computed by TensorFlow's fused operation; mean and variance are float32 in any precision."""

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """As Keras's own, on `(B, …, C)`."""
        gamma = self.gamma if self.scale else ops.ones_like(self.moving_mean)
        beta = self.beta if self.center else ops.zeros_like(self.moving_mean)
        learns = bool(training and self.trainable)
        held = (self.moving_mean, self.moving_variance)
        outputs, found = fused_batch_normalization(inputs, (gamma, beta), held, self.epsilon, learns=learns)
        if learns:
            for statistic, now in zip(held, found, strict=True):
                statistic.assign(statistic * self.momentum + now * (1 - self.momentum))
        return outputs


def fuse(model: Any) -> None:
    """Let a network's layers of batch normalisation compute in one operation, where that is known to be faster.

    Nothing changes on other backends than TensorFlow, on an accelerator, or in layers of another kind or axis.
    """
    if keras.backend.backend() != "tensorflow" or accelerators():
        return
    for layer in model._flatten_layers():
        if type(layer) is not keras.layers.BatchNormalization or layer.synchronized or getattr(layer, "renorm", False):
            continue  # older versions of Keras know no renorm
        if layer.axis in (-1, layer.input_spec.ndim - 1):
            layer.__class__ = _Fused
