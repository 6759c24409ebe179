"""Whether what is scored was seen in training: the same patient, the same picture, or nearly the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from maskwright.data.duplicates import Duplicate, find_duplicates
from maskwright.data.pairs import shorten
from maskwright.data.records import Record

_NEARLY = "nearly identical to training images (copies of them, or slices or frames right beside them)"


@dataclass(frozen=True)
class Leak:
    """What is in both: patients (where a pattern tells them) and pictures.

    Attributes:
        checked: so many pictures were looked up.
        unknown: so many of them could be recognised by their bytes only, because the run keeps nothing else to compare.
    """

    patients: list[str]
    duplicates: list[Duplicate]
    checked: int
    unknown: int = 0

    @property
    def messages(self) -> list[str]:
        """What somebody who reads the scores must know; empty where nothing is shared."""
        found = []
        if self.patients:
            found.append(f"{len(self.patients)} patients were in training: {shorten(self.patients)}")
        same = [item for item in self.duplicates if item.identical]
        near = [item for item in self.duplicates if not item.identical]
        for items, how in ((same, "identical to training images"), (near, _NEARLY)):
            if items:
                names = shorten([f"{item.one} = {item.other}" for item in items], 3)
                found.append(f"{len(items)} of {self.checked} images are {how}: {names}")
        if self.unknown:
            found.append(
                f"{self.unknown} of {self.checked} images could only be looked up by their bytes among the training "
                "images, so copies with other bytes were not noticed (the run keeps no thumbnails of their kind)"
            )
        return found

    def as_dict(self) -> dict[str, Any]:
        """Plain values for evaluation.json."""
        return {
            "patients": self.patients,
            "looked_up_by_bytes_only": self.unknown,
            "images": [
                {
                    "image": d.one,
                    "training_image": d.other,
                    "similarity": round(d.similarity, 4),
                    "identical": d.identical,
                }
                for d in self.duplicates
            ],
        }


def find_leak(scored: Sequence[Record], trained: Sequence[Record], *, by_patient: bool) -> Leak:
    """What the scored pictures share with those of the training.

    Args:
        by_patient: patients are known; without a pattern each picture's name counts as one, which says nothing.
    """
    patients = {record.patient for record in scored} & {record.patient for record in trained} if by_patient else set()
    shapes = {record.thumbnail.shape for record in trained if record.thumbnail.size}
    duplicates = find_duplicates(scored, trained)
    seen = {item.one for item in duplicates}
    unknown = sum(one.thumbnail.shape not in shapes and one.name not in seen for one in scored) if trained else 0
    return Leak(sorted(patients), duplicates, len(scored), unknown)
