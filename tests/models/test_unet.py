import numpy as np
import pytest

from maskwright.errors import MaskwrightError
from maskwright.models.cost import multiply_adds
from maskwright.models.registry import architectures, create_model, find_architecture


@pytest.mark.parametrize(
    ("layers", "kernel", "dilation", "parameters"),
    [(5, 3, 1, 1_941_105), (7, 3, 1, 31_110_001), (7, 5, 2, 31_127_153), (8, 9, 3, 124_996_849)],
)
def test_published_parameter_counts(layers, kernel, dilation, parameters):
    model = create_model("TensorflowSlightlyFlexibleUNet", (512, 512, 3), base_filters=16, num_layers=layers,
                         base_kernels=(kernel, kernel), dilation=(dilation, dilation))  # fmt: skip
    assert model.count_params() == parameters


def test_kernel_dilation_and_dropout_by_level():
    import keras

    model = create_model("unet", (64, 64, 1), num_layers=5, base_kernels=(9, 9), dilation=(3, 3), dropout_rate=0.1)
    convolutions = [layer for layer in model.layers if type(layer) is keras.layers.Conv2D][:-1]
    levels = [0, 1, 2, 3, 4, 3, 2, 1, 0]
    assert [layer.kernel_size[0] for layer in convolutions[::2]] == [max(9 - 2 * i, 3) for i in levels]
    assert [layer.dilation_rate[0] for layer in convolutions[::2]] == [max(3 - i, 1) for i in levels]
    dropouts = [layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)]
    assert dropouts == pytest.approx([0.1 * i for i in levels if i])


@pytest.mark.parametrize("shape", [(32, 48, 1), (33, 50, 3), (100, 70, 1)])
@pytest.mark.parametrize("classes", [1, 3])
def test_any_size_and_number_of_classes(shape, classes):
    model = create_model("unet", shape, classes, num_layers=4, base_filters=4)
    found = model.predict_on_batch(np.random.default_rng(0).random((2, *shape), dtype=np.float32))
    assert found.shape == (2, *shape[:2], classes) and found.dtype == np.float32
    assert found.min() >= 0 and found.max() <= 1
    if classes > 1:
        assert np.allclose(found.sum(-1), 1, atol=1e-5)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"dropout_rate": 0.3}, "level 4 would be 1.2"),
        ({"activation": "relo"}, "no activation 'relo'"),
        ({"base_filter": 3}, "Did you mean 'base_filters'"),
    ],
)
def test_bad_options_say_what_is_accepted(options, words):
    with pytest.raises(MaskwrightError, match=words):
        create_model("unet", (32, 32, 1), num_layers=5, **options)


def test_an_unknown_architecture_names_the_known_ones():
    with pytest.raises(MaskwrightError, match="Did you mean 'unet'"):
        find_architecture("unett")


def test_every_architecture_has_its_facts():
    for name, found in architectures().items():
        assert found.name == name and found.paper and found.year > 2010


def test_multiply_adds_by_hand():
    model = create_model("unet", (8, 8, 1), num_layers=2, base_filters=2)
    down = 8 * 8 * 9 * (1 * 2 + 2 * 2)
    bottom = 4 * 4 * 9 * (2 * 4 + 4 * 4)
    up = 4 * 4 * 4 * (4 * 2) + 8 * 8 * 9 * (4 * 2 + 2 * 2)
    assert multiply_adds(model) == down + bottom + up + 8 * 8 * 2
