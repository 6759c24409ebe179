import dataclasses

import numpy as np
import pytest

import maskwright as mw
from maskwright.errors import MaskwrightError
from maskwright.evaluation.leaks import Leak
from maskwright.evaluation.masks import picture_scale, score_masks
from maskwright.inference.evaluate import Scored
from maskwright.labels.rule import LabelRule
from maskwright.plan.choices import ChosenOn
from maskwright.scoring import Part, summarize_parts

SCALE = picture_scale([], 2)


def part(*truths, names=("background", "organ")):
    rule = LabelRule("index", len(names))
    images = [score_masks(f"i{n}-{id(truth)}", f"p{n}", truth, truth, rule, SCALE) for n, truth in enumerate(truths)]
    return Part(Scored(images, [], {"loss": 0.5}, SCALE.units), Leak([], [], 0), ChosenOn({}, 0), None, names)


def test_a_class_that_never_occurs_is_told(tmp_path, quiet):
    something, nothing = np.eye(6, dtype=np.uint8), np.zeros((6, 6), np.uint8)
    _, warnings = summarize_parts([part(something, nothing)], tmp_path, "test", 200, quiet)
    assert warnings == []
    for names, missing in ((("background", "organ"), ["organ"]), (("background", "a", "b", "c"), ["b", "c"])):
        truth = nothing if len(names) == 2 else something
        summary, warnings = summarize_parts([part(truth, truth.copy(), names=names)], tmp_path, "test", 200, quiet)
        assert (
            [one.split(" occurs in no truth")[0] for one in warnings]
            == missing
            == [one.split(" ")[0] for one in summary["warnings"]]
        )


def test_folds_that_are_none(tmp_path, quiet):
    one = part(np.eye(6, dtype=np.uint8))
    with pytest.raises(MaskwrightError, match="share images"):
        summarize_parts([one, one], tmp_path, "valid", 200, quiet)
    other = dataclasses.replace(part(np.eye(7, dtype=np.uint8)), class_names=("background", "liver"))
    with pytest.raises(MaskwrightError, match="other classes"):
        summarize_parts([one, other], tmp_path, "valid", 200, quiet)


def test_names_of_the_package():
    assert all(callable(getattr(mw, name)) for name in mw.__all__)
