"""What the values of two folders' masks mean: one rule for predictions and truth, or a refusal that names the way out.

Values are matched as they are, never by their rank. What the configuration says holds; else the values of both folders
together decide:

- one number beside 0, the same in both folders, or 1 in one and 255 in the other: one structure;
- several numbers: several classes, named by their numbers; what only the predictions hold is a class that no truth has;
- 0 to n - 1 and 255 beside them in one file: 255 is void. Pixels that are void in the truth are left out. A prediction
  leaves nothing out: what is void in it is of no class, so it counts as background; unless 255 is all that predictions
  of one structure hold, which then are black and white.

JPEG keeps no number exactly: such masks are one structure, from half the range on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from maskwright.config import Configuration
from maskwright.errors import MaskwrightError
from maskwright.folders.meaning import Meaning, meaning_of
from maskwright.folders.values import Values, beside, foreground
from maskwright.labels.configured import configured_rule, ignored, require_map_keys, rule_of
from maskwright.labels.regions import IGNORED
from maskwright.labels.rule import LabelRule

VOID = 255.0
_WHITE = {1.0, 255.0, 65535.0}  # how one structure is written
_NOTHING = {1.0, 255.0}  # how it would be, where no file holds any
_FEW = 12  # grey levels that are no class numbers may still be classes
_MOST = 200  # more classes than that are the levels of a grey picture


def is_configured(config: Configuration) -> bool:
    """Whether the configuration says what masks mean, so that nobody need look at their values."""
    mask = config.mask
    return bool(mask.regions or mask.colors or mask.levels or mask.threshold or mask.algorithm)


def decide_meaning(config: Configuration, values: tuple[Values, Values] | None, *, scans: bool) -> Meaning:
    """The one rule for both folders: what the configuration says, else what their values say together.

    Args:
        config: its [mask]; `model.num_classes` counts only where it was set.
        values: of predictions and of truth; None where it `is_configured`.

    Raises:
        MaskwrightError: the values do not fit each other or what is configured, or can mean two things.
    """
    section = config.mask
    count = config.model.num_classes if "num_classes" in config.model.model_fields_set else None
    if scans:
        require_map_keys(section)
    if values is None or is_configured(config):
        return _configured(config, count)
    if section.format in ("grey", "color"):
        key = "levels" if section.format == "grey" else "colors"
        raise MaskwrightError("is not set, and mask.format asks for it", where=f"[mask] {key}", fix="List the classes.")
    if section.format in ("binary", "instances"):
        if not scans:
            return _configured(config, count)
        count = count or 1
    if count is None and section.classes[:1] == ["background"]:
        count = len(section.classes)
    return _Case(config, count, *values, scans).decide()


def _configured(config: Configuration, count: int | None) -> Meaning:
    section = config.mask
    # Codes are as many classes, unless the user merges them by saying that there is one.
    codes: Sequence[object] = [*section.regions] or section.levels or section.colors
    if not codes and count not in (None, 1, 2):
        raise MaskwrightError(
            f"is {count}, and a threshold tells one structure",
            where="[model] num_classes",
            fix="List the level of each class in mask.levels, or set it to 1.",
        )
    classes = (count or len(codes)) if codes else 1
    rule = configured_rule(section, classes) or rule_of(section, classes, "binary")
    if rule.format == "index" and not rule.regions:
        codes = range(rule.classes)
    else:
        codes = rule.colors if rule.format == "color" else rule.levels
    return meaning_of(config, rule, rule, list(codes))


@dataclass(frozen=True)
class _Case:
    """Two folders whose masks the configuration says little of."""

    config: Configuration
    count: int | None
    predicted: Values
    truth: Values
    scans: bool

    def decide(self) -> Meaning:
        if self.predicted.colours or self.truth.colours:
            return self._coloured()
        void = self._void()
        found, true = (foreground(one, void) for one in (self.predicted, self.truth))
        both = found | true
        if void == VOID and self.truth.lossy:
            raise self._refused(
                "are JPEG, which keeps no number, so which pixels are 255 and count for nothing is not known",
                "Save the truth as PNG, or set mask.ignore = false.",
            )
        if void == VOID and len(true) <= 1 and (self.predicted.lossy or (not found and foreground(self.predicted))):
            return self._white(void, true)
        if any(number != int(number) for number in both):
            raise self._refused("hold fractions", "Set mask.threshold for one structure from a level on.")
        one = len(found) <= 1 and len(true) <= 1 and (found == true or not found or not true or both <= _WHITE)
        if self.predicted.lossy or self.truth.lossy:
            return self._lossy(void, both, one=one)
        if one and self.count in (None, 1, 2) and self.config.mask.format != "index":
            return self._exact(void, both or _NOTHING, 2)
        if self.count == 1:
            return self._merged(void, both)
        return self._several(void, found, true)

    def _white(self, void: int, true: set[float]) -> Meaning:
        """One structure, 255 in predictions, another number in the truth, where 255 is void."""
        if self.count not in (None, 1, 2):
            raise self._refused(
                f"hold one structure, and {self.count} classes are asked for",
                "Correct model.num_classes or mask.classes.",
            )
        self._require_bright()
        meaning = self._exact(void, true or {1.0}, 2)
        return replace(meaning, white=True, text=f"{meaning.text}; in predictions 255 {meaning.names[1]}")

    def _merged(self, void: int | None, both: set[float]) -> Meaning:
        """All numbers as one structure, because the user says that there is one."""
        if not self.scans and both != set(range(1, len(both) + 1)):
            raise self._refused(
                "hold several levels, and model.num_classes is 1",
                "Set mask.threshold: the structure is what lies from that level on.",
            )
        return self._exact(void, both, 2)

    def _several(self, void: int | None, found: set[float], true: set[float]) -> Meaning:
        both, count = found | true, self.count
        if self.config.mask.format == "index":
            count = count or int(max(both, default=1)) + 1
        if count is not None and max(both, default=0) < count:
            return self._exact(void, set(map(float, range(1, count))), count)
        if self.count is not None and len(both) + 1 != self.count:
            raise self._refused(
                f"hold {len(both) + 1} levels, and {self.count} classes are asked for",
                "Correct model.num_classes or mask.classes, or list the level of each class in mask.levels.",
            )
        self._require_common(found, true)
        numbered = both == set(range(1, len(both) + 1))
        if not self.scans and len(both) > (_MOST if numbered else _FEW):
            raise self._refused(
                f"hold {len(both) + 1} levels, too many to be told for classes",
                'Set mask.threshold for one structure from a level on, or mask.format = "index" for class numbers.',
            )
        return self._exact(void, both, len(both) + 1)

    def _require_common(self, found: set[float], true: set[float]) -> None:
        """Refuse two folders that speak of other numbers, unless the user says that each number is a class."""
        if found and true and not found & true and max(found | true) >= (self.count or 0):
            or_threshold = "" if self.scans else "mask.threshold (one structure from that level on in both), or "
            raise self._refused(
                "have no number in common but the background",
                f"Save both with the same numbers. Or set {or_threshold}mask.levels or model.num_classes where each "
                "number is a class by itself.",
            )

    def _exact(self, void: int | None, both: set[float], classes: int) -> Meaning:
        """Each number as it is, 0 the background; any other is refused when it is met."""
        codes = [0, *sorted(map(int, both))]
        if classes > IGNORED:
            raise self._refused(f"hold {classes} classes", f"At most {IGNORED} are scored; list some in mask.levels.")
        if codes == list(range(classes)):
            rule = LabelRule("index", classes, ignore=void)
        else:
            rule = LabelRule("grey", classes, levels=tuple(codes), ignore=void)
        return meaning_of(self.config, rule, rule, list(codes))

    def _void(self) -> int | None:
        """The number that counts for nothing: what is configured, else 255 beside class numbers 0 to n - 1.

        Raises:
            MaskwrightError: 255 can be a class as well.
        """
        ignore = self.config.mask.ignore
        if ignore is False:
            return None
        if ignore is not None:
            if not isinstance(ignore, int):
                raise self._refused("hold numbers, and mask.ignore is a colour", "Name a number in mask.ignore.")
            return ignore
        found, true = foreground(self.predicted), foreground(self.truth)
        both, others = found | true, (found | true) - {VOID}
        if not both <= _WHITE:
            self._require_common(found, true)
        one = len(found) <= 1 and len(true) <= 1 and both <= _WHITE
        if VOID not in both or not others or one:
            return None
        ask = "If 255 counts for nothing set mask.ignore = 255; if it is a class list all in mask.levels."
        if others != set(range(1, len(others) + 1)) or len(others) > _MOST:
            if self.count == len(both) + 1 or (found == true and len(both) <= _FEW):
                return None  # as many as the user says; or predictions hold it too, and a void is nothing to predict
            if len(both) > _FEW:
                ask += " For one structure in grey pictures set mask.threshold."
            raise self._refused("hold 255 among other levels, which can be a class or void", ask)
        if self.count == len(both) + 1:
            raise self._refused(f"hold 255, which can be void or one of {self.count} classes", ask)
        files = self.truth.files if VOID in true else self.predicted.files
        alone = beside(self.predicted.files, VOID, others)[1]
        if not beside(files, VOID, others)[0] or alone:
            raise self._refused("hold 255 in some files in place of class numbers: void, or a structure", ask)
        return int(VOID)

    def _lossy(self, void: int | None, both: set[float], *, one: bool) -> Meaning:
        if self.count not in (None, 1, 2) or not one:
            raise self._refused(
                "hold several classes, and JPEG does not keep their numbers",
                "Save masks as PNG, or list the grey level of each class in mask.levels.",
            )
        self._require_bright()
        exact = self._exact(void, both or _NOTHING, 2)
        lossy = LabelRule("binary", 2, ignore=void, tolerance=self.config.mask.tolerance)
        if not self.predicted.files and not self.truth.files:
            return meaning_of(self.config, lossy, lossy, [])
        return meaning_of(self.config, exact.rule, lossy, [0, *sorted(map(int, both or _NOTHING))],
                        "; in JPEG files from half the range on")  # fmt: skip

    def _require_bright(self) -> None:
        dark = [values for values in (self.predicted, self.truth) if values.lossy and 0 < values.brightest < 128]
        if dark:
            raise self._refused(
                f"are JPEG, and the brightest level in {dark[0].folder} is {dark[0].brightest:g}",
                "Set mask.threshold: the structure is what lies from that level on.",
            )

    def _coloured(self) -> Meaning:
        """One structure of one colour a folder; several colours must be named."""
        codes: set[tuple[int, int, int]] = set()
        ignore = ignored(self.config.mask)
        void = (ignore,) * 3 if isinstance(ignore, int) else ignore
        for values in (self.predicted, self.truth):
            greys = {(int(level),) * 3 for level in foreground(values)}
            own = {*greys, *values.colours} - {void}
            if len(own) > 1 or any(max(colour) < 128 for colour in own - {(1, 1, 1)}) or self.count not in (None, 1, 2):
                raise self._refused(
                    "are coloured, and nothing says which colour is which class",
                    "List red, green, blue of each class in mask.colors, background first.",
                )
            codes |= own
        lossy = LabelRule("binary", 2, ignore=ignore, tolerance=self.config.mask.tolerance)
        every = [(0, 0, 0), *sorted(codes)]
        rule = replace(lossy, format="color", colors=tuple(every))
        return meaning_of(self.config, rule, lossy, list(every))

    def _refused(self, what: str, fix: str) -> MaskwrightError:
        return MaskwrightError(
            f"{what}: predictions {self.predicted.listed() or 'nothing'}; truth {self.truth.listed() or 'nothing'}",
            where=f"the masks of {self.predicted.folder} and {self.truth.folder}",
            fix=f"{fix} (`--set SECTION.KEY=VALUE`)",
        )
