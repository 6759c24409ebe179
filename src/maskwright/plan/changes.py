"""Whether the files of a plan are still there and the same, and which have come since."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from maskwright.config import Configuration
from maskwright.data.pairs import shorten
from maskwright.data.records import file_hash
from maskwright.errors import MaskwrightError
from maskwright.plan.plan import Entry, Plan
from maskwright.plan.split import split
from maskwright.progress import Reporter

_THREADS = 4


@dataclass(frozen=True)
class Changes:
    """Names of pairs that are in the folders and not in the plan, in the plan and gone, or of other content."""

    came: list[str]
    went: list[str]
    changed: list[str]


def changes(plan: Plan, config: Configuration) -> Changes:
    """What differs between a plan and the files as they are now; every file is read."""
    try:
        splits, _ = split(config)
        names = {pair.image: pair.name for pairs in splits.values() for pair in pairs}
    except MaskwrightError:  # the folders are no longer complete: what went says which
        names = {}
    known = {entry.pair.image for entry in plan.entries}
    went, changed = look(plan.entries)
    return Changes(sorted(names[path] for path in set(names) - known), went, changed)


def look(entries: Sequence[Entry]) -> tuple[list[str], list[str]]:
    """Names of the entries whose files are gone, and of those whose files have another content."""

    def one(entry: Entry) -> str | None:
        files = [*zip(entry.pair.images, entry.hashes, strict=True), (entry.pair.mask, entry.mask_hash)]
        try:
            same = all(file_hash(path, window=entry.pair.window) == content for path, content in files)
            return None if same else "changed"
        except OSError:
            return "went"

    with ThreadPoolExecutor(_THREADS) as pool:
        found = list(zip(entries, pool.map(one, entries), strict=True))
    went = {entry.pair.name for entry, state in found if state == "went"}
    return sorted(went), sorted({entry.pair.name for entry, state in found if state == "changed"})


def require_same(plan: Plan, config: Configuration, where: object, reporter: Reporter) -> None:
    """Refuse to go on with a plan whose files are not what they were; name those that came, which stay out.

    Raises:
        MaskwrightError: files of the plan are gone or changed; all are counted, some are named.
    """
    found = changes(plan, config)
    if found.came:
        reporter.warn(
            f"{len(found.came)} pairs came after the plan was made, and stay out of it: {shorten(found.came)}; a new "
            "training, without --resume and into another folder, takes them in"
        )
    wrong = [
        f"{len(names)} pairs {what}: {shorten(names)}"
        for names, what in ((found.went, "are gone"), (found.changed, "have another content"))
        if names
    ]
    if wrong:
        raise MaskwrightError(
            f"was made of other files; {'; '.join(wrong)}",
            where=f"the plan of {where}",
            fix="Put the same files back, or train anew without --resume into another folder.",
        )
