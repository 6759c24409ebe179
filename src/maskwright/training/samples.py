"""Augmenting what the loader reads, and keeping copies of it where somebody wants to look."""

from __future__ import annotations

import threading
from pathlib import Path

import cv2
import numpy as np

from maskwright.augment.pipeline import apply, draw
from maskwright.config.schema import AugmentationSection
from maskwright.data.loader import Augment
from maskwright.storage import keep_aside, make_folder, write_bytes


def augmenter(options: AugmentationSection, *, fresh: bool) -> Augment | None:
    """The function that the loader calls for each pair, or None where nothing is done.

    Args:
        options: what is done, and whether copies are kept.
        fresh: a new training, for which older copies are put aside.
    """
    if options.mode == "off" and not options.debug:
        return None
    copies = Copies(options.debug_images_dir, options.debug_masks_dir, fresh=fresh) if options.debug else None

    def augment(
        rng: np.random.Generator, image: np.ndarray, label: np.ndarray, name: str
    ) -> tuple[np.ndarray, np.ndarray]:
        drawn = draw(rng, options, label.shape)
        image, label = apply(
            image,
            label,
            drawn,
            image_order=options.interpolation,
            label_order=options.label_interpolation,
        )
        if copies:
            copies.keep(f"{drawn.prefix}{name}.jpg", image, label)
        return image, label

    return augment


class Copies:
    """Pictures as they are trained on, under the reference's names; each name is written once."""

    def __init__(self, images: Path, masks: Path, *, fresh: bool) -> None:
        self.images, self.masks = images, masks
        for folder in (images, masks):
            if fresh:
                keep_aside(folder)
            make_folder(folder)
        self._lock = threading.Lock()
        self._known: set[str] = set()

    def keep(self, name: str, image: np.ndarray, label: np.ndarray) -> None:
        """Write one pair, unless there is one of its name."""
        with self._lock:
            if name in self._known:
                return
            self._known.add(name)
        levels = image if image.dtype == np.uint8 else cv2.normalize(image, None, 0, 255, cv2.NORM_MINMAX, cv2.CV_8U)
        levels = levels.reshape(*image.shape)
        spread = label * (255 // max(int(label.max()), 1))
        for folder, picture in ((self.images, levels[..., ::-1]), (self.masks, spread)):
            write_bytes(folder / name, cv2.imencode(".jpg", picture)[1].tobytes())
