"""What the values of a data set's masks mean, where the configuration says it."""

from __future__ import annotations

from typing import Any

import numpy as np

from maskwright.errors import MaskwrightError
from maskwright.labels.regions import membership, painted
from maskwright.labels.rule import Format, LabelRule


def configured_rule(section: Any, num_classes: int) -> LabelRule | None:
    """The rule that the configuration gives; None where it leaves the format to the masks.

    Args:
        section: the configuration's [mask].
        num_classes: `model.num_classes`; 1 is one structure against background.

    Raises:
        MaskwrightError: colours or levels do not fit the number of classes.
    """
    if section.regions:
        return region_rule(section, num_classes)
    kind = section.format
    if kind == "auto":
        if section.colors:
            kind = "color"
        elif section.levels:
            kind = "grey"
        elif num_classes == 1 and (section.threshold or section.algorithm):
            kind = "binary"
        else:
            return None
    return rule_of(section, num_classes, kind)


def rule_of(section: Any, num_classes: int, kind: Format, **decided: Any) -> LabelRule:
    """The rule of a format, with what was decided beside the configuration.

    Raises:
        MaskwrightError: as `configured_rule`.
    """
    classes = max(num_classes, 2)
    values: dict[str, Any] = {
        "classes": classes,
        "threshold": section.threshold,
        "algorithm": section.algorithm,
        "smooth": section.smooth_size if section.smooth else None,
        "levels": tuple(section.levels),
        "colors": tuple(section.colors),
        "tolerance": section.tolerance,
        "ignore": ignored(section),
    } | decided
    for name, codes in (("color", values["colors"]), ("grey", values["levels"])):
        if kind == name and num_classes > 1 and len(codes) != num_classes:
            raise MaskwrightError(
                f"has {len(codes)} entries for {num_classes} classes",
                where=f"mask ({name} format)",
                fix="Give one for each class, background first.",
            )
    if kind in ("binary", "instances") and num_classes > 1:
        raise MaskwrightError(
            f'mask.format is "{kind}", but model.num_classes is {num_classes}',
            where="[mask] format",
            fix='Use "index", "grey" or "color" for several classes.',
        )
    taken = {"index": range(classes), "grey": values["levels"], "color": values["colors"]}.get(kind, ())
    if values["ignore"] is not None and values["ignore"] in taken:
        raise MaskwrightError(
            f"is {values['ignore']}, and that is a class", where="[mask] ignore", fix="Name a value that no class has."
        )
    return LabelRule(format=kind, **values)


def ignored(section: Any) -> int | tuple[int, int, int] | None:
    """The value that the configuration leaves out; None where it names none, or says that there is none."""
    return None if section.ignore is False else section.ignore


def region_table(section: Any, num_classes: int) -> np.ndarray | None:
    """What each class number is in each region, for losses and metrics; None where [mask] has no regions."""
    return membership(region_rule(section, num_classes).regions) if section.regions else None


def region_rule(section: Any, num_classes: int) -> LabelRule:
    """The rule of masks whose numbers (or `levels`) make up regions.

    Raises:
        MaskwrightError: the network has not as many outputs as there are regions, or they cannot be told apart.
    """
    regions = list(section.regions.values())
    if num_classes != len(regions):
        raise MaskwrightError(
            f"is {num_classes}, and [mask] regions has {len(regions)}",
            where="[model] num_classes",
            fix=f"Set it to {len(regions)}, one output for each region.",
        )
    highest = max(number for region in regions for number in region)
    levels = list(section.levels) or list(range(highest + 1))
    strange = sorted({number for region in regions for number in region if number not in levels[1:]})
    if strange:
        raise MaskwrightError(
            f"{strange[0]} in it is no level of a class", where="[mask] regions", fix=f"Levels are {levels[1:]}."
        )
    if section.format not in ("auto", "index", "grey") or isinstance(ignored(section), tuple):
        raise MaskwrightError(
            "are made of numbers, and masks in colour have none", where="[mask] regions", fix="Use masks of numbers."
        )
    if ignored(section) is not None and section.ignore in levels:
        raise MaskwrightError(
            f"is {section.ignore}, and that is a class", where="[mask] ignore", fix="Name a value that no class has."
        )
    numbered = tuple(tuple(levels.index(number) for number in region) for region in regions)
    painted(numbered)
    kind: Format = "grey" if section.levels else "index"
    return LabelRule(
        kind, len(levels), levels=tuple(section.levels), tolerance=section.tolerance, ignore=ignored(section),
        regions=numbered,
    )  # fmt: skip


def require_map_keys(section: Any) -> None:
    """Refuse what [mask] says of pictures only, where masks are label maps.

    Raises:
        MaskwrightError: colours, a threshold of each mask, or smoothed outlines.
    """
    for key in ("colors", "algorithm", "smooth"):
        if getattr(section, key):
            raise MaskwrightError(
                "is for pictures, and label maps hold numbers", where=f"[mask] {key}", fix="Leave it out."
            )
    if section.format == "color" or isinstance(ignored(section), tuple):
        key = "format" if section.format == "color" else "ignore"
        raise MaskwrightError("is a colour, and label maps hold numbers", where=f"[mask] {key}", fix="Name numbers.")
