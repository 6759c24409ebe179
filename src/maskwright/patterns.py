"""Regular expressions that a user wrote, on names of files: found in time, or named."""

from __future__ import annotations

from typing import Any

import regex

from maskwright.errors import MaskwrightError

_LONGEST = 1000  # letters
_SECONDS = 0.5  # a name takes microseconds; what takes this long tries more ways than will ever end


def groups(pattern: str) -> int | None:
    """How many groups a regular expression has; None where it is none, or longer than any that is meant."""
    if len(pattern) > _LONGEST:
        return None
    try:
        return int(regex.compile(pattern).groups)
    except (regex.error, RecursionError, MemoryError, OverflowError):
        return None


def find(pattern: str, name: str, where: str) -> Any | None:
    """The first match of a pattern in a name, or None.

    Args:
        where: the key that the pattern was read from, for messages.

    Raises:
        MaskwrightError: matching does not come to an end, as that of repetitions in repetitions.
    """
    try:
        return regex.search(pattern, name, timeout=_SECONDS)
    except (regex.error, RecursionError, MemoryError) as error:
        raise MaskwrightError(
            f"{pattern[:200]!r} is no regular expression",
            where=where,
            fix=r"For example (\d+)$ for a number at the end.",
        ) from error
    except TimeoutError:
        raise MaskwrightError(
            f"{pattern!r} does not come to an end on {name!r}",
            where=where,
            fix="Write it without a repetition in a repetition, as (a+)+; a+ finds the same.",
        ) from None
