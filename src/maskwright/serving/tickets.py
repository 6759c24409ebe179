"""Admission: who is let in, for how long, and who gives up."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import contextmanager

import numpy as np

from maskwright.inference.engines import Engine
from maskwright.serving.batching import NetworkThread
from maskwright.serving.limits import Refused

_AT_ONCE = 4  # about so many are in work at a time; only to say when to come again


class Gate:
    """A bounded number of requests in the house; how long each takes is remembered, to say when to come again."""

    def __init__(self, most: int) -> None:
        self.most, self.inside, self._seconds, self._lock = most, 0, 1.0, threading.Lock()
        self.closing = False

    @contextmanager
    def admitted(self) -> Iterator[None]:
        """Hold a place.

        Raises:
            Refused: 503 with Retry-After, where there is none or the service is about to end.
        """
        with self._lock:
            if self.inside >= self.most or self.closing:
                wait = min(60, max(1, math.ceil(self._seconds * self.inside / _AT_ONCE)))
                what = "the service is ending" if self.closing else f"{self.inside} requests are waiting already"
                raise Refused(503, what, f"Come again in {wait} s.", retry_after=wait)
            self.inside += 1
        begin = time.monotonic()
        try:
            yield
        finally:
            with self._lock:
                self.inside -= 1
                self._seconds = 0.9 * self._seconds + 0.1 * (time.monotonic() - begin)


class Ticket:
    """A request's time: it ends at a deadline, or when nobody waits for it any more."""

    def __init__(self, seconds: float) -> None:
        self._deadline, self._dropped = time.monotonic() + seconds, threading.Event()
        self.seconds = seconds

    def drop(self) -> None:
        """Nobody waits for the answer."""
        self._dropped.set()

    def is_over(self) -> bool:
        """Whether the deadline has passed."""
        return time.monotonic() >= self._deadline

    def left(self) -> float:
        """Seconds that are left.

        Raises:
            Refused: 504 after the deadline, 499 where nobody waits.
        """
        if self._dropped.is_set():
            raise Refused(499, "the client is gone")
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise Refused(
                504, f"was not done within {self.seconds:g} s", "Send something smaller, or ask for more time."
            )
        return left


class TicketEngine:
    """An engine for one request: it runs in the network's thread, and stops when the ticket's time is over."""

    def __init__(self, engine: Engine, network: NetworkThread, most: int, ticket: Ticket) -> None:
        self.engine, self.metadata = engine, engine.metadata
        self._network, self._most, self._ticket = network, most, ticket

    def probabilities(self, inputs: np.ndarray, batch_size: int | None = None) -> np.ndarray:
        """See `Engine`; how a batch is filled up is the network thread's affair."""
        work = self._network.submit(self.engine, self._most, inputs)
        while True:
            try:
                return work.result(timeout=min(1.0, self._ticket.left()))
            except FutureTimeout:
                continue
            except Refused:
                work.cancel()
                raise
