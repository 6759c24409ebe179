"""What must be so before anything can import Keras: settings that TensorFlow reads once, and silence while it loads."""

from __future__ import annotations

import importlib.util
import logging
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

# What TensorFlow's libraries write before their loggers can be told anything: to the file descriptor, whatever
# TF_CPP_MIN_LOG_LEVEL says. Warnings of theirs begin with I, W or E; what ends the process begins with F.
_THEIRS = re.compile(rb"[IWE]\d{4} |WARNING: All log messages before absl::InitializeLog|\d{4}-\d\d-\d\d .*: [IWE] ")
_SHOWN = "MASKWRIGHT_SHOW_ALL"  # set: nothing is held back


def prepare_environment() -> None:
    """Keep TensorFlow from filling the terminal, and let it take the same kernels whoever loads it first."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    if "tensorflow" not in sys.modules and not any(isinstance(one, _QuietLoading) for one in sys.meta_path):
        sys.meta_path.insert(0, _QuietLoading())


def show_all() -> None:
    """Hold nothing back, here and in processes that are started from here (`--debug`)."""
    os.environ[_SHOWN] = "1"


class _QuietLoading(MetaPathFinder):
    """Loads TensorFlow as Python would, with its first lines held back."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != "tensorflow":
            return None
        with suppress(ValueError):  # another thread was as fast
            sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            loader: Any = spec.loader
            load = loader.exec_module

            def exec_module(module: ModuleType) -> None:
                with held_back():
                    load(module)
                if not os.environ.get(_SHOWN):  # it would remark on each network that a process builds after the fifth
                    logging.getLogger("tensorflow").setLevel(logging.ERROR)

            loader.exec_module = exec_module
        return spec


@contextmanager
def held_back() -> Iterator[None]:
    """Hold back what is written to the standard error; lines that are not TensorFlow's log's are written afterwards."""
    try:
        own = None if os.environ.get(_SHOWN) else os.dup(2)
    except OSError:  # there is none
        own = None
    if own is None:
        yield
        return
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(own, 2)
            os.close(own)
            file.seek(0)
            for line in file.read().splitlines(keepends=True):
                if not _THEIRS.match(line):
                    os.write(2, line)
