"""Every published configuration that names a model builds it at its own size and trains two steps."""

import subprocess
import sys

import cv2
import numpy as np
import pytest

from conftest import SHARED
from maskwright.config import load
from maskwright.training.run import Run

pytestmark = pytest.mark.configs
FILES = sorted((SHARED / "configs").glob("*.config")) if SHARED.is_dir() else []


def phantoms(folder, config, count):
    """Pictures with an ellipse each, and masks in the levels or colours that the configuration speaks of."""
    rng = np.random.default_rng(0)
    colours = [*config.mask.colors, (255, 255, 255)][:2] if len(config.mask.colors) < 2 else config.mask.colors
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    for number in range(count):
        inside = np.zeros((128, 128), np.uint8)
        centre = tuple(int(value) for value in rng.integers(45, 83, 2))
        cv2.ellipse(inside, centre, (30, 20), float(rng.integers(180)), 0, 360, 1, -1)
        image = np.clip(60 + 120 * inside + rng.normal(0, 15, inside.shape), 0, 255).astype(np.uint8)
        mask = np.array(colours[:2], np.uint8)[inside] if config.mask.colors else inside * 255
        cv2.imwrite(str(folder / "images" / f"{number}.png"), cv2.cvtColor(image, cv2.COLOR_GRAY2BGR))
        cv2.imwrite(str(folder / "masks" / f"{number}.png"), mask[..., ::-1] if mask.ndim == 3 else mask)


def test_all_are_here(shared_data):
    assert len(FILES) == 44


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_two_steps(path, tmp_path):
    loaded = load(path)
    if loaded.config.prepare.scans_dir is not None:
        pytest.skip("a data-set generator's file: it names no model")
    config = loaded.config
    size = min(2, config.train.batch_size)
    phantoms(tmp_path / "data", config, 2 * size + 1)
    data = [
        f"data.{part}.{kind}={tmp_path / 'data' / kind}"
        for part in ("train", "valid", "test")
        for kind in ("images", "masks")
    ]
    overrides = [
        *data, f"data.cache_dir={tmp_path / 'cache'}", "train.epochs=1", "train.steps_per_epoch=2",
        "train.validation_steps=1", f"train.batch_size={size}", "train.precision=float32", "augmentation.debug=false",
        "train.epoch_change_infer=false", "train.epoch_change_tiledinfer=false", "train.deterministic=false",
        f"train.model_dir={tmp_path / 'models'}", f"train.eval_dir={tmp_path / 'eval'}",
    ]  # fmt: skip
    # A process each: what TensorFlow holds of a network of 100 million parameters goes with it.
    command = [sys.executable, "-m", "maskwright", "train", str(path), "--run", str(tmp_path / "run"), "--allow-leak"]
    command += [word for override in overrides for word in ("--set", override)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    (row,) = Run(tmp_path / "run").history()
    assert np.isfinite(row["loss"]) and np.isfinite(row["val_loss"])
    assert (tmp_path / "models" / config.train.best_model_file).exists()
