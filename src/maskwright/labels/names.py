"""Whether the names that somebody gives fit the classes that there are."""

from __future__ import annotations

from collections.abc import Sequence

_BACKGROUND = "background"


def names_of_all(given: Sequence[str], classes: int) -> list[str] | None:
    """A name for each class, background first; None where those given are of another number.

    Args:
        given: all of them, or all but the background's. classes: how many there are, background counted.
    """
    if len(given) == classes:
        return list(given)
    if len(given) == classes - 1 and given[0].lower() != _BACKGROUND:
        return [_BACKGROUND, *given]
    return None
