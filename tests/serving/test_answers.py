"""Run lengths, and what is told of a segmentation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from maskwright.config.schema import PredictSection
from maskwright.data.preprocess import InputRule
from maskwright.inference.in_memory import Labelled, structures_in
from maskwright.labels.rule import LabelRule
from maskwright.models.metadata import Metadata
from maskwright.serving.answers import describe, from_run_lengths, run_lengths, wanted
from maskwright.serving.intake import PICTURE
from maskwright.serving.limits import Refused
from maskwright.serving.segmenter import SegmentedUpload


@given(arrays.arrays(bool, st.tuples(*[st.integers(1, 7)] * 3)))
def test_run_lengths_tell_the_mask(mask):
    lengths = run_lengths(mask)
    assert sum(lengths) == mask.size and all(length > 0 for length in lengths[1:])
    assert sum(lengths[1::2]) == mask.sum()
    assert np.array_equal(from_run_lengths(lengths, list(mask.shape)), mask)


def test_run_lengths_begin_with_zeros():
    assert run_lengths(np.array([[1, 1], [0, 1]], bool)) == [0, 2, 1, 1]
    assert run_lengths(np.zeros((2, 3), bool)) == [6]


def test_what_may_be_included():
    assert wanted("") == [] and wanted("rle, scan") == ["rle", "scan"]
    with pytest.raises(Refused):
        wanted("rle,passwd")


def test_regions_of_a_picture_have_their_pixels():
    image = np.repeat(np.array([[0] * 4 + [1] * 2 + [2] * 2], np.uint8), 8, axis=0)
    rule = LabelRule("index", 3, regions=((1, 2), (2,)))
    metadata = Metadata("unet", {}, 2, ["background", "all", "core"], InputRule(8, 8, 1), rule)
    structures = {
        key: {"name": name, "pixels": int(inside.sum()), "share": float(inside.mean())}
        for key, name, inside in structures_in(image, metadata)
    }
    found = SegmentedUpload(PICTURE, Labelled(image, image, {0: "background", 1: "all", 2: "core"}, structures))
    told = describe(found, metadata, PredictSection(), ["rle"])["structures"]
    assert [(one["name"], one["pixels"], one["share"]) for one in told] == [("all", 32, 0.5), ("core", 16, 0.25)]
    assert [sum(one["rle"][1::2]) for one in told] == [32, 16]
