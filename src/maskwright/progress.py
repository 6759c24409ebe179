"""Telling the user what goes on: bars on a terminal, plain lines elsewhere, always on standard error."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from maskwright.shown import file_as_image, notebook

_PLAIN_EVERY = 10.0  # seconds between plain lines of one task

Advance = Callable[..., None]


class Reporter:
    """Messages and progress; `quiet` keeps everything but warnings to itself."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.quiet = quiet
        self.console = Console(stderr=True, highlight=False)
        self._last = ""
        self._warned: set[str] = set()
        self._shown: Any = None  # what a notebook shows and can be given another content

    def say(self, message: str) -> None:
        """A line of information; what was just said is not said again."""
        if not self.quiet and message != self._last:
            self._last = message
            self.console.print(message, markup=False, soft_wrap=True)

    def warn(self, message: str) -> None:
        """A line that should not be missed; kept when quiet, and said once."""
        message = " ".join(line.strip() for line in message.splitlines())
        if message in self._warned:
            return
        self._warned.add(message)
        self.console.print(f"warning: {message}", style="bold yellow", markup=False, soft_wrap=True)

    def pictures(self, paths: Sequence[Path]) -> None:
        """Pictures that say how far a work is, shown in a notebook in the place of those before; nowhere else."""
        if self.quiet or (display := notebook()) is None:
            return
        page = display.HTML("".join(file_as_image(path, path.stem) for path in paths))
        if self._shown is None:
            self._shown = display.display(page, display_id=True)
        else:
            self._shown.update(page)

    @contextmanager
    def task(self, description: str, total: int, unit: str = "") -> Iterator[Advance]:
        """Progress of `total` steps; the block gets `advance(count=1, note="")`, which threads may call."""
        if self.quiet or not total:
            yield lambda count=1, note="": None
        elif self.console.is_terminal:
            with self._bar() as bar:
                task = bar.add_task(description, total=total, note="")
                yield lambda count=1, note="": bar.update(task, advance=count, note=note)
        else:
            yield _Lines(self, description, total, unit).advance

    def _bar(self) -> Progress:
        return Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
            console=self.console,
            transient=True,
        )


class _Lines:
    """Progress as a line every few seconds, for logs."""

    def __init__(self, reporter: Reporter, description: str, total: int, unit: str) -> None:
        self.reporter, self.description, self.total, self.unit = reporter, description, total, unit
        self.done = 0
        self.started = self.last = time.monotonic()

    def advance(self, count: int = 1, note: str = "") -> None:
        self.done += count
        now = time.monotonic()
        if now - self.last < _PLAIN_EVERY:
            return
        self.last = now
        left = (now - self.started) / self.done * (self.total - self.done)
        self.reporter.say(
            f"{self.description}: {self.done}/{self.total} {self.unit}, {duration(left)} left {note}".rstrip()
        )


def duration(seconds: float) -> str:
    """`75` -> `1:15`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
