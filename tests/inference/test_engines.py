import numpy as np
import pytest

from maskwright.data.preprocess import InputRule
from maskwright.errors import MaskwrightError
from maskwright.inference.engines import Ensemble, Mirrored
from maskwright.labels.rule import LabelRule
from maskwright.models.metadata import Metadata


class Fake:
    """A network that is a function of its input."""

    def __init__(self, function, rule=None, channels=1):
        names = ["background", "organ"] if channels == 1 else [f"c{i}" for i in range(channels)]
        self.metadata = Metadata("unet", {}, channels, names, rule or InputRule(8, 8, 1), LabelRule(classes=len(names)))
        self.function, self.calls = function, 0

    def probabilities(self, inputs, batch_size=None):
        self.calls += 1
        return self.function(inputs)


def test_mirrored_is_the_mean_over_all_flips_by_hand():
    ramp = np.linspace(0, 1, 8, dtype=np.float32)[None, None, :, None]
    inputs = np.random.default_rng(0).random((2, 8, 8, 1), np.float32)
    engine = Mirrored(Fake(lambda x: x * ramp), (0, 1))
    expected = inputs * (ramp + ramp[:, :, ::-1]) / 2
    assert np.allclose(engine.probabilities(inputs), expected, atol=1e-6)
    assert engine.engine.calls == 4


def test_mirrored_does_not_change_what_has_no_side():
    inputs = np.random.default_rng(0).random((2, 4, 6, 8, 1), np.float32)
    assert np.allclose(Mirrored(Fake(lambda x: x**2), (0, 1, 2)).probabilities(inputs), inputs**2, atol=1e-6)


def test_an_ensemble_is_the_mean():
    inputs = np.ones((2, 8, 8, 1), np.float32)
    engines = [Fake(lambda x, value=value: x * value) for value in (0.2, 0.4, 0.9)]
    ensemble = Ensemble(engines)
    assert np.allclose(ensemble.probabilities(inputs), 0.5) and ensemble.each(inputs).shape == (3, 2, 8, 8, 1)


def test_members_must_see_alike():
    with pytest.raises(MaskwrightError, match="in other ways"):
        Ensemble([Fake(lambda x: x), Fake(lambda x: x, InputRule(8, 8, 3))])
