"""The reference's INI files, line by line: what each line says, and which lines say nothing.

The standard library's parser knows no line numbers and gives up at the first doubled key, so this is a reader of our
own for the same format: `[section]`, `key = value` or `key: value`, whole-line comments with `#` or `;`, values that
continue on indented lines, keys in any case, sections in the case they are written in.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from maskwright.untrusted.text import parse_literal

_SECTION = re.compile(r"\[(?P<name>[^\]]+)\]")
_OPTION = re.compile(r"(?P<key>[^=:\s][^=:]*?)\s*[=:]\s*(?P<value>.*)$")


@dataclass(frozen=True)
class Problem:
    """Something that a reader of the file should know: where it is and what was made of it."""

    line: int | None
    place: str
    message: str

    def __str__(self) -> str:
        line = f"line {self.line}: " if self.line else ""
        return f"{line}{self.place}: {self.message}"


@dataclass(frozen=True)
class Entry:
    """One `key = value`, its text still unread."""

    section: str
    key: str
    text: str
    line: int

    @property
    def name(self) -> str:
        """`section.key`, as `--set` writes it."""
        return f"{self.section}.{self.key}"


def parse(text: str) -> tuple[dict[str, Entry], list[Problem]]:
    """Read INI text into entries by `section.key`; of doubled keys the last one wins."""
    entries: dict[str, Entry] = {}
    problems: list[Problem] = []
    section: str | None = None
    last: Entry | None = None
    indent = 0
    for number, raw in enumerate(text.lstrip("\ufeff").splitlines(), start=1):
        line = raw.strip()
        if not line or line[0] in "#;":
            continue
        depth = len(raw) - len(raw.lstrip())
        if last is not None and depth > indent:
            last = Entry(last.section, last.key, f"{last.text}\n{line}", last.line)
            entries[last.name] = last
            continue
        indent = depth
        if header := _SECTION.match(line):
            section, last = header["name"], None
        elif option := _OPTION.match(line):
            if section is None:
                problems.append(Problem(number, line, "stands before the first [section] and is not read"))
                continue
            last = Entry(section, option["key"].strip().lower(), option["value"].strip(), number)
            if earlier := entries.get(last.name):
                problems.append(
                    Problem(
                        number,
                        f"[{section}] {last.key}",
                        f"given again (first on line {earlier.line}); the last "
                        "one wins here, the reference refuses the whole file in silence",
                    )
                )
            entries[last.name] = last
        else:
            problems.append(Problem(number, line, "is neither a [section] nor `key = value`, and is not read"))
            last = None
    return entries, problems


def literal(text: str) -> Any:
    """The Python literal that `text` writes; nothing in it is ever run.

    Raises:
        ValueError: it is no literal; the message says why.
    """
    source = " ".join(text.splitlines()) if "#" not in text else text
    try:
        return parse_literal(source.strip())
    except SyntaxError:
        if ";" in text:
            raise ValueError("is no Python literal; a comment after a value starts with #, not with ;") from None
        raise ValueError("is no Python literal (a missing comma, quote or bracket?)") from None
    except ValueError:
        raise ValueError("is no Python literal; text needs quotes, and names and calls are not read") from None
