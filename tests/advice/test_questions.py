from pathlib import Path

import pytest

from maskwright.advice.facts import Facts
from maskwright.advice.layouts import Layout
from maskwright.advice.patients import Candidate
from maskwright.advice.questions import ask
from maskwright.advice.structures import Structures
from maskwright.config.loading import from_overrides
from maskwright.data.records import Record


def facts(classes=1, patients=True, turned=0.1):
    records = [Record(f"P{n // 2}-{n}", "", 8, 8, "uint8", 0, 255, [9, 1], "", "") for n in range(12)]
    found = Candidate(r"^(P\d)-", 6, 12) if patients else None
    layout = Layout({"all": (Path("i"), Path("m"))}, False)
    return Facts(layout, {"all": records}, [], found, classes, "masks hold 0, 255", Structures({}, turned))


def answers(facts, *lines):
    """What comes of some answers, and what was asked."""
    asked, left = [], [*lines, *[""] * 10]

    def answered(question):
        asked.append(question)
        return left[len(asked) - 1]

    return ask(facts, answered, lambda words: words.endswith("m")), asked


def test_saying_nothing_changes_nothing():
    found, asked = answers(facts())
    assert found.overrides == [] and found.time is None and len(asked) == 5
    assert "P0, P1, P2, P3 and 2 more" in asked[1] and "masks hold" in asked[2] and "[any]" in asked[3]


def test_every_answer_is_a_key_that_there_is():
    found, _ = answers(facts(classes=3), "30m", "no", "255", "sides", "background, left, right")
    assert found.time == "30m"
    config = from_overrides(found.overrides)
    assert config.data.patient_pattern is None and "patient_pattern" in config.data.model_fields_set
    assert config.mask.ignore == 255 and config.mask.classes == ["background", "left", "right"]
    assert config.augmentation.hflip and not config.augmentation.vflip and not config.augmentation.quarter_turns


@pytest.mark.parametrize(
    ("place", "wrong", "right", "key"),
    [
        (0, "soon", "5m", None),
        (1, "(a)(b)", r"(P\d+)", None),
        (2, "perhaps", "no", "mask.ignore=false"),
        (3, "maybe", "none", "augmentation.hflip=false"),
        (4, "one", "background, it", 'mask.classes=["background", "it"]'),
    ],
)
def test_what_is_not_understood_is_asked_again(place, wrong, right, key):
    lines = [""] * 5
    lines[place : place + 1] = [wrong, right]
    found, asked = answers(facts(), *lines)
    assert len(asked) == 6 and "not understood" in asked[place + 1] and repr(wrong) in asked[place + 1]
    assert key is None or key in found.overrides
    if place == 1:
        assert from_overrides(found.overrides).data.patient_pattern == r"(P\d+)"


def test_names_that_tell_nobody_are_shown():
    _, asked = answers(facts(patients=False))
    assert "P0-0" in asked[1] and "each case is one" in asked[1]
