"""Batch normalisation as one operation while a network is trained on a CPU.

Keras computes it from a dozen operations, which took almost half of a step of an EfficientNet-Lite U-Net, and casts to
float32 before and back after it in mixed precision. The network that is saved keeps Keras's own layers: weights and
results are the same.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from maskwright.backend import accelerators


class _Fused(keras.layers.BatchNormalization):
    """Keras's layer, computed by TensorFlow's fused operation; mean and variance are float32 in any precision."""

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """As Keras's own, on `(B, …, C)`."""
        import tensorflow as tf

        shape = tf.shape(inputs)
        flat = inputs if len(inputs.shape) == 4 else tf.reshape(inputs, (shape[0], -1, shape[-2], shape[-1]))
        gamma = self.gamma if self.scale else ops.ones_like(self.moving_mean)
        beta = self.beta if self.center else ops.zeros_like(self.moving_mean)
        weights = [tf.cast(ops.convert_to_tensor(value), tf.float32) for value in (gamma, beta)]
        statistics = [tf.cast(ops.convert_to_tensor(value), tf.float32)
                      for value in (self.moving_mean, self.moving_variance)]  # fmt: skip
        learns = bool(training and self.trainable)
        found = tf.raw_ops.FusedBatchNormV3(
            x=flat, scale=weights[0], offset=weights[1], mean=statistics[0], variance=statistics[1],
            epsilon=self.epsilon, is_training=learns,
        )  # fmt: skip
        if learns:
            # The operation gives the variance with Bessel's correction; Keras keeps it without.
            count = tf.cast(tf.size(flat) / shape[-1], tf.float32)
            variance = found.batch_variance * ((count - 1) / count)
            for held, before, now in (
                (self.moving_mean, statistics[0], found.batch_mean), (self.moving_variance, statistics[1], variance),
            ):  # fmt: skip
                held.assign(before * self.momentum + now * (1 - self.momentum))
        return tf.reshape(found.y, shape)


def fuse(model: Any) -> None:
    """Let a network's layers of batch normalisation compute in one operation, where that is known to be faster.

    Nothing changes on other backends than TensorFlow, on an accelerator, or in layers of another kind or axis.
    """
    if keras.backend.backend() != "tensorflow" or accelerators():
        return
    for layer in model._flatten_layers():
        last = isinstance(layer, keras.layers.BatchNormalization) and layer.axis in (-1, len(layer.input.shape) - 1)
        if type(layer) is keras.layers.BatchNormalization and last and not (layer.renorm or layer.synchronized):
            layer.__class__ = _Fused
