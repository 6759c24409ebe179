"""The whole way on made-up data: phantom, training, evaluation, prediction, pictures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from maskwright import api
from maskwright.data.images import read_image
from maskwright.data.pairs import Pair
from maskwright.data.phantom import PATTERN, WINDOW, write_phantoms
from maskwright.data.preprocess import resize_label
from maskwright.data.records import read_label
from maskwright.inference.overlay import overlay
from maskwright.labels.rule import LabelRule
from maskwright.progress import Reporter
from maskwright.storage import keep_aside, write_bytes, write_text
from maskwright.targets import pairs_of

PATIENTS = 26
_EDGE = 288  # px of a slice in the picture
_CONFIG_NAME = "demo.toml"
_CONFIG = f"""# The demonstration: a small U-Net on phantoms. Every key is explained in docs/configuration.md.
[data]
images = "dataset/images"
masks = "dataset/masks"
patient_pattern = '{PATTERN}'
# Level and width (HU) of the window that the slices were cut through: so the model takes whole scans too.
window = "{sum(WINDOW) / 2:g}/{WINDOW[1] - WINDOW[0]:g}"
valid_fraction = 0.12
test_fraction = 0.2

[mask]
classes = ["background", "pancreas"]

[model]
name = "unet"
image_width = 128
image_height = 128
image_channels = 1
base_filters = 16
num_layers = 4

[augmentation]
mode = "random"
probability = 0.3
hflip = false
elastic_alpha = 600.0

[train]
epochs = EPOCHS
batch_size = 8
learning_rate = 0.002
loss = "bce_dice_loss"
metrics = ["dice_coef"]
patience = 0
reducer_patience = 4
"""


@dataclass(frozen=True)
class Demo:
    """Where the demonstration's results lie."""

    folder: Path
    run: Path
    picture: Path
    summary: dict[str, Any]


def run_demo(folder: Path, reporter: Reporter, *, epochs: int = 20, patients: int = PATIENTS, seed: int = 137) -> Demo:
    """Make phantoms, train, evaluate on patients not seen, predict, and draw; some minutes on two cores.

    Results of an earlier demonstration in `folder` are put aside under a dated name.
    """
    if kept := keep_aside(folder, ours=_CONFIG_NAME):
        reporter.say(f"kept the earlier demonstration as {kept}")
    with reporter.task("making phantoms", patients, "patients") as advance:
        write_phantoms(folder / "dataset", patients, seed, advance)
    write_text(folder / _CONFIG_NAME, _CONFIG.replace("EPOCHS", str(epochs)))
    loaded = api.load_config(folder / _CONFIG_NAME, run_dir=folder / "run")
    run = api.train(loaded, reporter=reporter)
    evaluation = api.evaluate(loaded, reporter=reporter)
    test = pairs_of(loaded, "test", reporter)
    api.predict(loaded, [pair.image for pair in test], reporter=reporter)
    picture = folder / "demo.png"
    filled = [pair for pair in test if read_label(pair.mask, LabelRule()).sum() > 100]
    chosen = [filled[i] for i in np.linspace(0, len(filled) - 1, min(8, len(filled))).astype(int)]
    tiles = [_tile(pair, run.predictions / f"{pair.name}.png") for pair in chosen]
    write_bytes(picture, cv2.imencode(".png", sheet(tiles)[..., ::-1])[1].tobytes())
    return Demo(folder, run.path, picture, evaluation.summary)


def _tile(pair: Pair, prediction: Path) -> np.ndarray:
    """One slice with prediction and truth; enlarged before the outlines are drawn, so that they stay fine."""
    truth, found = read_label(pair.mask, LabelRule()), read_label(prediction, LabelRule())
    image = cv2.resize(read_image(pair.image), (_EDGE, _EDGE), interpolation=cv2.INTER_CUBIC)
    return overlay(image, resize_label(found, _EDGE, _EDGE), (255, 220, 0), resize_label(truth, _EDGE, _EDGE))


def sheet(pictures: list[np.ndarray], columns: int = 4) -> np.ndarray:
    """Pictures of one size side by side, `(H, W, 3)` uint8."""
    tiles = pictures + [np.zeros_like(pictures[0])] * (-len(pictures) % columns)
    rows = [np.concatenate(tiles[i : i + columns], axis=1) for i in range(0, len(tiles), columns)]
    return np.concatenate(rows)
