"""What runs a network: batches of normalised inputs in, probabilities out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from maskwright.models.saving import Metadata, load_model


class KerasEngine:
    """A Keras model, called in batches of one size so that it is compiled once."""

    def __init__(self, model: Any, metadata: Metadata) -> None:
        self.model, self.metadata = model, metadata

    def probabilities(self, inputs: np.ndarray, batch_size: int | None = None) -> np.ndarray:
        """Probabilities of a batch.

        Args:
            inputs: `(B, H, W, C)` float32, normalised by the model's rule.
            batch_size: fill the batch up to this many with zeros, so that a smaller last batch is no new shape.

        Returns:
            `(B, H, W, K)` float32.
        """
        count = len(inputs)
        if batch_size and count < batch_size:
            inputs = np.concatenate([inputs, np.zeros((batch_size - count, *inputs.shape[1:]), np.float32)])
        found = np.asarray(self.model.predict_on_batch(inputs), dtype=np.float32)
        # During training with deep supervision the side outputs follow the result.
        return found[:count, ..., : self.metadata.channels]


def open_engine(path: Path, precision: str = "float32") -> KerasEngine:
    """The engine for a saved model.

    Raises:
        MaskwrightError: the file is no model of ours.
    """
    return KerasEngine(*load_model(path, precision))
