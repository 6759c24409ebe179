"""Pairs per second that the loader delivers in batches, from files and from the cache."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import cv2
from _common import write_pictures

from maskwright.config import load
from maskwright.data.loader import Batches
from maskwright.progress import Reporter
from maskwright.training.prepare import prepare
from maskwright.training.samples import augmenter

PICTURES, SIZE, EPOCHS = 96, 512, 3
SEED = """
[model]
generator = True
image_width = 512
image_height = 512
image_channels = 1
[generator]
debug = False
[train]
batch_size = 4
[augmentor]
vflip = False
hflip = False
rotation = True
angles = [5, 10]
shears = [0.2]
transformer = True
alpah = 1300
sigmoid = 8
"""


def pictures(folder: Path) -> Path:
    """Grey JPEG pictures and masks of 512x512, as the reference's data sets have them, and a configuration for them."""
    write_pictures(folder / "png", PICTURES, SIZE, channels=1)
    for part in ("images", "masks"):
        (folder / part).mkdir()
        for file in (folder / "png" / part).iterdir():
            cv2.imwrite(str(folder / part / f"{file.stem}.jpg"), cv2.imread(str(file), cv2.IMREAD_GRAYSCALE))
    config = folder / "seed.config"
    config.write_text(SEED, encoding="utf-8")
    return config


def modes(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """What is measured: two ways to augment, from files and from the cache; each with its overrides."""
    paths = [f"data.images={folder / 'images'}", f"data.masks={folder / 'masks'}"]
    paths += ["data.valid_fraction=0", "data.test_fraction=0", f"data.cache_dir={folder / 'cache'}"]
    random = ["augmentation.mode=random", "augmentation.probabilities={'elastic': 1.0, 'rotation': 1.0}"]
    for what, overrides in (("the reference's list", []), ("everything at random, elastic always", random)):
        for source, kept in (("JPEG files", "false"), ("cache", "true")):
            yield f"{what}, {source}", [*paths, *overrides, f"data.cache={kept}"]


def delivered(folder: Path, cores: int) -> dict[str, float]:
    """The best of some epochs each."""
    config_path = pictures(folder)
    found = {}
    for what, overrides in modes(folder):
        config = load(config_path, overrides).config
        dataset = prepare(config, Reporter(quiet=True)).train
        augment = augmenter(config.augmentation, dataset.input_rule, fresh=True)
        for workers in dict.fromkeys((1, cores)):
            batches = Batches(dataset, 4, shuffle=True, augment=augment, workers=workers)
            seconds = []
            for epoch in range(EPOCHS):
                begin = time.perf_counter()
                for _ in batches.epoch(epoch):
                    pass
                seconds.append(time.perf_counter() - begin)
            found[f"{what}, {workers} worker{'s' * (workers > 1)}"] = round(PICTURES / min(seconds), 1)
    return found
