"""The one error a user sees: what is wrong, where, and what would be right."""

from __future__ import annotations

from collections.abc import Sequence


class MaskwrightError(Exception):
    """A mistake that the user can mend; the command line prints it without a traceback and exits with 2.

    Args:
        what: what is wrong, in one sentence.
        where: the file, folder, section or key that it is about.
        fix: what would be right.
    """

    def __init__(self, what: str, *, where: object = None, fix: str | None = None) -> None:
        self.what = what
        self.where = None if where is None else str(where)
        self.fix = fix
        super().__init__(str(self))

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"{place}{self.what}" + (f"\n  {self.fix}" if self.fix else "")


def choices(name: str, options: list[str] | tuple[str, ...]) -> str:
    """'Did you mean' and the list of what is accepted, for a name that is not in `options`."""
    from difflib import get_close_matches

    near = get_close_matches(name, options, n=1, cutoff=0.6)
    hint = f"Did you mean {near[0]!r}? " if near else ""
    return f"{hint}Accepted: {', '.join(options)}."


def together(errors: Sequence[MaskwrightError], of: str) -> MaskwrightError:
    """One error, or all of them as one, so that all can be mended at once.

    Args:
        of: what they are some of: `8 scans`.
    """
    if len(errors) == 1:
        return errors[0]
    lines = "\n  ".join(f"{error.where}: {error.what}" for error in errors)
    same = errors[0].fix if len({error.fix for error in errors}) == 1 else None
    return MaskwrightError(
        f"{len(errors)} files of {of} cannot be used:\n  {lines}",
        fix=same or "Mend or remove them, each with its partner.",
    )
