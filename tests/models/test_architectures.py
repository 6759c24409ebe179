"""What holds for every architecture."""

import dataclasses

import keras
import numpy as np
import pytest
from architecture_cases import SMALL, VOLUMES, phantoms

from maskwright.data.preprocess import InputRule
from maskwright.errors import MaskwrightError
from maskwright.labels.rule import LabelRule
from maskwright.losses import get_loss
from maskwright.models.metadata import Metadata
from maskwright.models.onnx import export_onnx
from maskwright.models.registry import architectures, create_model, find_architecture, tree_list
from maskwright.models.saving import load_model, save_model
from maskwright.models.supervision import joined, main_output, supervised

# Hundreds of layers, which TensorFlow takes minutes to compile; `make test-slow` runs these.
HEAVY = {"efficientnet_b7_unet"}
SLOW = HEAVY | {
    "efficient_unet", "efficientnet_lite_unet", "basnet", "u2net", "mednext", "deeplab_v3_plus", "segformer",
    "unet3plus", "nnunet_resenc", "dense_unet_3d",
}  # fmt: skip
# Whose layers most others have too; those others are converted by `make test-slow`.
QUICK = {"unet", "nnunet", "unet_3d"}
NAMES = [pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else []) for name in sorted(SMALL)]
CONVERTED = [
    pytest.param(name, marks=[] if name in QUICK else [pytest.mark.slow]) for name in sorted(set(SMALL) - HEAVY)
]
SUPERVISED = [
    pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else [])
    for name in ("basnet", "mednext", "nnunet", "nnunet_resenc", "u2net", "unet3plus", "unet_plus_plus")
]


@pytest.fixture(autouse=True)
def _forget():
    yield
    keras.backend.clear_session()


def build(name, classes=1, **more):
    shape, options, _ = SMALL[name]
    return create_model(name, shape, classes, **options, **more)


def called(model, images):
    """The output as an array, without the graph that `predict` would compile first."""
    return np.asarray(model(images, training=False))


def compiled(model, rate, loss, **how):
    """Ready to learn. Keras builds an optimiser while it traces the first step, and then has to trace it again; Lion's
    step is a third of Adam's operations."""
    model.compile(keras.optimizers.Lion(rate), loss, jit_compile=False, **how)
    model.optimizer.build(model.trainable_variables)
    return model


def test_every_architecture_is_tested():
    assert set(SMALL) == set(architectures())
    with_sides = {name for name, found in architectures().items() if "deep_supervision" in found.options}
    assert with_sides == {case.values[0] for case in SUPERVISED}


@pytest.mark.parametrize(
    ("name", "shape", "options", "parameters"),
    [
        ("TensorflowAttentionUNet", (512, 512, 3), {"num_layers": 6}, 8_229_073),
        ("TensorflowMultiResUNet", (512, 512, 3), {"num_layers": 6}, 8_174_749),
        ("TensorflowSwinUNet", (256, 256, 3), {}, 26_602_312),
        ("TensorflowSwinUNet", (384, 384, 3), {}, 27_373_192),
        ("TensorflowUNet3Plus", (512, 512, 3), {"num_layers": 5}, 1_693_537),
        ("TensorflowUNet3Plus", (512, 512, 3), {"num_layers": 6}, 1_753_905),
    ],
)
@pytest.mark.slow
def test_parameter_counts_published_for_the_reference(name, shape, options, parameters):
    assert create_model(name, shape, **options).count_params() == parameters


@pytest.mark.parametrize(
    ("name", "shape", "options", "millions"),
    [
        ("u2net", (256, 256, 3), {"base_filters": 64}, 44.0),
        ("basnet", (256, 256, 3), {}, 87.1),
        ("segformer", (512, 512, 3), {}, 3.7),
        ("segformer", (512, 512, 3), {"size": "B2"}, 27.4),
        ("mednext", (64, 64, 64, 1), {}, 5.6),
        ("nnunet", (512, 512, 1), {"num_layers": 8}, 46.3),
        ("nnunet_resenc", (64, 64, 64, 1), {}, 102.4),
        ("unet_plus_plus", (96, 96, 3), {"base_filters": 32}, 9.04),
    ],
)
@pytest.mark.slow
def test_parameter_counts_of_the_papers(name, shape, options, millions):
    """In millions, as the papers and their authors' code print them."""
    assert create_model(name, shape, **options).count_params() / 1e6 == pytest.approx(millions, rel=0.01)


# EfficientNet-B7 has the layers of the one below it, and so many that TensorFlow takes a minute to look at them.
@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [pytest.param(one, marks=[pytest.mark.configs] * (one == "efficientnet_b7_unet")) for one in sorted(SMALL)]
)
def test_thirty_steps_on_four_phantoms_halve_the_loss(name):
    shape, _, rate = SMALL[name]
    keras.utils.set_random_seed(1)
    images, labels = phantoms(shape)
    model = compiled(build(name), rate, get_loss("bce_dice_loss"))
    losses = [float(model.train_on_batch(images, labels)) for _ in range(30)]
    assert losses[-1] <= losses[0] / 2


@pytest.mark.parametrize("name", NAMES)
def test_any_size_and_several_classes(name):
    shape, options, _ = SMALL[name]
    odd = (*(edge + extra for edge, extra in zip(shape[:-1], (5, 3, 1), strict=False)), shape[-1])
    model = create_model(name, odd, 3, **options)
    images, _ = phantoms(odd, count=2)
    found = called(model, images)
    assert found.shape == (2, *odd[:-1], 3) and found.dtype == np.float32
    assert np.allclose(found.sum(-1), 1, atol=1e-5)


@pytest.fixture(scope="module")
def overlapping(request):
    """An architecture's name, its network of two structures that may overlap, pictures and what it finds in them."""
    name = request.param
    images, _ = phantoms(SMALL[name][0], count=2)
    model = build(name, 2, final_activation="sigmoid")
    return name, model, images, called(model, images)


@pytest.mark.parametrize("overlapping", NAMES, indirect=True)
def test_classes_may_overlap(overlapping):
    *_, found = overlapping
    assert found.shape[-1] == 2 and (found >= 0).all() and (found <= 1).all()
    assert np.abs(found.sum(-1) - 1).max() > 1e-3


@pytest.mark.parametrize("name", sorted(VOLUMES))
def test_volumes_too(name):
    model = create_model(name, VOLUMES[name], 2, **SMALL[name][1])
    images, _ = phantoms(VOLUMES[name], count=1)
    assert called(model, images).shape == (1, *VOLUMES[name][:-1], 2)


@pytest.mark.parametrize("overlapping", NAMES, indirect=True)
def test_saved_and_loaded_in_safe_mode_it_is_the_same(overlapping, tmp_path):
    name, model, images, expected = overlapping
    shape = SMALL[name][0]
    options = SMALL[name][1] | {"final_activation": "sigmoid"}
    rule = InputRule(shape[-3], shape[-2], shape[-1], depth=shape[0] if len(shape) == 4 else 0)
    metadata = Metadata(name, options, 2, ["background", "ball"], rule, LabelRule("index"))
    save_model(model, tmp_path / "model.keras", metadata)
    loaded, found = load_model(tmp_path / "model.keras")
    assert found.options == options
    assert np.array_equal(expected, called(loaded, images))


# The conversion of B7's 57 million weights takes 12 GB; by hand it gives the same too.
@pytest.mark.parametrize("overlapping", CONVERTED, indirect=True)
def test_onnx_gives_the_same(overlapping, tmp_path):
    if keras.backend.backend() != "tensorflow":
        pytest.skip("Keras exports to ONNX from TensorFlow here")
    runtime = pytest.importorskip("onnxruntime")
    _, model, images, expected = overlapping
    export_onnx(model, tmp_path / "model.onnx")
    session = runtime.InferenceSession(tmp_path / "model.onnx")
    (found,) = session.run(None, {session.get_inputs()[0].name: images})
    assert np.abs(found - expected).max() < 1e-4


@pytest.mark.parametrize("name", SUPERVISED)
def test_deep_supervision_has_outputs_of_full_size_that_all_are_trained(name):
    shape, _, rate = SMALL[name]
    keras.utils.set_random_seed(1)
    images, labels = phantoms(shape)
    model = build(name, deep_supervision=True)
    outputs = tree_list(model.outputs)
    assert len(outputs) > 1 and {one.shape for one in outputs} == {(None, *shape[:-1], 1)}
    whole = joined(model)
    assert whole.output.shape[-1] == len(outputs)
    # A graph would take longer to trace than these few steps take without one.
    compiled(whole, rate, supervised(get_loss("bce_dice_loss"), 1), run_eagerly=True)
    # A bias in front of a batch normalisation is taken out again by it, and what normalises a unit that no picture opens
    # gets no gradient either; the layers' kernels tell whether all are reached.
    learnt = [weight for weight in whole.trainable_variables if weight.name not in {"bias", "beta", "gamma"}]
    before = [np.array(weight) for weight in learnt]
    first = float(whole.train_on_batch(images, labels))
    for _ in range(3):
        last = float(whole.train_on_batch(images, labels))
    assert last < first
    assert all(not np.array_equal(old, new) for old, new in zip(before, learnt, strict=True))
    result = main_output(model)
    assert np.allclose(called(result, images), called(whole, images)[..., :1], atol=1e-6)


def test_the_reference_names_build_its_variants():
    assert (
        create_model("TensorflowU2Net", (64, 64, 3), base_filters=8).count_params() < build("u2net").count_params() * 4
    )
    gates = [create_model(name, (64, 64, 3)).count_params() for name in ("attention_unet", "TensorflowAttentionUNet")]
    assert gates[0] < gates[1]
    assert find_architecture("TensorflowSharpUNet").name == "sharp_unet"


@pytest.mark.parametrize(
    ("name", "shape", "options", "words"),
    [
        ("swin_unet", (64, 64, 1), {"num_heads": [3, 8, 8, 8]}, "do not divide"),
        ("swin_unet", (64, 64, 1), {"depth": 5}, "for 5 levels"),
        ("segformer", (64, 64, 1), {"size": "B9"}, "B0, B1"),
        ("efficient_unet", (64, 64, 3), {"efficientnet": "B8"}, "B0, B1"),
        ("pyramid_unet", (64, 64, 1), {"pooling": "min"}, "average, max"),
        ("pyramid_unet", (64, 64, 1), {"groups": 5}, "1 to 4"),
        ("attention_unet", (64, 64, 1), {"gate": "door"}, "map, channels"),
        ("trans_unet", (64, 64, 3), {"backbone": "ResNet51"}, "Did you mean 'ResNet50'"),
        ("trans_unet", (64, 64, 3), {"embed_dim": 100}, "do not divide"),
        ("segformer", (16, 64, 64, 1), {}, "takes pictures"),
        ("unet_3d", (64, 64, 1), {}, "takes volumes"),
        ("unet_3d", (64, 64, 64, 1), {"filter": 3}, "no option 'filter'"),
    ],
)
def test_what_cannot_be_built_says_what_can(name, shape, options, words):
    with pytest.raises(MaskwrightError, match=words):
        create_model(name, shape, **options)


def test_metadata_is_plain(tmp_path):
    rule = InputRule(32, 32, 1)
    one = Metadata("unet", {"base_filters": 8}, 1, ["background", "a"], rule, LabelRule())
    assert dataclasses.asdict(one)["options"] == {"base_filters": 8}


def test_multiply_adds_of_attention_and_separable_convolutions_by_hand():
    from keras import layers

    from maskwright.models.attention import WindowAttention
    from maskwright.models.cost import multiply_adds

    x = keras.Input((4, 4, 8))
    windows = WindowAttention(2, 2)(x)
    assert multiply_adds(keras.Model(x, windows)) == 4 * 16 * 8 * 8 + 2 * 16 * 4 * 8
    tokens = layers.Reshape((16, 8))(x)
    full = layers.MultiHeadAttention(2, 4)(tokens, tokens)
    assert multiply_adds(keras.Model(x, full)) == 4 * 16 * 8 * 8 + 2 * 16 * 16 * 8
    separable = layers.SeparableConv2D(3, 3, padding="same")(x)
    assert multiply_adds(keras.Model(x, separable)) == 16 * (9 * 8 + 8 * 3)
