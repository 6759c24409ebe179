"""The configuration: one typed schema, two formats to write it in."""

from __future__ import annotations

from maskwright.config.ini import Problem
from maskwright.config.loading import Loaded, load
from maskwright.config.schema import Configuration
from maskwright.config.toml import write_toml

__all__ = ["Configuration", "Loaded", "Problem", "load", "write_toml"]
