import math
from dataclasses import replace

import numpy as np
import pytest

from maskwright.data.pairs import Pair
from maskwright.data.records import Record
from maskwright.labels.rule import LabelRule
from maskwright.plan import Plan
from maskwright.plan.plan import Entry
from maskwright.training.verdict import advice, naive, verdict


def plan(*cases, by_patient=True):
    """Validation slices: patient and the pixels of each class."""
    entries = []
    for number, (patient, *pixels) in enumerate(cases):
        name = f"{patient}-{number}"
        pair = Pair(name, name, name, patient)
        record = Record(name, patient, 8, 8, "uint8", 0, 255, list(pixels), "a", "b")
        entries.append(Entry(pair, "valid", ("a",), "b", record=record))
    return Plan(
        "pictures", tuple(entries), {}, 1, by_patient, LabelRule("binary"), "", ("background", "it"), "uint8", 0, 255
    )


def rows(curve, learnt=0.9, judged=0.7):
    return [{"val_dice": value, "dice_coef": learnt, "val_dice_coef": judged} for value in curve]


def test_the_naive_answer_is_everything_everywhere():
    """Patient A has 30 of 100 pixels in two slices, patient B 10 of 50: Dice 60/130 and 20/60."""
    found = naive(plan(("A", 40, 10), ("A", 30, 20), ("B", 40, 10)))
    assert found == pytest.approx((60 / 130 + 20 / 60) / 2)


def test_two_lines_name_the_worst_and_what_would_help():
    lines = verdict(rows([0.7]), plan(("A", 40, 10), ("B", 40, 10)), {"A": 0.8, "B": 0.6, "C": math.nan}, "dice_coef")
    assert len(lines) == 2
    assert "Dice 0.700 over 2 validation patients, worst 0.600 (B" in lines[0] and "0.333" in lines[0]
    assert "more patients" in lines[1] and "0.900" in lines[1] and "0.700" in lines[1]
    assert verdict(rows([0.7]), plan(), {}, "dice_coef") == []


@pytest.mark.parametrize(("by_patient", "kind", "word"), [(False, "pictures", "pictures"), (False, "volumes", "scans")])
def test_whom_it_was_judged_on(by_patient, kind, word):
    where = replace(plan(("A", 40, 10), by_patient=by_patient), kind=kind)
    assert f"1 validation {word}" in verdict(rows([0.7]), where, {"A": 0.8}, "dice_coef")[0]


@pytest.mark.parametrize(
    ("history", "word"),
    [
        (rows(np.linspace(0.1, 0.8, 12)), "longer"),
        (rows([0.7] * 12), "more patients"),
        (rows([0.7] * 12, learnt=0.72), "cleaner masks"),
        (rows([0.1, 0.5, 0.7]), "longer"),
        (rows([0.1, 0.7]), "more patients"),
        (rows([0.1, 0.1], learnt=0.72), "longer"),
        ([{"val_dice": 0.7}] * 12, "train.metrics"),
    ],
)
def test_what_would_help_goes_by_the_curves(history, word):
    assert word in advice(history, "dice_coef")
