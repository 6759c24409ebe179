"""nnU-Net's networks whose axes are treated differently."""

import keras
import numpy as np
import pytest

from maskwright.data.preprocess import InputRule
from maskwright.errors import MaskwrightError
from maskwright.labels.rule import LabelRule
from maskwright.models.metadata import Metadata
from maskwright.models.registry import create_model
from maskwright.models.saving import load_model, save_model

AXES = {"strides": [[1, 2, 2], [2, 2, 2]], "kernels": [[1, 3, 3], [3, 3, 3], [3, 3, 3]]}
SMALL = {"base_filters": 4, "num_layers": 3}


def kernels(model):
    return [layer.kernel_size for layer in model.layers if type(layer) is keras.layers.Conv3D]


def test_defaults_said_are_the_defaults():
    shape = (8, 16, 16, 1)
    one, other = (create_model("nnunet", shape, 1, **SMALL, **more)
                  for more in ({}, {"strides": [2, 2], "kernels": [3, [3, 3, 3], 3]}))  # fmt: skip
    other.set_weights(one.get_weights())
    image = np.random.default_rng(0).random((1, *shape), np.float32)
    assert np.array_equal(one(image), other(image))


def test_slices_are_seen_and_halved_as_said():
    model = create_model("nnunet", (8, 16, 16, 1), 1, **SMALL, **AXES)
    assert kernels(model)[:4] == [(1, 3, 3), (1, 3, 3), (3, 3, 3), (3, 3, 3)]
    deepest = min((layer.output.shape[1:4] for layer in model.layers), key=np.prod)
    assert deepest == (4, 4, 4)
    image = np.zeros((1, 8, 16, 16, 1), np.float32)
    image[0, 4, 8, 8] = 1
    first = keras.Model(
        model.inputs, next(layer for layer in model.layers if type(layer) is keras.layers.Conv3D).output
    )
    seen = np.abs(np.asarray(first(image)) - np.asarray(first(0 * image))).sum(axis=(0, 2, 3, 4))
    assert np.flatnonzero(seen).tolist() == [4]  # the first kernels look at single slices


@pytest.mark.parametrize("edge", [4, 5])
def test_edges_are_padded_by_the_multiple_of_their_own_axis(edge):
    model = create_model("nnunet", (edge, 16, 16, 1), 1, **SMALL, **AXES)
    assert ("padded" in model.name) is (edge % 2 == 1)
    assert model(np.zeros((1, edge, 16, 16, 1), np.float32)).shape == (1, edge, 16, 16, 1)


def test_it_is_kept_in_a_model_file(tmp_path):
    shape = (8, 16, 16, 1)
    model = create_model("nnunet", shape, 1, **SMALL, **AXES)
    rule = InputRule(16, 16, 1, depth=8, spacing=(5.0, 1.0, 1.0))
    save_model(model, tmp_path / "m.keras", Metadata("nnunet", SMALL | AXES, 1, ["background", "x"], rule, LabelRule()))
    again, _ = load_model(tmp_path / "m.keras")
    image = np.random.default_rng(0).random((1, *shape), np.float32)
    assert np.array_equal(model(image, training=False), again(image, training=False))


@pytest.mark.parametrize(
    "wrong", [{"strides": [2]}, {"strides": [[2, 2], [2, 2]]}, {"kernels": "3"}, {"kernels": [3, 3, "a"]}, {"strides": [0, 2]},
              {"strides": [[2, 2, 2.5], 2]}, {"kernels": 3}, {"strides": [True, 2]}],
)  # fmt: skip
def test_what_fits_no_stage_is_refused(wrong):
    with pytest.raises(MaskwrightError, match="entries are needed"):
        create_model("nnunet", (8, 16, 16, 1), 1, **SMALL, **wrong)
