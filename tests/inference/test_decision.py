import numpy as np
import pytest

from maskwright.config.schema import PredictSection
from maskwright.data.preprocess import InputRule
from maskwright.errors import MaskwrightError
from maskwright.inference.decision import Decision, decision
from maskwright.labels.rule import LabelRule
from maskwright.models.metadata import Metadata


def metadata(channels, regions=()):
    names = ["background", *(f"c{i}" for i in range(1, max(channels, 2) if not regions else len(regions) + 1))]
    rule = LabelRule("index", 5 if regions else max(channels, 2), regions=regions)
    return Metadata("unet", {}, channels, names, InputRule(16, 16, 1), rule)


def test_one_structure_is_decided_at_the_threshold_and_several_by_the_largest():
    one = np.array([[[0.2], [0.5]], [[0.7], [0.49]]])
    assert Decision((0.5,))(one).tolist() == [[0, 1], [1, 0]]
    several = np.array([[[0.1, 0.2, 0.7], [0.6, 0.3, 0.1]]])
    assert Decision(())(several).tolist() == [[2, 0]]


def test_a_class_wins_in_relation_to_its_threshold_or_nothing_does():
    p = np.array([[0.6, 0.3, 0.1], [0.6, 0.1, 0.3], [0.5, 0.25, 0.25], [0.9, 0.05, 0.05]], np.float32)
    assert Decision((0.25, 0.2))(p).tolist() == [1, 2, 2, 0]


def test_what_the_configuration_says():
    assert decision(metadata(1), PredictSection()).thresholds == (0.5,)
    assert decision(metadata(3), PredictSection()).thresholds == ()
    assert decision(metadata(3), PredictSection(threshold=0.3)).thresholds == (0.3, 0.3)
    regions = ((1, 2, 4), (1, 4), (4,))
    assert decision(metadata(3, regions), PredictSection()) == Decision((0.5,) * 3, (2, 1, 4))
    assert decision(metadata(3, regions), PredictSection(threshold=[0.2, 0.3, 0.4])).thresholds == (0.2, 0.3, 0.4)
    with pytest.raises(MaskwrightError, match="has 3 numbers, and 2 are needed"):
        decision(metadata(3), PredictSection(threshold=[0.2, 0.3, 0.4]))
