import math
import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskwright.reporting.charts import bland_altman, curves, distribution, reliability, ticks

NUMBERS = st.floats(-1e6, 1e6, allow_nan=False)


def points(svg):
    """Everything that is drawn at a place; and it is well-formed XML inside its frame."""
    root = ET.fromstring(svg)
    _, _, width, height = map(float, root.get("viewBox").split())
    found = [(float(c.get("cx")), float(c.get("cy"))) for c in root.iter("circle")]
    for line in root.iter("polyline"):
        found += [tuple(map(float, pair.split(","))) for pair in line.get("points").split()]
    assert all(0 <= x <= width and 0 <= y <= height for x, y in found)
    return found


@given(NUMBERS, st.floats(1e-6, 1e6))
def test_ticks_are_few_round_and_inside(low, width):
    found = ticks(low, low + width)
    assert len(found) <= 7 and all(low - 1e-6 * width <= value <= low + width * (1 + 1e-6) for value in found)


@given(st.lists(st.tuples(st.floats(0, 500), st.floats(0, 500)), min_size=1, max_size=20))
def test_bland_altman_shows_every_patient(pairs):
    named = {f"<p{i}>": pair for i, pair in enumerate(pairs)}
    found = {"mean_difference": 1.0, "limits_of_agreement": [-2.0, 4.0]}
    assert len(points(bland_altman(named, found, "ml"))) == len(pairs)
    assert points(bland_altman(named, found | {"limits_of_agreement": None}, "ml"))


def test_curves_of_one_chart_differ_in_colour_and_those_of_validation_are_dashed():
    rows = [{"epoch": float(epoch), "dice": 0.1, "val_dice_coef": 0.2, "val_dice": 0.3} for epoch in (1, 2)]
    kinds = re.findall('class="line ([^"]+)"', curves(rows, ["dice", "val_dice_coef", "val_dice"], "metrics"))
    assert kinds == ["c1", "c2 dashed", "c3 dashed"]


def test_curves_and_distribution_leave_out_what_is_undefined():
    rows = [{"epoch": 1.0, "loss": 2.0, "val_loss": math.nan}, {"epoch": 2.0, "loss": 1.0, "val_loss": 0.5}]
    assert len(points(curves(rows, ["loss", "val_loss", "other"], "loss"))) == 3
    svg = distribution({"a & b": {"p": 0.5, "q": math.nan}, "none": {"p": math.nan}}, "Dice")
    assert len(points(svg)) == 1 and "a &amp; b" in svg
    assert distribution({"a": {"p": math.nan}}, "Dice") == "" and curves([{"epoch": 1.0}], ["loss"], "loss") == ""


def test_reliability_has_a_point_for_each_bin_that_holds_something():
    bins = [{"pixels": 0, "probability": 0.0, "right": 0.0}, {"pixels": 9, "probability": 0.9, "right": 0.8}]
    ((x, y),) = points(reliability(bins))
    assert x > 300 and y == pytest.approx(55, abs=20)
