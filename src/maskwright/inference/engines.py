"""What runs a network: batches of normalised inputs in, probabilities out.

An engine is anything with `metadata` and `probabilities`; mirrored and several ones are engines again.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from maskwright.config.schema import PredictSection
from maskwright.errors import MaskwrightError
from maskwright.models.metadata import Metadata


class Engine(Protocol):
    """A network that is ready to be used."""

    metadata: Metadata

    def probabilities(self, inputs: np.ndarray, batch_size: int | None = None) -> np.ndarray:
        """Probabilities of a batch.

        Args:
            inputs: `(B, H, W, C)` or `(B, D, H, W, C)` float32, normalised by the model's rule.
            batch_size: fill the batch up to this many with zeros, so that a smaller last batch is no new shape.

        Returns:
            `(B, …, K)` float32.
        """


class KerasEngine:
    """A Keras model, called in batches of one size so that it is compiled once."""

    def __init__(self, model: Any, metadata: Metadata) -> None:
        self.model, self.metadata = model, metadata

    def probabilities(self, inputs: np.ndarray, batch_size: int | None = None) -> np.ndarray:
        """See `Engine`."""
        count = len(inputs)
        found = np.asarray(self.model.predict_on_batch(filled_up(inputs, batch_size)), dtype=np.float32)
        # During training with deep supervision the side outputs follow the result.
        return found[:count, ..., : self.metadata.channels]


def filled_up(inputs: np.ndarray, batch_size: int | None) -> np.ndarray:
    """A batch with zeros behind it, up to `batch_size`."""
    missing = (batch_size or 0) - len(inputs)
    if missing <= 0:
        return inputs
    return np.concatenate([inputs, np.zeros((missing, *inputs.shape[1:]), inputs.dtype)])


class Mirrored:
    """The mean over an input and its mirror images along the given axes, mirrored back (nnU-Net's test-time mirroring).

    Args:
        axes: of one input, from 0: rows and columns are 0 and 1 in pictures, 1 and 2 in volumes.
    """

    def __init__(self, engine: Engine, axes: Sequence[int]) -> None:
        self.engine, self.metadata = engine, engine.metadata
        self._flips = [
            tuple(axis + 1 for axis in chosen)
            for count in range(len(axes) + 1)
            for chosen in itertools.combinations(axes, count)
        ]

    def probabilities(self, inputs: np.ndarray, batch_size: int | None = None) -> np.ndarray:
        """See `Engine`."""
        total: np.ndarray | None = None
        for flip in self._flips:
            mirrored = np.ascontiguousarray(np.flip(inputs, flip))
            found = np.flip(self.engine.probabilities(mirrored, batch_size), flip)
            total = found if total is None else total + found
        assert total is not None
        return np.ascontiguousarray(total / np.float32(len(self._flips)))


class Ensemble:
    """The mean over several models that see pictures alike, as those of the folds of one training.

    Raises:
        MaskwrightError: their inputs or classes differ.
    """

    def __init__(self, engines: Sequence[Engine]) -> None:
        self.engines, self.metadata = list(engines), engines[0].metadata
        for engine in self.engines[1:]:
            one, other = self.metadata, engine.metadata
            if (one.input_rule, one.class_names) != (other.input_rule, other.class_names):
                raise MaskwrightError(
                    f"see pictures or classes in other ways ({one.input_rule} and {other.input_rule})",
                    where="the models of the ensemble",
                    fix="Name models that were trained with the same [data], [mask] and input size.",
                )

    def probabilities(self, inputs: np.ndarray, batch_size: int | None = None) -> np.ndarray:
        """See `Engine`."""
        return np.asarray(np.mean(self.each(inputs, batch_size), axis=0, dtype=np.float32))

    def each(self, inputs: np.ndarray, batch_size: int | None = None) -> np.ndarray:
        """Of every model by itself, `(N, B, …, K)`."""
        return np.stack([engine.probabilities(inputs, batch_size) for engine in self.engines])


def combined(
    engines: Sequence[Engine], options: PredictSection, warn: Callable[[str], None] = lambda message: None
) -> Engine:
    """One model or an ensemble of several, mirrored where asked for, along the axes that each has learnt from.

    Args:
        warn: is told what was asked for and is not done.

    Raises:
        MaskwrightError: as `Ensemble`.
    """
    members = list(engines)
    if options.mirror:
        for message in sorted({_not_mirrored(one.metadata) for one in members} - {""}):
            warn(message)
        members = [Mirrored(one, one.metadata.mirrored_axes or ()) for one in members]
    return members[0] if len(members) == 1 else Ensemble(members)


def _not_mirrored(metadata: Metadata) -> str:
    """What predict.mirror cannot have of a model; empty where it can have everything."""
    names = ("slices", "rows", "columns")[-(len(metadata.input_shape) - 1) :]
    learnt = metadata.mirrored_axes
    missing = [name for axis, name in enumerate(names) if axis not in (learnt or ())]
    if not missing:
        return ""
    why = "does not say which mirrored inputs it has learnt from" if learnt is None else "never learnt from inputs that"
    rest = "" if learnt is None else f" were mirrored along {' and '.join(missing)}"
    used = " and ".join(names[axis] for axis in learnt or ()) or "nothing"
    return f"predict.mirror: the model {why}{rest}, so along these it is not mirrored (used: {used})"
