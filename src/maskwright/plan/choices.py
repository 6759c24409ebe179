"""What was chosen by scores, and on whom; so that scores of those patients are not taken for scores of new ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from maskwright.data.pairs import Pair, shorten
from maskwright.data.records import file_hash


@dataclass(frozen=True)
class Choice:
    """Something that was chosen because it scored best.

    Attributes:
        what: `epoch`, `learning rate`, `thresholds and cleaning`, `settings`, `8-bit ranges`.
        by: the score that chose it. value: what was chosen, where it is known yet.
        patients: on whom. hashes: of the images that were scored.
    """

    what: str
    by: str
    patients: tuple[str, ...]
    hashes: tuple[str, ...]
    value: Any = None

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def choice_on(what: str, by: str, pairs: Sequence[Pair], value: Any = None) -> Choice:
    """A choice that was made on the scores of pairs."""
    patients = tuple(sorted({pair.patient for pair in pairs}))
    return Choice(
        what,
        by,
        patients,
        tuple(file_hash(*pair.images, window=pair.window) for pair in pairs if pair.image.is_file()),
        value,
    )


@dataclass(frozen=True)
class ChosenOn:
    """Which of the scored patients something was chosen on.

    Attributes:
        found: for each thing that was chosen, the scored patients. total: how many were scored.
    """

    found: dict[str, list[str]]
    total: int

    @property
    def messages(self) -> list[str]:
        """What somebody who reads the scores must know; empty where nothing was chosen on those that are scored."""
        groups: dict[tuple[str, ...], list[str]] = {}
        for what, patients in self.found.items():
            groups.setdefault(tuple(patients), []).append(what)
        return [
            f"{_joined(things)} chosen on {len(patients)} of the {self.total} scored patients ({shorten(patients)}), "
            f"so their scores are better than those of new ones; {_way_out(things)}"
            for patients, things in groups.items()
        ]

    def as_dict(self) -> dict[str, list[str]]:
        """Plain values for evaluation.json."""
        return self.found


def chosen_on(choices: Iterable[Choice], scored: Sequence[tuple[str, str]], *, by_patient: bool) -> ChosenOn:
    """What of `choices` was made on those that are scored.

    Args:
        scored: patient and hash of the image of everything that was scored.
        by_patient: patients are known; else only equal images tell.
    """
    found: dict[str, list[str]] = {}
    for choice in choices:
        patients, hashes = set(choice.patients), set(choice.hashes)
        hit = {name for name, content in scored if content in hashes or (by_patient and name in patients)}
        if hit:
            found[choice.what] = sorted({*found.get(choice.what, []), *hit})
    return ChosenOn(found, len({name for name, _ in scored}))


def merged(parts: Sequence[ChosenOn]) -> ChosenOn:
    """Of several runs that were scored on patients of their own."""
    names = dict.fromkeys(what for part in parts for what in part.found)
    found = {what: sorted({one for part in parts for one in part.found.get(what, [])}) for what in names}
    return ChosenOn(found, sum(part.total for part in parts))


def _joined(things: Sequence[str]) -> str:
    text = things[0] if len(things) == 1 else f"{', '.join(things[:-1])} and {things[-1]}"
    return f"{text} {'was' if len(things) == 1 and not things[0].endswith('s') else 'were'}"


def _way_out(things: Sequence[str]) -> str:
    if set(things) <= {"epoch", "learning rate"}:
        return 'score patients kept for the test, or train with train.keep = "last" and a planned learning rate'
    return "score patients that were kept for the test"
