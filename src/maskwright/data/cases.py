"""Which files belong to a case: by patterns, one for each channel."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from maskwright.errors import MaskwrightError

Cases = dict[str, list[Path]]


@dataclass(frozen=True)
class CaseFiles:
    """A picture or scan by its name, and the files of its channels: mostly one."""

    name: str
    paths: tuple[Path, ...]


def find_cases(folder: Path, patterns: Sequence[str]) -> Cases:
    """The files of each case, in the order of the patterns.

    A case is a folder in `folder`, or what `*` stands for in names of the first pattern; where it has no `*`, `folder`
    itself is the case.

    Args:
        patterns: names with `*`, as `*_t1.nii.gz`.

    Raises:
        MaskwrightError: a pattern matches no file of a case, or several (all such are listed); or there is no case.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise MaskwrightError("there is no such folder", where=folder, fix="Name the folder of the cases.")
    entries = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    own = {pattern: [path for path in entries if fnmatch(path.name, pattern)] for pattern in patterns}
    if any(own.values()):
        groups = _by_name(folder, own)
    else:
        groups = {
            path.name: {
                pattern: sorted(one for one in path.iterdir() if fnmatch(one.name, pattern)) for pattern in patterns
            }
            for path in entries
            if path.is_dir()
        }
        groups = {name: found for name, found in groups.items() if any(found.values())}
    if not groups:
        raise MaskwrightError(
            f"holds no file that is named like {patterns[0]}, nor does a folder in it",
            where=folder,
            fix="Correct data.channel_patterns or data.mask_pattern.",
        )
    wrong = [
        f"{name}: {pattern} matches {', '.join(path.name for path in found) or 'no file'}"
        for name, files in groups.items()
        for pattern, found in files.items()
        if len(found) != 1
    ]
    if wrong:
        more = f"\n  and {len(wrong) - 8} more" if len(wrong) > 8 else ""
        raise MaskwrightError(
            "each pattern must match one file of each case:\n  " + "\n  ".join(wrong[:8]) + more,
            where=folder,
            fix="Add or move files, or make data.channel_patterns and data.mask_pattern narrower.",
        )
    return {name: [files[pattern][0] for pattern in patterns] for name, files in groups.items()}


def _by_name(folder: Path, own: dict[str, list[Path]]) -> dict[str, dict[str, list[Path]]]:
    """Files of one folder by what the first `*` of each pattern stands for."""
    found: dict[str, dict[str, list[Path]]] = {}
    for pattern, paths in own.items():
        head, star, tail = pattern.partition("*")
        expression = re.compile(re.escape(head) + "(.+?)" + re.escape(tail).replace(r"\*", ".*").replace(r"\?", "."))
        for path in paths:
            match = expression.fullmatch(path.name) if star else None
            name = match[1] if match else folder.absolute().name
            found.setdefault(name, {one: [] for one in own})[pattern].append(path)
    return found
