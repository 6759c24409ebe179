"""What the values of masks mean, in one object and in words."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from maskwright.config import Configuration
from maskwright.data.mask_files import label_of, read_mask
from maskwright.data.model_space import scan_classes
from maskwright.data.slides import Window
from maskwright.errors import MaskwrightError
from maskwright.labels.names import names_of_all
from maskwright.labels.rule import LabelRule

_WHITE = LabelRule("grey", 2, levels=(0, 255))


@dataclass(frozen=True)
class Meaning:
    """The rule of two folders.

    Attributes:
        rule: of masks. lossy: of JPEG masks. names: of the classes (or regions), background first.
        numbers: of each class after the background in the masks. text: the rule in words.
        white: predictions are black and white, whatever white means in the truth.
    """

    rule: LabelRule
    lossy: LabelRule
    names: list[str]
    numbers: list[str]
    text: str
    white: bool = False

    def of_picture(self, path: Path, window: Window | None = None, *, predicted: bool = False) -> np.ndarray:
        """Class numbers of a picture or of a part of it, as `make_label`; errors name the file."""
        mask = read_mask(path, window)
        try:
            return label_of(mask, self._rule(predicted=predicted, lossy=mask.lossy))
        except MaskwrightError as error:
            raise MaskwrightError(error.what, where=path, fix=error.fix) from None

    def of_scan(self, array: np.ndarray, path: Path, *, predicted: bool = False) -> np.ndarray:
        """Class numbers of a label map, as `scan_classes`."""
        return scan_classes(array, self._rule(predicted=predicted, lossy=False), path)

    def _rule(self, *, predicted: bool, lossy: bool) -> LabelRule:
        if predicted and self.white:
            return LabelRule("binary", 2, tolerance=self.rule.tolerance) if lossy else _WHITE
        return self.lossy if lossy else self.rule


def meaning_of(
    config: Configuration, rule: LabelRule, lossy: LabelRule, codes: list[object], note: str = ""
) -> Meaning:
    """A rule with its names and in words.

    Args:
        codes: the number, level or colour of each class, background first; more than classes where several are merged.
        note: added to the words.

    Raises:
        MaskwrightError: `mask.classes` names another number of classes.
    """
    names = _names(config, rule, codes)
    if rule.regions:
        made = config.mask.regions.items()
        parts = [f"{name}: {' and '.join(map(str, numbers))}" for name, numbers in made]
        numbers = ["+".join(map(str, several)) for _, several in made]
    elif rule.format == "instances":
        parts, numbers = [f"every number but 0 {names[1]}"], ["1"]
    elif rule.format == "binary" and not codes:
        half = "half the range" if rule.threshold is None else f"level {rule.threshold}"
        start = f"the threshold of each mask ({rule.algorithm})" if rule.algorithm else half
        parts, numbers = [f"{names[1]} from {start} on"], ["1"]
    elif rule.classes == 2 and len(codes) != 2:
        parts, numbers = [f"{codes[0]} {names[0]}", f"{' and '.join(map(str, codes[1:]))} {names[1]}"], ["1"]
    else:
        parts = [f"{code} {name}" for code, name in zip(codes, names, strict=True)]
        numbers = [str(number) if rule.format == "color" else str(code) for number, code in enumerate(codes)][1:]
    void = f"; {rule.ignore} left out (void)" if rule.ignore is not None else ""
    return Meaning(rule, lossy, names, numbers, ", ".join(parts) + note + void)


def _names(config: Configuration, rule: LabelRule, codes: list[object]) -> list[str]:
    """Names of the classes: `mask.classes`, else by the numbers that they have in the masks.

    Raises:
        MaskwrightError: `mask.classes` has another number of them.
    """
    given = list(config.mask.classes)
    if rule.regions:
        return ["background", *config.mask.regions]
    if given and (named := names_of_all(given, rule.classes)):
        return named
    if given:
        raise MaskwrightError(
            f"has {len(given)} names, and the masks have {rule.classes} classes: {', '.join(map(str, codes))}",
            where="[mask] classes",
            fix="Name each, background first, or set model.num_classes where some are in no mask.",
        )
    if rule.classes == 2:
        return ["background", "foreground"]
    return ["background", *(f"class {code}" for code in codes[1:])]
