"""What the values of a data set's masks mean: what the configuration says, else what some masks look like."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from maskwright.data.labels import Format, LabelRule
from maskwright.data.regions import membership, painted
from maskwright.errors import MaskwrightError


def decide_rule(section: Any, num_classes: int, masks: Iterable[np.ndarray]) -> LabelRule:
    """The rule for a data set: what the configuration says, else what its masks look like.

    Args:
        section: the configuration's [mask].
        num_classes: `model.num_classes`; 1 is one structure against background.
        masks: some masks, read only where the configuration leaves the format open.

    Raises:
        MaskwrightError: colours or levels do not fit the number of classes, or the masks leave it open.
    """
    if section.regions:
        return region_rule(section, num_classes)
    classes = max(num_classes, 2)
    common: dict[str, Any] = {
        "classes": classes,
        "threshold": section.threshold,
        "algorithm": section.algorithm,
        "smooth": section.smooth_size if section.smooth else None,
        "levels": tuple(section.levels),
        "colors": tuple(section.colors),
        "tolerance": section.tolerance,
        "ignore": section.ignore,
    }
    kind = section.format
    if kind == "auto":
        if section.colors:
            kind = "color"
        elif section.levels:
            kind = "grey"
        elif num_classes == 1 and (section.threshold or section.algorithm):
            kind = "binary"
        else:
            kind, common["levels"] = _look(masks, num_classes, section.ignore)
    for name, codes in (("color", common["colors"]), ("grey", common["levels"])):
        if kind == name and num_classes > 1 and len(codes) != num_classes:
            raise MaskwrightError(
                f"has {len(codes)} entries for {num_classes} classes",
                where=f"mask ({name} format)",
                fix="Give one for each class, background first.",
            )
    if kind == "binary" and num_classes > 1:
        raise MaskwrightError(
            f'mask.format is "binary", but model.num_classes is {num_classes}',
            where="[mask] format",
            fix='Use "index", "grey" or "color" for several classes.',
        )
    taken = {"index": range(classes), "grey": common["levels"], "color": common["colors"]}.get(kind, ())
    if section.ignore is not None and section.ignore in taken:
        raise MaskwrightError(
            f"is {section.ignore}, and that is a class", where="[mask] ignore", fix="Name a value that no class has."
        )
    return LabelRule(format=kind, **common)


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
    if section.format not in ("auto", "index", "grey") or isinstance(section.ignore, tuple):
        raise MaskwrightError(
            "are made of numbers, and masks in colour have none", where="[mask] regions", fix="Use masks of numbers."
        )
    if section.ignore in levels:
        raise MaskwrightError(
            f"is {section.ignore}, and that is a class", where="[mask] ignore", fix="Name a value that no class has."
        )
    numbered = tuple(tuple(levels.index(number) for number in region) for region in regions)
    painted(numbered)
    kind: Format = "grey" if section.levels else "index"
    return LabelRule(
        kind, len(levels), levels=tuple(section.levels), tolerance=section.tolerance, ignore=section.ignore,
        regions=numbered,
    )  # fmt: skip


def volume_rule(section: Any, num_classes: int) -> LabelRule:
    """What the numbers of label maps mean.

    Raises:
        MaskwrightError: levels or regions do not fit the number of classes.
    """
    classes = max(num_classes, 2)
    if section.regions:
        return region_rule(section, num_classes)
    if section.levels and len(section.levels) != classes:
        raise MaskwrightError(
            f"has {len(section.levels)} entries for {classes} classes",
            where="[mask] levels",
            fix="Give the label number of each class, background first.",
        )
    if section.ignore is not None and not isinstance(section.ignore, int):
        raise MaskwrightError("is a colour, and label maps hold numbers", where="[mask] ignore", fix="Name a number.")
    kind = "grey" if section.levels else "binary" if num_classes == 1 else "index"
    return LabelRule(kind, classes, levels=tuple(section.levels), ignore=section.ignore)  # type: ignore[arg-type]


def _look(masks: Iterable[np.ndarray], num_classes: int, ignore: Any) -> tuple[str, tuple[int, ...]]:
    found: set[float] = set()
    for mask in masks:
        if mask.ndim == 3 and (mask[..., :1] != mask).any():
            if num_classes > 1:
                raise MaskwrightError(
                    "masks are coloured, and nothing says which colour is which class",
                    where="[mask] colors",
                    fix="List red, green, blue of each class in mask.colors.",
                )
            return "binary", ()
        found.update(np.unique(mask).tolist())
    found.discard(ignore)
    limit = max(num_classes, 2)
    if found and all(value < limit and value == int(value) for value in found) and found != {0}:
        return "index", ()
    if num_classes == 1:
        return "binary", ()
    if len(found) == num_classes and max(found) <= 255:
        return "grey", tuple(int(value) for value in sorted(found))
    listed = ", ".join(f"{value:g}" for value in sorted(found)[:12])
    raise MaskwrightError(
        f"masks hold {len(found)} grey levels ({listed}…), but model.num_classes is {num_classes}",
        where="[mask] levels",
        fix="List the grey level of each class in mask.levels.",
    )
