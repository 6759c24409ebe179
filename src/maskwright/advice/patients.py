"""Patterns that find the patient in files' names, tried on all of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# The most telling first. A name is a patient and what is one of many of them: a slice, a view, a date.
PATTERNS = (
    r"(?i)((?:patient|pat|subject|subj|sub|case|volume|vol)[-_ ]?[0-9a-z]*\d)(?![0-9])",
    r"^([A-Za-z]{1,6}[-_ ]?\d+)[-_ ]",
    r"^(\d+)[-_ ]",
    r"^([A-Za-z]+[-_ ]?\d+)[-_ ]",
    r"^(.+?)[-_ ](?:slice|z|s|frame|f)?[-_ ]?\d+$",
)
_LEAST = 5  # groups; fewer cannot be split, and are mostly no patients


@dataclass(frozen=True)
class Candidate:
    """A pattern, how many patients it finds in how many names, and why it is not taken; empty where it could be."""

    pattern: str
    patients: int
    names: int
    against: str = ""


def candidates(parts: Mapping[str, Sequence[str]]) -> list[Candidate]:
    """Every pattern that fits all names.

    Args:
        parts: the names of the pictures of each part, without their endings.
    """
    everything = [name for names in parts.values() for name in names]
    found = []
    for pattern in PATTERNS:
        groups = {part: [group_of(pattern, name) for name in names] for part, names in parts.items()}
        if any(group is None for one in groups.values() for group in one):
            continue
        patients = {group for one in groups.values() for group in one}
        sets = [set(one) for one in groups.values()]
        shared = len(set().union(*(a & b for k, a in enumerate(sets) for b in sets[:k]))) if len(sets) > 1 else 0
        against = ""
        if len(patients) == len(everything):
            against = "each name would be a patient of its own"
        elif len(patients) < _LEAST:
            against = f"{len(patients)} are too few to be patients"
        elif shared:
            against = f"{shared} of them would be in several of the given parts"
        found.append(Candidate(pattern, len(patients), len(everything), against))
    return found


def group_of(pattern: str, name: str) -> str | None:
    """What a pattern finds in a name; None where it finds nothing."""
    match = re.search(pattern, name)
    return match[1] if match else None


def chosen(found: Sequence[Candidate]) -> Candidate | None:
    """The first that nothing speaks against."""
    return next((one for one in found if not one.against), None)
