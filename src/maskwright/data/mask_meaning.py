"""What masks mean, decided by the values of all of them: one rule with its reason, or a refusal with the ways out.

Numbers are never taken by their rank. What is sure:

- 0 to n - 1 are class numbers, and 255 beside them (65535 in 16 bits) is void;
- one number beside 0 is one structure;
- levels that lie on outlines only are smoothed ones, and half the range tells them apart;
- more than a dozen numbers that fill areas are numbered objects, and whatever is not 0 is the structure.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from maskwright.data.mask_notes import absent_classes, notes_on
from maskwright.data.mask_values import Seen
from maskwright.data.pairs import shorten
from maskwright.errors import MaskwrightError
from maskwright.labels.configured import configured_rule, ignored, rule_of
from maskwright.labels.rule import LabelRule

_WHITE = {1.0, 255.0, 65535.0}  # how one structure is written
_VOID = (255.0, 65535.0)
_FEW = 12  # more numbers than that are no classes that somebody forgot to count
_ON_RIMS = 0.6  # of the pixels of levels that smoothing made, at least so many lie between darker and brighter ones
_IN_AREAS = 0.5  # of the numbers of objects, at least so many fill an area somewhere
_MIDDLE = 0.1  # of what is not dark in JPEG masks of one structure, less lies in areas of middle levels


@dataclass(frozen=True)
class Decision:
    """What masks mean.

    Attributes:
        rule: the rule. why: how it was decided, in words. notes: what a user should know of these masks.
        nowhere: numbers of classes that no mask has, where masks hold class numbers.
    """

    rule: LabelRule
    why: str
    notes: tuple[str, ...] = ()
    nowhere: frozenset[int] = frozenset()


def decide(section: Any, num_classes: int, names: list[str], seen: Seen) -> Decision:
    """The rule for masks: what the configuration says, else what the values of all masks say.

    Args:
        section: the configuration's [mask]. num_classes: `model.num_classes`; 1 is one structure against background.
        names: of the classes, background first. seen: the values of all masks.

    Raises:
        MaskwrightError: the masks can mean several things, or what the configuration does not say.
    """
    rule = configured_rule(section, num_classes)
    if rule is None:
        rule, why = _Masks(section, num_classes, seen).decide()
    else:
        rule, why = _completed(section, rule, seen)
    nowhere = absent_classes(rule, seen)
    if rule.classes == 2 and nowhere:
        side = "foreground" if 0 in nowhere else "background"
        raise MaskwrightError(
            f"every mask is {side} everywhere ({meaning(rule)}): {seen.shares()}",
            where="[mask]",
            fix="Check that these are the masks, and mask.format, mask.threshold, mask.levels or mask.colors.",
        )
    # A class number may be missing by chance; a level or colour that somebody wrote down and no mask has is a mistake.
    missing = nowhere if rule.format == "index" else frozenset[int]()
    return Decision(rule, why + meaning(rule), tuple(notes_on(rule, names, seen)), missing)


def meaning(rule: LabelRule) -> str:
    """A rule in words."""
    hidden = f"; {rule.ignore} is left out (void)" if rule.ignore is not None else ""
    if rule.format == "binary":
        if rule.algorithm:
            return f"foreground is what lies over the threshold of each mask ({rule.algorithm}){hidden}"
        start = "half the range" if rule.threshold is None else f"level {rule.threshold:g}"
        return f"foreground from {start} on{hidden}"
    if rule.format == "index":
        return f"numbers are class numbers{hidden}"
    if rule.format == "instances":
        return f"numbers are objects, and whatever is not 0 is the structure{hidden}"
    codes = rule.colors if rule.format == "color" else rule.levels
    near = ", each pixel of an outline to the nearer" if rule.smoothed else ""
    return f"the classes are {shorten(codes, _FEW)}{near}{hidden}"


def _completed(section: Any, rule: LabelRule, seen: Seen) -> tuple[LabelRule, str]:
    """A configured rule, with what only the masks can say: void beside class numbers, and smoothed outlines."""
    keys = ("regions", "colors", "levels", "threshold", "algorithm")
    key = next((name for name in keys if getattr(section, name)), None)
    why = f"mask.{key} is set: " if key else f'mask.format is "{section.format}": '
    numbers = {*seen.numbers()}
    if rule.format == "index" and not rule.regions and section.ignore is None:
        void = _void_beside(numbers, rule.classes)
        rule = replace(rule, ignore=void)
    if rule.format in ("grey", "color") and _smoothed_codes(rule, seen):
        rule = replace(rule, smoothed=True)
    return rule, why


def _smoothed_codes(rule: LabelRule, seen: Seen) -> bool:
    """Whether levels that no class has lie on outlines only."""
    codes: set[object] = {float(level) for level in rule.levels} | {*rule.colors}
    codes |= {float(rule.ignore) if isinstance(rule.ignore, int) else rule.ignore}
    if rule.format == "color":
        codes |= {float(red) for red, green, blue in rule.colors if red == green == blue}
        strange = {colour for colour in seen.colours() if colour not in codes}
        strange_numbers = {number for number in seen.numbers() if number not in codes}
        if not strange and not strange_numbers:
            return False
        counts = sum(seen.colours()[c] for c in strange) + sum(seen.numbers()[n] for n in strange_numbers)
        return sum(file.between for file in seen.exact) >= _ON_RIMS * counts
    strange_numbers = {number for number in seen.numbers() if number not in codes}
    in_areas = {number for file in seen.exact for number in file.areas if number in strange_numbers}
    return bool(strange_numbers) and not in_areas


def _void_beside(numbers: set[float], classes: int) -> int | None:
    """255 (or 65535) beside class numbers, and nothing else."""
    known = {*map(float, range(classes))}
    return next((int(void) for void in _VOID if numbers & known and numbers - known == {void}), None)


class _Masks:
    """Masks of which the configuration says no format."""

    def __init__(self, section: Any, num_classes: int, seen: Seen) -> None:
        self.section, self.count, self.seen = section, num_classes, seen
        self.void = ignored(section)
        self.levels = seen.numbers()
        if isinstance(self.void, int):
            self.levels.pop(float(self.void), None)
        self.numbers = {*self.levels} - {0.0}
        self.why = f"masks hold {seen.shares()}: "

    def decide(self) -> tuple[LabelRule, str]:
        """The rule and its reason."""
        self._require_known_colours()
        if self.seen.colours():
            return self._coloured(), self.why
        if self.seen.lossy:
            self._require_readable_jpeg()
        elif not self.numbers:
            raise self._refused("hold nothing but 0", "Check that these are the masks, and mask.ignore.")
        if self.count == 1 and not self.seen.exact:
            return self._rule("binary"), self.why
        return (self._one() if self.count == 1 else self._several()), self.why

    def _one(self) -> LabelRule:
        """One structure against background."""
        self._require_background()
        numbers = self.numbers
        if numbers <= _WHITE:
            if len(numbers) <= 1 or numbers == {255.0, 65535.0}:
                return self._white(numbers)
            return self._class_numbers(2)
        if self.seen.lossy:
            raise self._refused(
                "are JPEG and other files, and these hold more than white",
                "Save all in one format. Or set mask.threshold: the structure is what lies from that level on.",
            )
        if len(numbers) == 1:
            (level,) = numbers
            if level == int(level):
                return self._rule("grey", levels=(0, int(level)))
        on_rims = self._share_on_rims()
        if len(numbers) > 3 and on_rims >= _ON_RIMS:
            top = max(numbers)
            return self._rule("binary") if top in (1.0, 255.0, 65535.0) else self._rule("binary", threshold=top / 2)
        areas = {number for file in self.seen.exact for number in file.areas} & numbers
        if len(numbers) > _FEW and len(areas) >= _IN_AREAS * len(numbers) and on_rims < 1 - _ON_RIMS:
            return self._rule("instances")
        raise self._ambiguous()

    def _white(self, numbers: set[float]) -> LabelRule:
        """0 and one kind of white."""
        if numbers == {1.0}:
            if self.seen.lossy:
                raise self._differ(1.0)
            return self._rule("index")
        return self._rule("binary")

    def _several(self) -> LabelRule:
        """Several classes by their numbers."""
        if self.seen.lossy:
            raise self._refused(
                "are JPEG, which does not keep class numbers",
                "Save them as PNG, or list the grey level of each class in mask.levels.",
            )
        if self.count == 2 and len(self.numbers) == 1 and self.numbers <= _WHITE - {1.0}:
            self._require_background()
            return self._rule("grey", levels=(0, int(max(self.numbers))))
        if 0.0 not in self.levels and max(self.numbers) == self.count:
            raise self._refused(
                f"start at {min(self.numbers):g} and none holds 0, so which number is the background is open",
                f"List the number of each class, background first: mask.levels = {self._background_first()} where "
                f"{self._background_first()[0]} is the background, or set model.num_classes = {self.count + 1} where "
                "there is none in any mask.",
            )
        return self._class_numbers(self.count)

    def _class_numbers(self, classes: int) -> LabelRule:
        """0 to n - 1, and 255 as void."""
        known = {*map(float, range(classes))}
        if self.numbers <= known:
            return self._rule("index")
        void = _void_beside({*self.levels}, classes) if self.section.ignore is None else None
        if void is None or not self.numbers & known:
            raise self._ambiguous()
        beside = [bool({*file.numbers} & (known - {0.0})) for file in self.seen.exact if void in file.numbers]
        if not any(beside):
            raise self._differ(float(void))
        self.why += f"{void} lies beside class numbers 0 to {classes - 1} (mask.ignore = false if it is a class): "
        return self._rule("index", ignore=void)

    def _differ(self, number: float) -> MaskwrightError:
        files = [file.path for file in self.seen.exact if number in file.numbers]
        return self._refused(
            f"differ: {len(files)} hold {number:g} and others hold another number in its place "
            f"({shorten([path.name for path in files], 3)})",
            "Save all with the same numbers. Where every number but 0 means the same structure, set "
            f'mask.format = "instances"; where {number:g} counts for nothing, set mask.ignore = {number:g}.',
        )

    def _coloured(self) -> LabelRule:
        colours = {*self.seen.colours()}
        if self.count == 1 and not self.seen.lossy:
            black = {0.0} if 0.0 in self.levels else set()
            if len(colours) == 1 and {*self.levels} == black:
                return self._rule("color", colors=((0, 0, 0), *colours))
            if len(colours) > 3 and self._share_on_rims() >= _ON_RIMS:
                return self._rule("binary")
        raise self._refused(
            "are coloured, and nothing says which colour is which class",
            "List red, green, blue of each class in mask.colors, background first"
            + ("; with model.num_classes = 1 several colours are one structure." if self.count == 1 else "."),
            where="[mask] colors",
        )

    def _require_known_colours(self) -> None:
        """Refuse palettes in which black is another number than 0."""
        for file in self.seen.exact:
            if file.palette and (0, 0, 0) in file.colours and file.numbers.get(0.0, 0) != file.colours[0, 0, 0]:
                raise self._refused(
                    f"have palettes in which black is not number 0 ({file.path.name})",
                    "List red, green, blue of each class in mask.colors, background first.",
                    where="[mask] colors",
                )

    def _require_background(self) -> None:
        if 0.0 in self.levels or self.seen.lossy:
            return
        first, *others = self._background_first()
        raise self._refused(
            "hold no 0, so which number is the background is open",
            f"Set mask.levels = {[first, *others]} where {first} is the background"
            + (" and all others are the structure." if others else ", and add the number of the structure."),
        )

    def _background_first(self) -> list[int]:
        """All numbers, the most frequent before the others."""
        frequent = max(self.levels, key=lambda number: self.levels[number])
        return [int(frequent), *sorted(int(number) for number in self.levels if number != frequent)]

    def _require_readable_jpeg(self) -> None:
        brightest = max(file.brightest for file in self.seen.lossy)
        if self.count == 1 and 0 < brightest < 128:
            raise self._refused(
                f"are JPEG, and their brightest level is {brightest:g}",
                "Set mask.threshold: the structure is what lies from that level on.",
            )
        middle, bright = (sum(getattr(file, name) for file in self.seen.lossy) for name in ("middle", "bright"))
        if self.count == 1 and middle > _MIDDLE * (middle + bright):
            raise self._refused(
                f"are JPEG, and {middle} of their pixels lie in areas between black and white ({bright} are bright)",
                "Set mask.threshold for one structure from a level on, or model.num_classes and mask.levels (or "
                "mask.colors) for several.",
            )

    def _share_on_rims(self) -> float:
        """How much of the levels between the least and the largest lies on rims."""
        count = sum(self.seen.colours().values()) if self.seen.colours() else 0
        count += sum(pixels for number, pixels in self.levels.items() if 0 < number < max(self.numbers, default=0))
        return sum(file.between for file in self.seen.exact) / max(count, 1)

    def _ambiguous(self) -> MaskwrightError:
        integers = all(number == int(number) for number in self.levels)
        listed = [int(number) for number in sorted({0.0, *self.numbers})] if integers else []
        ways = []
        last = listed[-1] if listed else 0
        if listed and len(listed) <= _FEW:
            if last in _VOID:
                ways.append(f"mask.ignore = {last} where {last} counts for nothing")
            ways.append(f"mask.levels = {listed} and model.num_classes = {len(listed)} where each number is a class")
        if self.count == 1:
            ways.append("mask.threshold where the structure is what lies from a level on")
            if integers:
                ways.append('mask.format = "instances" where numbers are objects')
        elif not listed or len(listed) > _FEW:
            ways.append("mask.levels, the number of each class, background first")
        classes = "one structure is looked for" if self.count == 1 else f"model.num_classes is {self.count}"
        return self._refused(
            f"hold {len(self.numbers) + (0.0 in self.levels)} levels, and {classes}", f"Set {'; or '.join(ways)}."
        )

    def _rule(self, kind: Any, **decided: Any) -> LabelRule:
        return rule_of(self.section, self.count, kind, **decided)

    def _refused(self, what: str, fix: str, where: str = "[mask]") -> MaskwrightError:
        return MaskwrightError(f"the masks {what}: {self.seen.shares() or 'nothing'}", where=where, fix=fix)
