"""The command line: one module a command. Importing this package imports no command."""

from __future__ import annotations

from maskwright.cli._main import main

__all__ = ["main"]
