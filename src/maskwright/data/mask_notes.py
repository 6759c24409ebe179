"""What a user should know of masks whose rule is decided: absent classes, empty parts, masks the other way round."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from maskwright.data.mask_values import MaskValues, Seen
from maskwright.data.pairs import shorten
from maskwright.labels.rule import LabelRule

_PARTS = {"train": "of the training part", "valid": "of the validation part", "test": "of the test part"}


def notes_on(rule: LabelRule, names: list[str], seen: Seen) -> Iterator[str]:
    """Sentences on what is unusual in masks.

    Args:
        rule: what they mean. names: of the classes (or regions), background first. seen: their values.
    """
    if rule.smoothed:
        yield "masks hold levels between those of the classes, on outlines only: each pixel goes to the nearer class"
    yield from _absent(rule, names, seen)
    yield from _inverted(rule, seen)


def _absent(rule: LabelRule, names: list[str], seen: Seen) -> Iterator[str]:
    if rule.regions or seen.lossy:
        return  # told by the labels, once they are made
    totals, nowhere = _totals(rule, seen), absent_classes(rule, seen)
    if nowhere:
        named = ", ".join(repr(names[number]) for number in sorted(nowhere))
        yield f"{named} {'is' if len(nowhere) == 1 else 'are'} in no mask"
    for part, found in totals.items():
        missing = [names[number] for number in range(rule.classes) if not found.get(number) and number not in nowhere]
        if missing and len(totals) > 1:
            yield f"no mask {_PARTS.get(part, part)} holds {', '.join(map(repr, missing))}"


def absent_classes(rule: LabelRule, seen: Seen) -> frozenset[int]:
    """Numbers of the classes that no mask has; none where that cannot be told from the values."""
    if rule.regions or seen.lossy:
        return frozenset()
    totals = _totals(rule, seen).values()
    return frozenset(number for number in range(rule.classes) if not any(found.get(number) for found in totals))


def _totals(rule: LabelRule, seen: Seen) -> dict[str, dict[int, int]]:
    return {
        part: _classes([file.numbers for file in files], [file.colours for file in files], rule)
        for part, files in seen.parts.items()
    }


def _classes(
    numbers: list[Mapping[float, int]], colours: list[Mapping[tuple[int, int, int], int]], rule: LabelRule
) -> dict[int, int]:
    """Pixels of each class, by the values of some masks."""
    found: dict[int, int] = {}
    for values in (*numbers, *(colours if rule.format == "color" else ())):
        for value, count in values.items():
            number = _class_of(value, rule)
            if number is not None:
                found[number] = found.get(number, 0) + count
    return found


def _class_of(value: float | tuple[int, int, int], rule: LabelRule) -> int | None:
    if value == rule.ignore:
        return None
    if rule.format == "instances":
        return int(value != 0)
    if rule.format == "binary":
        if rule.threshold is None or rule.algorithm or isinstance(value, tuple):
            return int(value != 0)
        return int(value >= rule.threshold)
    if rule.format == "index":
        return int(value) if isinstance(value, float) and 0 <= value < rule.classes else None
    codes = [*rule.colors] if rule.format == "color" else [*rule.levels]
    code = (int(value),) * 3 if rule.format == "color" and isinstance(value, float) else value
    return min(codes.index(code), rule.classes - 1) if code in codes else None  # type: ignore[arg-type]


def _inverted(rule: LabelRule, seen: Seen) -> Iterator[str]:
    """Masks of one structure that surrounds the picture where the others have background there."""
    if rule.classes != 2:
        return

    def share(file: MaskValues, values: Mapping[float, int]) -> float:
        found = _classes([values], [], rule)
        return found.get(1, 0) / max(sum(found.values()), 1)

    files = [file for file in seen.exact if file.border]
    around = [file for file in files if share(file, file.border) > 0.9 and 0.5 < share(file, file.numbers) < 0.999]
    without = [file for file in files if share(file, file.border) < 0.1]
    fewer = min(around, without, key=len)
    if fewer:
        names = shorten([file.path.name for file in fewer], 3)
        sides = ("foreground", "background") if fewer is around else ("background", "foreground")
        yield (
            f"{len(fewer)} masks look inverted against the rest: {names} (all around they hold {sides[0]}, and the "
            f"others hold {sides[1]})"
        )
