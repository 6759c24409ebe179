"""Walking the schema's keys, and making the paths among them absolute."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args

from pydantic.fields import FieldInfo

from maskwright.config.schema import Configuration, Section

# What is read; every other path is written to.
_INPUTS = {"split_file", "start_from", "images", "masks", "images_dir", "scans_dir", "labels_dir"}


def subsection(field: FieldInfo) -> type[Section] | None:
    """The section class of a field, or None where the field is a key."""
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, Section) else None


def fields(kind: type[Section], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every key below a section as (`section.key`, field), sub-sections entered."""
    for name, field in kind.model_fields.items():
        if inner := subsection(field):
            yield from fields(inner, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", field


def is_path(field: FieldInfo) -> bool:
    """Whether the key holds a path (or nothing)."""
    return field.annotation is Path or Path in get_args(field.annotation)


PATH_KEYS = {path for path, field in fields(Configuration) if is_path(field)}


def map_paths(config: Configuration, change: Callable[[str, Path], Path]) -> Configuration:
    """A copy of `config` with `change(key, path)` in place of each path that is set."""

    def walk(section: Section, prefix: str) -> Section:
        updates: dict[str, Any] = {}
        for name, field in type(section).model_fields.items():
            value = getattr(section, name)
            if isinstance(value, Section):
                updates[name] = walk(value, f"{prefix}{name}.")
            elif value is not None and is_path(field):
                updates[name] = change(f"{prefix}{name}", value)
        return section.model_copy(update=updates)

    result = walk(config, "")
    assert isinstance(result, Configuration)
    return result


def absolute(config: Configuration, folder: Path, outputs: Path) -> Configuration:
    """Make paths absolute: what is read relative to `folder`, what is written relative to `outputs`."""

    def change(key: str, path: Path) -> Path:
        base = folder if key.rsplit(".", 1)[-1] in _INPUTS else outputs
        return Path(os.path.normpath(base / path.expanduser()))

    return map_paths(config, change)


def relative(config: Configuration, folder: Path) -> Configuration:
    """Make paths relative to `folder` again, where they are on the same drive."""

    def change(key: str, path: Path) -> Path:
        try:
            return Path(os.path.relpath(path, folder))
        except ValueError:  # another drive on Windows
            return path

    return map_paths(config, change)
