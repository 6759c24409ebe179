"""Zeros around volumes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable("maskwright")
class Margins(layers.Layer):
    """What `ZeroPadding3D` does, by joining with zeros.

    TensorFlow 2.21 draws a padding in front of a 3D convolution into it on a CPU; in networks with a transposed 3D
    convolution the result then fails in oneDNN ("could not create a primitive descriptor").
    """

    def __init__(self, margins: Sequence[Sequence[int]], **options: Any) -> None:
        super().__init__(**options)
        self.margins = tuple((int(before), int(after)) for before, after in margins)

    def call(self, x: Any) -> Any:
        """`(B, D, H, W, C)` with its margins."""
        for axis, margin in enumerate(self.margins, start=1):
            parts = [x]
            for place, size in enumerate(margin):
                if size:
                    edge = ops.repeat(ops.zeros_like(ops.take(x, [0], axis=axis)), size, axis=axis)
                    parts.insert(0 if place == 0 else len(parts), edge)
            x = ops.concatenate(parts, axis=axis) if len(parts) > 1 else x
        return x

    def compute_output_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Each edge with its margins."""
        edges = [edge + sum(margin) for edge, margin in zip(shape[1:-1], self.margins, strict=True)]
        return (shape[0], *edges, shape[-1])

    def get_config(self) -> dict[str, Any]:
        """What `from_config` needs."""
        return super().get_config() | {"margins": self.margins}
