"""The batches for other people's loops are those of the training."""

import subprocess
import sys

import numpy as np
import pytest

import maskwright as mw
from maskwright.config import load
from maskwright.errors import MaskwrightError
from maskwright.training.prepare import prepare
from maskwright.training.train import make_batches


@pytest.fixture
def feed(config_file, quiet):
    return mw.dataset(config_file, reporter=quiet)


def test_each_epoch_is_that_of_the_training(feed, config_file, quiet):
    config = load(config_file).config
    trained, _ = make_batches(prepare(config, quiet), config, fresh=False)
    for number in range(2):
        ours, theirs = list(feed), list(trained.epoch(number))
        assert len(ours) == len(theirs) == len(feed)
        for (images, labels), (others, truths) in zip(ours, theirs, strict=True):
            assert np.array_equal(images, others) and np.array_equal(labels, truths)
    assert feed.epoch == 2 and feed.input_shape == (32, 32, 1) and feed.class_names == ["background", "foreground"]
    assert repr(feed).startswith(f"<Feed of {len(feed)} batches of 4: 32 x 32 x 1, background, foreground")


def test_validation_is_always_the_same(config_file, quiet):
    feed = mw.dataset(config_file, "valid", reporter=quiet)
    one, other = ([images for images, _ in feed] for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_a_keras_model_learns_from_it(feed):
    import keras

    model = mw.create_model("unet", feed.input_shape, 1, base_filters=4, num_layers=2)
    model.compile("adam", "binary_crossentropy")
    data = feed.as_tf()
    history = model.fit(data, epochs=2, verbose=0).history["loss"]
    assert len(history) == 2 and np.isfinite(history).all() and isinstance(model, keras.Model)
    assert len(data) == len(feed)


def test_what_nobody_knows_counts_nowhere_in_losses_of_keras_and_of_ours(config_file, quiet):
    """A turned picture has corners with the label 255."""
    import keras

    from maskwright.losses import get_loss

    turned = ["augmentation.rotation=true", "augmentation.angle_range=[40.0, 45.0]", "augmentation.probability=1.0",
              "train.batch_size=2", "data.fit='pad'"]  # fmt: skip
    feeds = [mw.dataset(config_file, overrides=turned, reporter=quiet) for _ in range(2)]
    images, labels = next(iter(feeds[0]))
    assert 0.02 < (labels == 255).mean() < 0.5
    seen, plain, weights = (np.asarray(one) for one in next(iter(feeds[1].as_tf())))
    assert np.array_equal(seen, images) and np.array_equal(weights == 0, labels[..., 0] == 255)
    assert np.array_equal(plain[weights == 1], labels[weights == 1]) and not plain[weights == 0].any()

    guess = np.full(labels.shape, 0.3, np.float32)
    known = labels[labels != 255]
    expected = -(known * np.log(0.3) + (1 - known) * np.log(0.7))
    found = float(keras.losses.BinaryCrossentropy()(plain, guess, sample_weight=weights))
    assert found == pytest.approx(expected.sum() / weights.size, rel=1e-4)
    ours = float(keras.ops.convert_to_numpy(get_loss("cross_entropy_loss")(labels, guess)))
    assert ours == pytest.approx(expected.mean(), rel=1e-4)


@pytest.mark.backends
def test_torch_tensors(feed):
    torch = pytest.importorskip("torch")
    loader = feed.as_torch()
    images, labels = next(iter(loader))
    assert isinstance(images, torch.Tensor) and images.shape == (4, 32, 32, 1) and labels.shape == (4, 32, 32, 1)
    assert len(loader) == len(feed)


def test_what_is_not_there(config_file, quiet):
    with pytest.raises(MaskwrightError, match="no part 'test'"):
        mw.dataset(config_file, "test", reporter=quiet)
    with pytest.raises(MaskwrightError, match="no validation cases"):
        mw.dataset(config_file, "valid", overrides=["data.valid_fraction=0"], reporter=quiet)


def test_nothing_is_written(feed, config_file):
    list(feed)
    assert {path.name for path in config_file.parent.iterdir()} == {"cache", "config.toml", "dataset"}


@pytest.mark.parametrize("attempt", range(3))
def test_a_loop_that_is_left_early_ends_the_process_as_any_other(config_file, attempt):
    code = f"import maskwright as mw\nfor batch in mw.dataset({str(config_file)!r}):\n    break\nprint('left')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and done.stdout == "left\n" and "terminate" not in done.stderr, done.stderr
