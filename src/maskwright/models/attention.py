"""Layers for transformers on pictures: tokens, positions, windows."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers, ops

from maskwright.models.blocks import Tensor, gelu

_register = keras.saving.register_keras_serializable("maskwright")


@_register
class Position(layers.Layer):
    """Adds a learnt vector to each token of `(B, N, C)`."""

    def build(self, shape: tuple[int | None, ...]) -> None:
        """One vector a token."""
        self.vectors = self.add_weight(shape=tuple(shape[1:]), initializer="uniform", name="vectors")

    def call(self, x: Tensor) -> Tensor:
        """Add."""
        return x + ops.cast(self.vectors, x.dtype)


@_register
class SpaceToDepth(layers.Layer):
    """Blocks of `size` x `size` pixels become channels: `(B, H, W, C)` to `(B, H/size, W/size, size²·C)`."""

    def __init__(self, size: int = 2, **options: Any) -> None:
        super().__init__(**options)
        self.size = size

    def call(self, x: Tensor) -> Tensor:
        """Rearrange."""
        _, height, width, channels = x.shape
        k = self.size
        x = ops.reshape(x, (-1, height // k, k, width // k, k, channels))
        return ops.reshape(ops.transpose(x, (0, 1, 3, 2, 4, 5)), (-1, height // k, width // k, k * k * channels))

    def get_config(self) -> dict[str, Any]:
        """What `from_config` needs."""
        return super().get_config() | {"size": self.size}


@_register
class DepthToSpace(SpaceToDepth):
    """Channels become blocks of pixels: `(B, H, W, size²·C)` to `(B, size·H, size·W, C)`."""

    def call(self, x: Tensor) -> Tensor:
        """Rearrange."""
        _, height, width, channels = x.shape
        k = self.size
        x = ops.reshape(x, (-1, height, width, k, k, channels // (k * k)))
        return ops.reshape(ops.transpose(x, (0, 1, 3, 2, 4, 5)), (-1, height * k, width * k, channels // (k * k)))


@_register
class WindowAttention(layers.Layer):
    """Self-attention within windows of `(B, H, W, C)`, with a bias by relative position (Swin, Liu et al. 2021).

    Args:
        heads: they divide C. window: its edge in tokens, which divides H and W. shift: by so many tokens the windows
            are moved, cyclically; tokens that were no neighbours before do not see each other.

    The index of relative positions and the mask are kept as weights that are not trained, as in the implementations
    whose parameter counts are published.
    """

    def __init__(self, heads: int, window: int, shift: int = 0, **options: Any) -> None:
        super().__init__(**options)
        self.heads, self.window, self.shift = heads, window, shift

    def build(self, shape: tuple[int, ...]) -> None:
        """Projections, bias, index and mask."""
        _, height, width, channels = shape
        self.project = layers.Dense(3 * channels, name="qkv", dtype=self.dtype_policy)
        self.project.build((None, channels))
        self.join = layers.Dense(channels, name="join", dtype=self.dtype_policy)
        self.join.build((None, channels))
        w = self.window
        self.bias = self.add_weight(shape=((2 * w - 1) ** 2, self.heads), initializer="zeros", name="bias")
        places = np.stack(np.meshgrid(np.arange(w), np.arange(w), indexing="ij")).reshape(2, -1)
        apart = places[:, :, None] - places[:, None, :] + w - 1
        self.index = self._fixed(apart[0] * (2 * w - 1) + apart[1], "index")
        self.mask = self._fixed(self._apart(height, width), "mask") if self.shift else None

    def _fixed(self, values: np.ndarray, name: str) -> Tensor:
        start = lambda shape, dtype=None: ops.convert_to_tensor(values.astype("float32"))  # noqa: E731
        return self.add_weight(shape=values.shape, initializer=start, trainable=False, name=name, dtype="float32")

    def _apart(self, height: int, width: int) -> np.ndarray:
        """-100 where two tokens of a shifted window come from opposite edges: `(windows, w², w²)`."""
        w, region = self.window, np.zeros((height, width))
        parts = (slice(0, -w), slice(-w, -self.shift), slice(-self.shift, None))
        for number, (rows, columns) in enumerate((rows, columns) for rows in parts for columns in parts):
            region[rows, columns] = number
        windows = region.reshape(height // w, w, width // w, w).transpose(0, 2, 1, 3).reshape(-1, w * w)
        return np.where(windows[:, :, None] != windows[:, None, :], -100.0, 0.0)

    def call(self, x: Tensor) -> Tensor:
        """Attend."""
        _, height, width, channels = x.shape
        w, tokens, depth = self.window, self.window**2, channels // self.heads
        count = (height // w) * (width // w)
        if self.shift:
            x = ops.roll(x, (-self.shift, -self.shift), axis=(1, 2))
        x = ops.reshape(x, (-1, height // w, w, width // w, w, channels))
        x = ops.reshape(ops.transpose(x, (0, 1, 3, 2, 4, 5)), (-1, tokens, channels))
        qkv = ops.reshape(self.project(x), (-1, tokens, 3, self.heads, depth))
        query, key, value = (ops.transpose(qkv[:, :, k], (0, 2, 1, 3)) for k in range(3))
        scores = ops.cast(ops.matmul(query * depth**-0.5, ops.transpose(key, (0, 1, 3, 2))), "float32")
        bias = ops.take(self.bias, ops.cast(ops.reshape(self.index, (-1,)), "int32"), axis=0)
        scores = scores + ops.transpose(ops.reshape(ops.cast(bias, "float32"), (tokens, tokens, -1)), (2, 0, 1))
        if self.mask is not None:
            scores = ops.reshape(scores, (-1, count, self.heads, tokens, tokens)) + self.mask[None, :, None]
            scores = ops.reshape(scores, (-1, self.heads, tokens, tokens))
        weights = ops.cast(ops.softmax(scores), value.dtype)
        x = ops.reshape(ops.transpose(ops.matmul(weights, value), (0, 2, 1, 3)), (-1, tokens, channels))
        x = ops.reshape(self.join(x), (-1, height // w, width // w, w, w, channels))
        x = ops.reshape(ops.transpose(x, (0, 1, 3, 2, 4, 5)), (-1, height, width, channels))
        return ops.roll(x, (self.shift, self.shift), axis=(1, 2)) if self.shift else x

    def get_config(self) -> dict[str, Any]:
        """What `from_config` needs."""
        return super().get_config() | {"heads": self.heads, "window": self.window, "shift": self.shift}


def mlp(x: Tensor, hidden: int, last: str | None = None) -> Tensor:
    """Two dense layers with GELU between them (and, where asked, another activation after them), as wide as `x`."""
    return layers.Dense(x.shape[-1], activation=gelu if last == "gelu" else last)(
        layers.Dense(hidden, activation=gelu)(x)
    )
