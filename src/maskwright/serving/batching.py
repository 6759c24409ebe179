"""One thread that runs the networks for many requests: what waits together is run together.

A network uses every core by itself, so that two at a time would only be in each other's way. While it is busy others
arrive; their inputs become one batch, up to a limit. Nobody waits for a batch to fill.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

import numpy as np

from maskwright.inference.engines import Engine


@dataclass
class _Work:
    engine: Engine
    most: int
    inputs: np.ndarray
    done: Future[np.ndarray] = field(default_factory=Future)


class NetworkThread:
    """Runs engines one batch at a time.

    Args:
        noted: called with the size of each batch.
    """

    def __init__(self, noted: Callable[[int], None] = lambda size: None) -> None:
        self._noted, self._waiting, self._ready, self._ends = noted, deque[_Work](), threading.Condition(), False
        self._thread = threading.Thread(target=self._run, name="network", daemon=True)
        self._thread.start()

    def submit(self, engine: Engine, most: int, inputs: np.ndarray) -> Future[np.ndarray]:
        """Probabilities of some inputs, when their turn comes; at most `most` inputs a batch."""
        work = _Work(engine, most, inputs)
        with self._ready:
            if self._ends:
                raise RuntimeError("the service has ended")
            self._waiting.append(work)
            self._ready.notify()
        return work.done

    def close(self) -> None:
        """End when everything that was submitted is done."""
        with self._ready:
            self._ends = True
            self._ready.notify()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._ready:
                while not self._waiting and not self._ends:
                    self._ready.wait()
                if not self._waiting:
                    return
                chosen = self._together()
            if chosen:
                self._do(chosen)

    def _together(self) -> list[_Work]:
        """The work that waits longest, and what goes with it; what was given up meanwhile is dropped."""
        chosen: list[_Work] = []
        left: list[_Work] = []
        count = 0
        for work in self._waiting:
            first = chosen[0] if chosen else work
            fits = work.engine is first.engine and work.inputs.shape[1:] == first.inputs.shape[1:]
            if chosen and not (fits and count + len(work.inputs) <= first.most):
                left.append(work)
            elif work.done.set_running_or_notify_cancel():
                chosen.append(work)
                count += len(work.inputs)
        self._waiting = deque(left)
        return chosen

    def _do(self, chosen: list[_Work]) -> None:
        engine, most = chosen[0].engine, chosen[0].most
        inputs = np.concatenate([work.inputs for work in chosen]) if len(chosen) > 1 else chosen[0].inputs
        self._noted(len(inputs))
        try:
            found = engine.probabilities(inputs, batch_of(len(inputs), most))
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must hear of it
            for work in chosen:
                work.done.set_exception(error)
            return
        first = 0
        for work in chosen:
            # A copy, or one answer would keep the whole batch in memory.
            part = found[first : first + len(work.inputs)]
            work.done.set_result(part if len(chosen) == 1 else part.copy())
            first += len(work.inputs)


def batch_of(count: int, most: int) -> int:
    """1, 2, 4, … up to `most`: a few sizes, because a network is compiled for each."""
    size = 1
    while size < min(count, most):
        size *= 2
    return max(count, min(size, most))


def batch_sizes(most: int) -> list[int]:
    """The sizes that `batch_of` gives."""
    return sorted({batch_of(count, most) for count in range(1, most + 1)})
