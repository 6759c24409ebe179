"""Pairs per second that the loader delivers in batches, from files and from the cache."""

from __future__ import annotations

import time
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


def delivered(folder: Path, cores: int) -> dict[str, float]:
    """The best of some epochs each; grey JPEG pictures and masks of 512x512, as the reference's data sets have them."""
    write_pictures(folder / "png", PICTURES, SIZE, channels=1)
    for part in ("images", "masks"):
        (folder / part).mkdir()
        for file in (folder / "png" / part).iterdir():
            cv2.imwrite(str(folder / part / f"{file.stem}.jpg"), cv2.imread(str(file), cv2.IMREAD_GRAYSCALE))
    (folder / "seed.config").write_text(SEED, encoding="utf-8")
    paths = [
        f"data.images={folder / 'images'}",
        f"data.masks={folder / 'masks'}",
        "data.valid_fraction=0",
        "data.test_fraction=0",
    ]
    modes = {"the reference's list": [], "everything at random, elastic always": [
        "augmentation.mode=random", "augmentation.probabilities={'elastic': 1.0, 'rotation': 1.0}"]}  # fmt: skip
    found = {}
    for what, overrides in modes.items():
        for kept in (False, True):
            cache = [f"data.cache={'true' if kept else 'false'}", f"data.cache_dir={folder / 'cache'}"]
            config = load(folder / "seed.config", [*paths, *overrides, *cache]).config
            dataset = prepare(config, Reporter(quiet=True)).train
            for workers in dict.fromkeys((1, cores)):
                batches = Batches(
                    dataset, 4, shuffle=True, augment=augmenter(config.augmentation, fresh=True), workers=workers
                )
                seconds = []
                for epoch in range(EPOCHS):
                    begin = time.perf_counter()
                    for _ in batches.epoch(epoch):
                        pass
                    seconds.append(time.perf_counter() - begin)
                source = "cache" if kept else "JPEG files"
                found[f"{what}, {source}, {workers} worker{'s' * (workers > 1)}"] = round(PICTURES / min(seconds), 1)
    return found
