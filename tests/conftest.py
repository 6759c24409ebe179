"""Tiny data sets and configurations, made in milliseconds."""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import browser
import cv2
import numpy as np
import pytest
from hypothesis import settings

from maskwright.progress import Reporter
from maskwright.training.run import Run

# The same examples at every run; `HYPOTHESIS_PROFILE=explore` looks for new ones.
settings.register_profile("repeat", derandomize=True, deadline=None)
settings.register_profile("explore", max_examples=300)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeat"))


def pytest_collection_finish() -> None:
    """What was imported until now stays: the collector need not look through TensorFlow after every network.

    Tracing one makes a hundred thousand objects that live as long as it does: looked through once, not a hundred times.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)


SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep the tests out of the user's cache, and their networks off the other workers' cores."""
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))
    os.environ["LOCALAPPDATA"] = os.environ["XDG_CACHE_HOME"]
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"


@pytest.fixture(scope="session", autouse=True)
def one_browser() -> Iterator[None]:
    """What browser a test started is every later test's, and ends with the last."""
    yield
    browser.end()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data, or a skip with a reason."""
    if not SHARED.is_dir():
        pytest.skip(f"real data is not here: {SHARED}")
    return SHARED


@pytest.fixture(scope="session")
def quiet() -> Reporter:
    """A reporter that says nothing."""
    return Reporter(quiet=True)


def draw_pair(rng: np.random.Generator, size: tuple[int, int] = (32, 32)) -> tuple[np.ndarray, np.ndarray]:
    """A noisy picture with a bright ellipse, and its mask of 0 and 255."""
    height, width = size
    mask = np.zeros(size, np.uint8)
    centre = (int(rng.integers(width // 3, 2 * width // 3)), int(rng.integers(height // 3, 2 * height // 3)))
    cv2.ellipse(mask, centre, (width // 5, height // 6), float(rng.integers(180)), 0, 360, 255, -1)
    image = np.clip(60 + 120 * (mask > 0) + rng.normal(0, 15, size), 0, 255).astype(np.uint8)
    return image, mask


def write_dataset(folder: Path) -> Path:
    """8 patients with 3 pictures each, 32x32, in `images` and `masks` of a folder."""
    rng = np.random.default_rng(1)
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    for patient in range(8):
        for number in range(3):
            for part, picture in zip(("images", "masks"), draw_pair(rng), strict=True):
                cv2.imwrite(str(folder / part / f"P{patient:02d}-{number}.png"), picture)
    return folder


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Pictures and masks of 8 patients."""
    return write_dataset(tmp_path / "dataset")


CONFIG = r"""
[data]
images = "dataset/images"
masks = "dataset/masks"
patient_pattern = 'P(\d+)'
valid_fraction = 0.25
test_fraction = 0.25
cache_dir = "cache"
[model]
image_width = 32
image_height = 32
base_filters = 4
num_layers = 2
[augmentation]
probability = 0.5
[train]
epochs = 2
batch_size = 4
precision = "float32"
[predict]
precision = "float32"
"""


@pytest.fixture
def config_file(dataset: Path) -> Path:
    """A configuration for `dataset`, beside it."""
    path = dataset.parent / "config.toml"
    path.write_text(CONFIG, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def module_config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same in a folder that the tests of a module share."""
    folder = tmp_path_factory.mktemp("shared")
    write_dataset(folder / "dataset")
    (folder / "config.toml").write_text(CONFIG, encoding="utf-8")
    return folder / "config.toml"


@pytest.fixture(scope="session")
def trained_once(tmp_path_factory: pytest.TempPathFactory, quiet: Reporter) -> Path:
    """The folder of a run on such a data set, trained well enough to find something; never to be written into."""
    import maskwright as mw

    folder = tmp_path_factory.mktemp("trained")
    write_dataset(folder / "dataset")
    (folder / "config.toml").write_text(CONFIG, encoding="utf-8")
    overrides = ["train.epochs=6", "train.learning_rate=0.01"]
    return mw.train(folder / "config.toml", overrides=overrides, run_dir=folder / "run", reporter=quiet).path


@pytest.fixture
def trained_run(trained_once: Path, tmp_path: Path) -> Run:
    """A copy of that run, for a test of its own; the pictures of `dataset` are those it was trained on."""
    return Run(shutil.copytree(trained_once, tmp_path / "trained_run"))


@contextmanager
def cut_off(epoch: int, folder: Path) -> Iterator[None]:
    """Keep the run folder of the training in this block as a power cut after an epoch would leave it.

    A training's checkpoint is the last that it writes in an epoch.
    """
    from maskwright.training import keeper

    save = keeper.save_checkpoint

    def saved(path: Path, model: object, state: dict[str, Any]) -> None:
        save(path, model, state)
        if state["epoch"] == epoch:
            shutil.copytree(path.parents[1], folder)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keeper, "save_checkpoint", saved)
        yield


PROJECT = """
[model]
generator = True
image_width = 32
image_height = 32
image_channels = 3
num_classes = 1
base_filters = 4
num_layers = 2
dropout_rate = 0.1
learning_rate = 0.001
loss = "bce_iou_loss"
metrics = ["binary_accuracy"]
[train]
epochs = 2
batch_size = 2
steps_per_epoch = 3
validation_steps = 2
patience = 10
metrics = ["binary_accuracy", "val_binary_accuracy"]
model_dir = "./models"
eval_dir = "./eval"
image_datapath = "DATASET/images/"
mask_datapath = "DATASET/masks/"
save_weights_only = True
epoch_change_infer = True
num_infer_images = 2
[test]
image_datapath = "DATASET/images/"
mask_datapath = "DATASET/masks/"
[infer]
images_dir = "DATASET/images/"
output_dir = "./test_output"
merged_dir = "./test_output_merged"
[mask]
binarize = True
threshold = 128
[augmentor]
rotation = True
angles = [5, 10,]
transformer = True
"""


@pytest.fixture
def reference_project() -> Callable[[str], str]:
    """The text of a small project in the reference's format, for a data set in the given folder."""
    return lambda folder: PROJECT.replace("DATASET", folder)
