"""The plan of a data set: its cases, who is in which part and fold, and what masks and levels mean.

A plan is made once (`make.py`), written as `plan.json` (`files.py`) and never derived again: what trains, resumes,
scores, tunes, compares, reports or exports takes pairs, rules and patients from here.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from maskwright.data.pairs import Pair
from maskwright.data.records import Record
from maskwright.errors import MaskwrightError
from maskwright.labels.rule import LabelRule
from maskwright.plan.choices import Choice

PARTS = ("train", "valid", "test")


@dataclass(frozen=True)
class Entry:
    """A pair of files in its part.

    Attributes:
        hashes: of the bytes of each image file. mask_hash: of the mask's.
        fold: of a cross-validation; None for the test part.
        record: what was found in the files; None where they were not opened (the test part).
    """

    pair: Pair
    part: str
    hashes: tuple[str, ...]
    mask_hash: str
    fold: int | None = None
    record: Record | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Plan:
    """Everything that was decided about the data of a training.

    Attributes:
        kind: `pictures` or `volumes`.
        source: the keys of the configuration that it was made from. seed: of the split.
        by_patient: patients are told by a pattern; else each name counts as one.
        folds: how many there are, 0 for none. fold: the one that is validated on, where this is a member's plan.
        label_rule: what masks mean; why: how that was decided, in words. class_names: background first.
        dtype, low, high: of the pictures' levels, and which of them are black and white.
        spacing: of volumes, mm along slices, rows and columns; empty for pictures.
        notes: what was left out, and why.
        chosen: what was chosen by scores, and on whom.
    """

    kind: str
    entries: tuple[Entry, ...]
    source: dict[str, Any]
    seed: int
    by_patient: bool
    label_rule: LabelRule
    why: str
    class_names: tuple[str, ...]
    dtype: str
    low: float
    high: float
    spacing: tuple[float, ...] = ()
    folds: int = 0
    fold: int | None = None
    notes: tuple[str, ...] = ()
    chosen: tuple[Choice, ...] = ()

    def part(self, name: str) -> list[Entry]:
        """The entries of `train`, `valid` or `test`, in name order."""
        return [entry for entry in self.entries if entry.part == name]

    def pairs(self, name: str) -> list[Pair]:
        """The pairs of a part.

        Raises:
            MaskwrightError: it has none.
        """
        found = [entry.pair for entry in self.part(name)]
        if not found:
            raise MaskwrightError(
                f"has no {name} part",
                where="the plan of this run",
                fix="Score another part with --split, or name other pictures with --set data.test.images=… and masks.",
            )
        return found

    def records(self, name: str) -> list[Record]:
        """What was found in the files of a part."""
        return [entry.record for entry in self.part(name) if entry.record is not None]

    def patients(self, name: str) -> list[str]:
        """The patients of a part, sorted."""
        return sorted({entry.pair.patient for entry in self.part(name)})

    def shares(self, name: str = "train") -> dict[str, float]:
        """The share of each class (or region) of the known pixels of a part."""
        pixels = np.sum([record.class_pixels for record in self.records(name)], axis=0, dtype=np.float64)
        return dict(zip(self.class_names, (pixels / max(pixels.sum(), 1)).tolist(), strict=True))

    def member(self, fold: int) -> Plan:
        """The plan of one fold of the cross-validation: validation is that fold, training the others.

        Raises:
            MaskwrightError: there is no such fold.
        """
        if not self.folds:
            count = len({*self.patients("train"), *self.patients("valid")})
            raise MaskwrightError(
                f"{count} patients are too few for {self.source['data.folds']} folds",
                where="[data] folds",
                fix="Lower it, or add patients.",
            )
        check_fold(fold, self.folds)
        found = {}
        for entry in self.entries:  # a pair that was in training and in validation is there once
            part = entry.part if entry.fold is None else "valid" if entry.fold == fold else "train"
            found[part, entry.pair] = replace(entry, part=part)
        return replace(self, entries=tuple(found.values()), fold=fold)

    def with_choice(self, choice: Choice) -> Plan:
        """The plan with one more thing that was chosen; what was chosen before in its place goes."""
        kept = [one for one in self.chosen if one.what != choice.what]
        return replace(self, chosen=(*kept, choice))


def check_fold(fold: int, folds: int) -> None:
    """Refuse a fold that there is not.

    Raises:
        MaskwrightError: naming those that there are.
    """
    if not 0 <= fold < folds:
        raise MaskwrightError(
            f"is {fold}, and there are {folds} folds, 0 to {folds - 1}",
            where="[data] fold",
            fix="Name one of them, or set data.folds.",
        )
