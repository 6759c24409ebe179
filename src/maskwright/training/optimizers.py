"""The optimiser of a configuration: Keras's own, with Adam's step in one operation where TensorFlow has one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from maskwright.backend import adam_step
from maskwright.config import Configuration

_HALF = 9.0  # steps


def make_optimizer(config: Configuration, shares: Sequence[float] = ()) -> Any:
    """The configured optimiser, fresh.

    Args:
        shares: of the learning rate, of each variable that it will be built with; all 1 where absent.
    """
    import keras

    train = config.train
    options: dict[str, Any] = {"learning_rate": train.learning_rate, "clipvalue": train.clipvalue}
    if train.optimizer == "AdamW":
        options["weight_decay"] = train.weight_decay
    if train.weight_average:
        options |= {"use_ema": True, "ema_momentum": train.weight_average}
    if train.optimizer == "SGD":
        options |= {"momentum": 0.99, "nesterov": True}
    kind = getattr(keras.optimizers, train.optimizer)
    if train.optimizer != "SGD" and keras.backend.backend() == "tensorflow":
        kind = _at_once(kind)
    if train.weight_average:
        kind = _averaging(kind)
    return (kind if all(share == 1 for share in shares) else _sharing(kind, shares))(**options)


def _at_once(kind: Any) -> Any:
    """Adam or AdamW whose step is one operation a variable; Keras has twenty, which take long to trace."""

    class AtOnce(kind):
        def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
            place = self._get_variable_index(variable)
            moments = (self._momentums[place], self._velocities[place])
            decays = (self.beta_1, self.beta_2)
            adam_step(variable, gradient, moments, learning_rate, decays, self.epsilon, self.iterations + 1)

    return AtOnce


def _averaging(kind: Any) -> Any:
    """An optimiser whose moving average begins with the first weights that were learnt, and grows longer step by step.

    At step t, from 0, it keeps t / (t + 9) at most: half of it are the last ten steps when ten were done. With a share
    that is always the same, what was there before anything was learnt weighs 0.55 after 60 steps at 0.99.
    """
    from keras import ops

    class Averaging(kind):
        def _update_model_variables_moving_average(self, trainable_variables: Any) -> None:
            step = ops.cast(self.iterations, "float32")
            kept = ops.minimum(self.ema_momentum, step / (step + _HALF))
            averages = self._model_variables_moving_average
            for variable, average in zip(trainable_variables, averages, strict=False):
                if average is not None:
                    share = ops.cast(1 - kept, average.dtype)
                    average.assign(average + share * (ops.cast(variable, average.dtype) - average))

    return Averaging


def _sharing(kind: Any, shares: Sequence[float]) -> Any:
    """An optimiser that scales each step by its variable's share; to Adam the scale of a gradient does not matter."""

    class Sharing(kind):
        def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
            share = shares[self._get_variable_index(variable)]
            super().update_step(gradient, variable, learning_rate * share)

    return Sharing
