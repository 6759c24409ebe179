"""Where pictures lie that are slices of scans, and which scans are whole, so that they can be stacked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from maskwright.data.neighbours import place_of
from maskwright.data.pairs import Pair, shorten
from maskwright.errors import MaskwrightError


@dataclass(frozen=True)
class Place:
    """Where a picture lies.

    Attributes:
        scan: which one. number: of the slice in it.
        numbers: the first and the last number that the scan has; None where only the names say it.
        spacing: mm along slices, and along rows and columns of the picture.
        crop: whether it is a part of a slice that is there as a whole too.
    """

    scan: str
    number: int
    numbers: tuple[int, int] | None
    spacing: tuple[float, float, float]
    crop: bool = False


@dataclass(frozen=True)
class Stacks:
    """Scans of which every slice is there.

    Attributes:
        scans: the names of the pictures of each, in the order of the slices. places: of all pictures, by name.
        notes: why other pictures are not stacked.
    """

    scans: dict[str, tuple[str, ...]]
    places: Mapping[str, Place]
    notes: tuple[str, ...] = ()


def places_by_names(pairs: Sequence[Pair], spacing: Sequence[float], pattern: str) -> dict[str, Place] | None:
    """Where pictures lie by the numbers in their names; None where a name has none.

    Args:
        spacing: mm along slices, rows and columns. pattern: finds the number, in one group.
    """
    first, second, third = spacing
    found = {}
    for pair in pairs:
        try:
            series, number = place_of(pair.name, pattern)
        except MaskwrightError:  # a picture that is no slice
            return None
        found[pair.name] = Place(series, number, None, (first, second, third))
    return found


def stacks_of(pairs: Sequence[Pair], places: Mapping[str, Place]) -> Stacks:
    """The scans that can be stacked; of a patient all or none, because pooled and stacked scores do not mix.

    Args:
        places: of every pair, by its name.
    """
    scans: dict[str, list[Pair]] = {}
    for pair in pairs:
        scans.setdefault(places[pair.name].scan, []).append(pair)
    reasons: dict[str, dict[str, None]] = {}
    broken: set[str] = set()
    for members in scans.values():
        if reason := _reason(members, places):
            patients = dict.fromkeys(pair.patient for pair in members)
            reasons.setdefault(reason, {}).update(patients)
            broken.update(patients)
    whole = {
        scan: tuple(pair.name for pair in sorted(members, key=lambda pair: places[pair.name].number))
        for scan, members in scans.items()
        if members[0].patient not in broken
    }
    notes = tuple(f"{reason} of {len(names)} patients: {shorten(list(names), 3)}" for reason, names in reasons.items())
    return Stacks(whole, places, notes)


def _reason(members: Sequence[Pair], places: Mapping[str, Place]) -> str:
    """Why the pictures of a scan are not the whole of it; empty where they are."""
    here = [places[pair.name] for pair in members]
    if len({pair.patient for pair in members}) > 1:
        return "slices of one scan belong to several patients (data.patient_pattern): those"
    if any(place.crop for place in here):
        return "centre crops are among the slices"
    numbers = [place.number for place in here]
    if len(set(numbers)) < len(numbers):
        return "two slices have one number: those"
    first, last = here[0].numbers or (min(numbers), max(numbers))
    if len(numbers) < last - first + 1 or (min(numbers), max(numbers)) != (first, last):
        return "slices are missing in the scans"
    if len(numbers) == 1:
        return "there is one slice only"
    return ""
