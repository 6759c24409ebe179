"""What a prediction has done so far, so that one that was interrupted goes on when it is called again.

The file lies in the folder of the results while they are made. Its first line says what they are made with; then a line
for each input that was begun and one for each that is done. A line is whole or it does not count.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from maskwright.data.cases import CaseFiles
from maskwright.errors import MaskwrightError
from maskwright.storage import note_folder, require_free, require_same, write_error
from maskwright.untrusted.text import parse_json, read_text

NAME = "predicting.jsonl"
_LARGEST = 1 << 30  # bytes


class Kind(Protocol):
    """A kind of file that is made of each picture."""

    @property
    def folder(self) -> Path:
        """Where, and nowhere else."""

    def names(self, files: CaseFiles) -> list[str]:
        """Of the files of a picture."""


class Journal:
    """The journal of a folder; one that was written with other settings counts for nothing.

    Attributes:
        goes_on: there was one of the same settings.
    """

    def __init__(self, folder: Path, settings: Any) -> None:
        self.path = folder / NAME
        self._key = hashlib.blake2b(json.dumps(settings, sort_keys=True, default=str).encode()).hexdigest()
        lines = list(_lines(self.path))
        self.goes_on = bool(lines) and lines[0].get("made with") == self._key
        known = lines[1:] if self.goes_on else []
        self._begun = {str(line.get("begun")) for line in known if "begun" in line}
        self._done = {str(line["done"]): line for line in known if "done" in line}

    def start(self) -> None:
        """Begin to write, once the folder is there."""
        if not self.goes_on or not self.path.exists():  # the second where it was put aside with what was in the way
            require_free(self.path)
            self._write({"made with": self._key}, "w")

    def begun(self, name: str) -> bool:
        """Whether files of an input may be there that are ours."""
        return name in self._begun

    def done(self, name: str, sources: Sequence[Path]) -> dict[str, Any] | None:
        """What was noted of an input that is done, whose files are all there and whose sources are as they were."""
        line = self._done.get(name)
        if line is None or line.get("sources") != _states(sources):
            return None
        files = line.get("files")
        whole = isinstance(files, list) and all((self.path.parent / str(file)).is_file() for file in files)
        return line if whole else None

    def begin(self, name: str) -> None:
        """Note that files of an input will be written."""
        self._write({"begun": name})

    def finish(self, name: str, sources: Sequence[Path], files: Sequence[Path], **facts: Any) -> None:
        """Note that all files of an input are written."""
        names = [str(file) for file in files]
        self._write({"done": name, "sources": _states(sources), "files": names, **facts})

    @contextmanager
    def writing(self, files: CaseFiles, kinds: Sequence[Kind]) -> Iterator[None]:
        """Note that a picture's files are written in this block: of each kind those that it names."""
        self.begin(files.name)
        yield
        self.finish(files.name, files.paths, [kind.folder / name for kind in kinds for name in kind.names(files)])

    def close(self) -> None:
        """Everything is done: what was made is in its own list."""
        self.path.unlink(missing_ok=True)

    def _write(self, line: dict[str, Any], mode: str = "a") -> None:
        require_same(self.path)
        try:
            with self.path.open(mode, encoding="utf-8") as file:
                file.write(json.dumps(line, default=str) + "\n")
        except OSError as error:
            raise write_error(self.path, error) from error
        note_folder(self.path)


def state_of(path: Path) -> list[Any]:
    """By what a file is known again; of a folder its files."""
    files = sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]
    return [[str(file), file.stat().st_size, file.stat().st_mtime_ns] for file in files]


def _states(paths: Sequence[Path]) -> list[Any]:
    try:
        return [state_of(path) for path in paths]
    except OSError as error:
        raise MaskwrightError(f"cannot be read ({error.strerror})", where=paths[0]) from None


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    try:
        lines = read_text(path, _LARGEST).split("\n") if path.exists() else []
        for line in lines[:-1]:  # the last one is empty, or was cut off
            yield parse_json(line, path)
    except MaskwrightError:
        return
