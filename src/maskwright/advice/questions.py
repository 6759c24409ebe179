"""Five questions about what nobody can see in files; each has an answer that holds when nothing is said."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from maskwright.advice.facts import Facts
from maskwright.advice.patients import group_of
from maskwright.patterns import groups

Reading = Callable[[str], list[str] | None]  # None: not understood
_TURNED = {
    "none": ("false", "false", "false"),
    "sides": ("true", "false", "false"),
    "any": ("true", "true", "true"),
}


@dataclass
class Answers:
    """What was said: `section.key=value` for each answer, and the time, where one was given."""

    overrides: list[str] = field(default_factory=list)
    time: str | None = None


def ask(facts: Facts, answered: Callable[[str], str], known: Callable[[str], bool]) -> Answers:
    """Ask, and ask again what was not understood.

    Args:
        answered: shows a question and gives the answer; empty where nothing is said.
        known: whether a time can be read.
    """
    found = Answers()
    time = _repeat(answered, "How long may the training take (30m, 2h)? [no limit]",
                   lambda words: [words] if known(words) else None)  # fmt: skip
    found.time = time[0] if time else None
    for question, read in _questions(facts):
        found.overrides += _repeat(answered, question, read)
    return found


def _repeat(answered: Callable[[str], str], question: str, read: Reading) -> list[str]:
    """The answer once it is understood; nothing where nothing is said."""
    asked = question
    while words := answered(asked).strip():
        if (found := read(words)) is not None:
            return found
        asked = f"{words!r} was not understood. {question}"
    return []


def _questions(facts: Facts) -> Iterator[tuple[str, Reading]]:
    names = sorted({record.name for record in facts.everything})
    if facts.patients:
        who = sorted({str(group_of(facts.patients.pattern, name)) for name in names})
        shown = ", ".join(who[:4]) + (f" and {len(who) - 4} more" if len(who) > 4 else "")
        question = f"Are the patients {shown}? Yes, no (each case is one), or a pattern with one group [yes]"
    else:
        shown = ", ".join(names[:3])
        question = f"What in a name ({shown}, …) tells the patient? A pattern with one group [each case is one]"
    yield question, _patients
    yield f"Is there a number in the masks that counts for nothing? ({facts.why}) [as said]", _void
    usual = "none" if facts.sided else "any" if facts.structures.any_way_up else "sides"
    yield f"May cases be mirrored: none, sides (left and right), any (upside down and turned too)? [{usual}]", _turned
    count = max(facts.classes, 2)
    yield f"What are the {count} classes called, background first, with commas? [by their numbers]", _named(count)


def _patients(words: str) -> list[str] | None:
    if words.lower() in ("yes", "y"):
        return []
    if words.lower() in ("no", "n"):
        return ["data.patient_pattern=none"]
    return [f"data.patient_pattern={json.dumps(words)}"] if groups(words) == 1 else None


def _void(words: str) -> list[str] | None:
    if words.lower() in ("no", "none"):
        return ["mask.ignore=false"]
    return [f"mask.ignore={int(words)}"] if words.isdigit() else None


def _turned(words: str) -> list[str] | None:
    if (found := _TURNED.get(words.lower())) is None:
        return None
    keys = ("hflip", "vflip", "quarter_turns")
    return [f"augmentation.{key}={value}" for key, value in zip(keys, found, strict=True)]


def _named(count: int) -> Reading:
    def read(words: str) -> list[str] | None:
        names = [name.strip() for name in words.split(",")]
        good = len(names) == count and all(names) and len(set(names)) == count
        return [f"mask.classes={json.dumps(names, ensure_ascii=False)}"] if good else None

    return read
