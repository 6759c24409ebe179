"""Weights averaged over the last steps, which validation judges and the model file holds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def averaged(learner: Any) -> Iterator[None]:
    """The moving average in the place of the weights; afterwards the weights are there again, to the last bit.

    Nothing happens where the optimiser keeps no average (`train.weight_average = 0`). Statistics of batch
    normalisation are moving averages by themselves and stay.

    Args:
        learner: a compiled network, or `Adversarial`, whose own network's weights are averaged.
    """
    if not learner.optimizer.use_ema:
        yield
        return
    import keras

    variables = getattr(learner, "model", learner).trainable_variables
    last = [keras.ops.convert_to_numpy(variable).copy() for variable in variables]
    learner.optimizer.finalize_variable_values(variables)
    try:
        yield
    finally:
        for variable, value in zip(variables, last, strict=True):
            variable.assign(value)
