"""Ending on SIGTERM as on Ctrl+C, with everything tidied up, and worker processes that end with their parent.

A process that is ended by SIGTERM runs none of its `finally`: hidden temporary files stay, and so do workers, which
wait for work that never comes. The command line turns the signal into an exception once; a second one ends at once.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from typing import Any

ENDED = 143  # the exit code: 128 + SIGTERM, as shells count
_GRACE = 5.0  # seconds that a worker has for what it is in the midst of
_busy = threading.Event()  # in a worker: while it is at work


class Ended(BaseException):
    """Somebody sent SIGTERM; like KeyboardInterrupt no `Exception`, so that nothing takes it for a mistake."""


def _raise(number: int, frame: Any) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    raise Ended


@contextmanager
def ended_by_exception() -> Iterator[None]:
    """While this lasts SIGTERM raises `Ended` in the main thread, unless whoever calls has a handler of their own."""
    ours = threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    if ours:
        signal.signal(signal.SIGTERM, _raise)
    try:
        yield
    finally:
        if ours:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


@contextmanager
def worker_pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Worker processes that are gone when this is left, however it is left, or when this process has died.

    Workers hold the end of a pipe whose other end is here only: it closes when the work is given up, and the system
    closes it when this process dies, SIGKILL included. What a worker is in the midst of, it tidies up first.
    """
    theirs, ours = multiprocessing.Pipe(duplex=False)
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _begin, (theirs,))
    try:
        yield pool
        pool.shutdown()
    except BaseException:
        ours.close()
        pool.shutdown(cancel_futures=True)
        raise
    finally:
        ours.close()
        theirs.close()


def _begin(line: Connection) -> None:
    """The first that runs in a worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C reaches the parent too, which lets go of the line
    signal.signal(signal.SIGTERM, _leave)
    threading.Thread(target=_watch, args=(line,), name="parent", daemon=True).start()


def _leave(number: int, frame: Any) -> None:
    # The pool sends it again to whoever is left when the first worker is gone; what is being tidied up goes on.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if not _busy.is_set():
        os._exit(ENDED)
    raise Ended


def _watch(line: Connection) -> None:
    wait([line])  # nothing is ever sent: it can only close
    main = threading.main_thread().ident
    if hasattr(signal, "pthread_kill") and main is not None:
        signal.pthread_kill(main, signal.SIGTERM)  # to that thread, so that it does not go on waiting for work
        time.sleep(_GRACE)
    os._exit(ENDED)


def finishing(work: Any, *arguments: Any, **options: Any) -> Any:
    """Call `work` in a worker; where the worker is ended in its midst, it is tidied up and the process goes."""
    _busy.set()
    try:
        return work(*arguments, **options)
    except Ended:
        os._exit(ENDED)  # the pool would take the exception for the result, and wait for more work
    finally:
        _busy.clear()
