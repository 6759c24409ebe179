"""A loss or metric is tried when it is chosen, on small masks of the network's kind whose answers are known.

A configuration can name any of Keras's, with any options; what cannot train or judge this network is refused here,
before the first step, and not noticed by nobody after the last epoch.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from maskwright.errors import MaskwrightError
from maskwright.keras_names import SAFE_LOSSES, SAFE_METRICS, keras_object
from maskwright.labels.regions import IGNORED
from maskwright.losses.base import choose_loss
from maskwright.losses.from_keras import has_logits

_EDGE = 4
_CLOSE = 1e-6


class Kind(NamedTuple):
    """What a network's answers are like."""

    dims: int  # 2 pictures, 3 volumes
    channels: int
    regions: bool = False  # the channels are overlapping regions, each judged as one structure
    logits: bool = False  # no activation at its end

    @property
    def judged(self) -> int:
        """Channels that a loss or metric sees at once."""
        return 1 if self.regions else self.channels


@functools.cache
def try_loss(name: str, class_weights: tuple[float, ...], kind: Kind) -> None:
    """Refuse a loss, named as in `choose_loss`, that cannot train a network.

    Raises:
        MaskwrightError: there is none of that name, it fails, is not finite, or depends on pixels that are not known;
            or a wrong, an empty or a full mask costs no more than a perfect one.
    """
    loss = choose_loss(name, class_weights)
    judge, case = _Judge(loss, f"the loss {name}", kind, "loss"), _case(kind)
    judge.logits(name, keras.losses)
    perfect = judge.of("a perfect mask", case.labels, case.perfect)
    for what, mask in (("a wrong", case.wrong), ("an empty", case.nothing), ("a full", case.everything)):
        found = judge.of(f"{what} mask", case.labels, mask)
        if found <= perfect + _CLOSE * max(1.0, abs(perfect)):
            judge.refuse(f"{what} mask costs {found:.4g}, a perfect one {perfect:.4g}")
    judge.of("an undecided mask", case.labels, case.undecided)
    judge.of("an empty truth", np.zeros_like(case.labels), case.nothing)
    judge.of("an empty truth", np.zeros_like(case.labels), case.everything)
    judge.hidden(case)


def judge_metric(metric: Any, name: str, kind: Kind) -> None:
    """Refuse a metric, as Keras has them, that cannot judge a network.

    Raises:
        MaskwrightError: it fails, is not finite, depends on pixels that are not known, or gives a wrong mask the value
            of a perfect one.
    """

    def value(labels: np.ndarray, prediction: Any) -> Any:
        metric.reset_state()
        metric.update_state(labels, prediction)
        return metric.result()

    judge, case = _Judge(value, f"the metric {name}", kind, "metrics"), _case(kind)
    judge.logits(name, keras.metrics)
    perfect = judge.of("a perfect mask", case.labels, case.perfect)
    wrong = judge.of("a wrong mask", case.labels, case.wrong)
    if abs(perfect - wrong) <= _CLOSE * max(1.0, abs(perfect)):
        judge.refuse(f"a wrong mask has the same value as a perfect one, {perfect:.4g}")
    judge.of("an undecided mask", case.labels, case.undecided)
    judge.of("an empty truth", np.zeros_like(case.labels), case.nothing)
    judge.hidden(case)


class _Case(NamedTuple):
    labels: np.ndarray
    perfect: np.ndarray
    wrong: np.ndarray
    nothing: np.ndarray
    everything: np.ndarray

    @property
    def undecided(self) -> np.ndarray:
        return np.full_like(self.perfect, 1 / max(2, self.perfect.shape[-1]))


def _case(kind: Kind) -> _Case:
    """Stripes of all class numbers, 2 px wide, and masks for them."""
    count = max(2, kind.judged)
    shape = (2, *[_EDGE] * (kind.dims - 1), 2 * count)
    label = np.broadcast_to(np.arange(shape[-1]) // 2, shape)
    labels = label[..., None].astype("float32")
    if kind.judged == 1:
        return _Case(labels, labels, 1 - labels, np.zeros_like(labels), np.ones_like(labels))
    choice = np.eye(count, dtype="float32")
    nothing, everything = (np.broadcast_to(choice[one], (*shape, count)) for one in (0, -1))
    return _Case(labels, choice[label], choice[(label + 1) % count], nothing, everything)


class _Judge:
    def __init__(self, value: Callable[[np.ndarray, Any], Any], name: str, kind: Kind, key: str) -> None:
        self.value, self.name, self.kind, self.key = value, name, kind, key

    def of(self, what: str, labels: np.ndarray, prediction: np.ndarray) -> float:
        """The value, which must be finite."""
        try:
            found = float(np.mean(ops.convert_to_numpy(self.value(labels, self._answer(prediction)))))
        except MaskwrightError:
            raise
        except Exception as error:  # Keras and its backends have no error in common
            text = " ".join(str(error).split()) or type(error).__name__
            raise self._error(f"it fails ({text[:200]})") from error
        if not np.isfinite(found):
            self.refuse(f"its value for {what} is {found}")
        return found

    def _answer(self, prediction: np.ndarray) -> Any:
        """What such a network would say: probabilities, or logits."""
        if self.kind.logits:
            prediction = 20 * prediction - 10
        return ops.convert_to_tensor(prediction.astype("float32"))

    def hidden(self, case: _Case) -> None:
        """Nothing under unknown pixels may count, and nothing may break where all are unknown."""
        labels, other = case.labels.copy(), case.perfect.copy()
        labels[:, _EDGE // 2 :] = IGNORED
        other[:, _EDGE // 2 :] = case.wrong[:, _EDGE // 2 :]
        one, two = (self.of("a partly unknown truth", labels, mask) for mask in (case.perfect, other))
        if abs(one - two) > _CLOSE * max(1.0, abs(one)):
            self.refuse(f"pixels that are not known change it from {one:.4g} to {two:.4g}")
        self.of("a truth that is unknown", np.full_like(labels, IGNORED), case.wrong)

    def logits(self, name: str, module: Any) -> None:
        """A loss or metric of logits takes probabilities for logits without a word, and finds all of them undecided."""
        found = keras_object(name, module)
        if found is not None and has_logits(found) and not self.kind.logits:
            self.refuse("from_logits is set, and the network gives probabilities (model.final_activation)")

    def refuse(self, why: str) -> None:
        raise self._error(why)

    def _error(self, why: str) -> MaskwrightError:
        kind = self.kind
        what = "regions" if kind.regions else "classes"
        many = f"{kind.channels} {what}" if kind.regions or kind.channels > 1 else "one structure"
        use, safe = ("train", SAFE_LOSSES) if self.key == "loss" else ("judge", SAFE_METRICS)
        return MaskwrightError(
            f"{self.name} cannot {use} a network of {many} in {kind.dims}D: {why}",
            where=f"[train] {self.key}",
            fix=f"These can: {', '.join(safe)}.",
        )
