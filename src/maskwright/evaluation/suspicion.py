"""How probable it is that a mask is wrong: a network is sure of what it sees, and the mask shows something else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from maskwright.labels.regions import IGNORED

_UNSURE, _HALF, _SURE = 0.3, 0.5, 0.7
_FEW = 10  # pixels; what is smaller may be there or not


@dataclass(frozen=True)
class Suspicion:
    """What speaks against the mask of a case.

    Attributes:
        score: `sure` minus the better of `match` and `learnt`: 0 where there is nothing to say, 1 at most.
        structure: number of the class (or region) in question.
        sure: Dice of what is probable beyond 0.3 and beyond 0.7: 1 where the network has no doubt.
        match: Dice of the mask and of what a network that has not seen it finds. learnt: of what the networks that have
            seen it find, if there are any: if they have come to agree with it, it may be right.
        place: slice of a scan with the most pixels that differ; 0 of a picture.
    """

    score: float
    structure: int
    sure: float
    match: float
    learnt: float | None
    found: int
    marked: int
    place: int

    @property
    def what(self) -> str:
        """In words."""
        if not self.marked:
            return "nothing is marked, and the network is sure of a structure"
        if not self.found:
            return "what is marked, the network is sure not to see"
        more = self.found / self.marked
        return "more is marked than the network sees" if more < 0.8 else \
            "less is marked than the network sees" if more > 1.25 else "the network sees it elsewhere"  # fmt: skip


def suspicion(
    unseen: np.ndarray, truth: np.ndarray, members: Sequence[Sequence[int]], seen: np.ndarray | None = None
) -> Suspicion:
    """The structure of a case whose mask is most to be doubted.

    Args:
        unseen: probabilities of a network that has not learnt from the mask, `(…, N)` of 0…1, one for each
            structure. seen: the same of networks that have. truth: `(H, W)` or `(D, H, W)` numbers.
        members: numbers in the truth that make each structure.
    """
    known = truth != IGNORED
    return max(
        (_of_structure(number, unseen[..., place], np.isin(truth, list(own)) & known, known,
                       None if seen is None else seen[..., place])
         for place, (number, own) in enumerate(enumerate(members, start=1))),
        key=lambda one: one.score,
    )  # fmt: skip


def _of_structure(
    number: int, unseen: np.ndarray, marked: np.ndarray, known: np.ndarray, seen: np.ndarray | None
) -> Suspicion:
    found = (unseen >= _HALF) & known
    sure = _dice((unseen >= _UNSURE) & known, (unseen >= _SURE) & known)
    if not found.any() and marked.any():  # of what is nowhere probable it is sure as far as the mask goes
        sure = 1 - float(unseen[marked].mean())
    match = _dice(found, marked)
    learnt = None if seen is None else _dice((seen >= _HALF) & known, marked)
    few = max(int(found.sum()), int(marked.sum())) < _FEW
    score = 0.0 if few else max(0.0, sure - max(match, learnt or 0.0))
    differ = found ^ marked
    place = int(differ.reshape(len(differ), -1).sum(axis=1).argmax()) if differ.ndim == 3 else 0
    return Suspicion(score, number, sure, match, learnt, int(found.sum()), int(marked.sum()), place)


def _dice(one: np.ndarray, other: np.ndarray) -> float:
    total = int(one.sum()) + int(other.sum())
    return 2 * int((one & other).sum()) / total if total else 1.0


def as_row(name: str, patient: str, one: Suspicion, names: Sequence[str]) -> dict[str, Any]:
    """A line of the table."""
    return {
        "case": name, "patient": patient, "suspicion": round(one.score, 4), "structure": names[one.structure],
        "sure": round(one.sure, 4), "dice_unseen": round(one.match, 4),
        "dice_seen": "" if one.learnt is None else round(one.learnt, 4),
        "marked": one.marked, "found": one.found, "slice": one.place + 1, "what": one.what,
    }  # fmt: skip
