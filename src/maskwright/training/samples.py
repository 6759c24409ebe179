"""Augmenting what the loader reads, and keeping copies of it where somebody wants to look."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import cv2
import numpy as np

from maskwright.augment.base import Drawn
from maskwright.augment.pipeline import apply, draw, record
from maskwright.config.schema import AugmentationSection
from maskwright.data.loader import Batch
from maskwright.data.pairs import Pair
from maskwright.data.patches import Box
from maskwright.data.preprocess import InputRule
from maskwright.data.samples import SampleId
from maskwright.errors import MaskwrightError
from maskwright.inference.overlay import viewable
from maskwright.labels.regions import IGNORED
from maskwright.sheets import line
from maskwright.storage import keep_aside, make_folder, write_bytes, write_error


def augmenter(
    options: AugmentationSection, rule: InputRule, *, fresh: bool, table: Path | None = None
) -> Augmenter | None:
    """What the loader calls for each pair, or None where nothing is done.

    Args:
        options: what is done, and whether copies are kept. rule: what the channels are.
        fresh: a new training, for which older copies are put aside.
        table: a CSV file that says of each copy which sample it is and what was done to it.
    """
    if options.mode == "off" and not options.debug:
        return None
    if not options.debug:
        return Augmenter(options, spacing=rule.spacing)
    if rule.depth:
        raise MaskwrightError(
            "keeps copies of pictures, not of volumes", where="[augmentation] debug", fix="Set it to false."
        )
    return Augmenter(options, Copies(options.debug_images_dir, options.debug_masks_dir, rule, table, fresh=fresh))


class Augmenter:
    """Draws from the sample's own source of chance, and applies; so any sample can be made again."""

    def __init__(
        self, options: AugmentationSection, copies: Copies | None = None, spacing: tuple[float, ...] = ()
    ) -> None:
        self.options, self.copies, self.spacing = options, copies, spacing or None

    def __call__(
        self, sample: SampleId, image: np.ndarray, label: np.ndarray, pair: Pair, patch: Box | None = None
    ) -> Batch:
        """The augmented pair, or the augmented patch of a volume."""
        drawn = draw(sample.rng(), self.options, patch[1] if patch else label.shape, self.spacing)
        image, label = self.apply(image, label, drawn, patch)
        if self.copies:
            self.copies.keep(sample, drawn, image, label, pair)
        return image, label

    def apply(self, image: np.ndarray, label: np.ndarray, drawn: Drawn, patch: Box | None = None) -> Batch:
        """Apply with the configured interpolation."""
        orders = self.options.interpolation, self.options.label_interpolation
        return apply(image, label, drawn, image_order=orders[0], label_order=orders[1], patch=patch)


class Copies:
    """Pictures as they are trained on, under the reference's names; each name is written once."""

    def __init__(self, images: Path, masks: Path, rule: InputRule, table: Path | None, *, fresh: bool) -> None:
        self.images, self.masks, self.rule, self.table = images, masks, rule, table
        for folder in (images, masks):
            if fresh:
                keep_aside(folder)
            make_folder(folder)
        if table and not table.exists():
            self._write(("file", "source", "sample", "seed", "transforms"))
        self._lock = threading.Lock()
        self._known: set[str] = set()

    def keep(self, sample: SampleId, drawn: Drawn, image: np.ndarray, label: np.ndarray, pair: Pair) -> None:
        """Write one pair, unless there is one of its name."""
        name = f"{drawn.prefix}{pair.name}.jpg"
        with self._lock:
            if name in self._known:
                return
            self._known.add(name)
            self._write((name, pair.image.name, str(sample), sample.seed, json.dumps(record(drawn))))
        image = self.rule.middle(image)
        levels = viewable(image)[..., : image.shape[2]]  # grey ones as such
        label = np.where(label == IGNORED, np.uint8(0), label)
        spread = label * (255 // max(int(label.max()), 1))
        for folder, picture in ((self.images, levels[..., ::-1]), (self.masks, spread)):
            write_bytes(folder / name, cv2.imencode(".jpg", picture)[1].tobytes())

    def _write(self, row: tuple[object, ...]) -> None:
        if self.table is None:
            return
        try:
            with self.table.open("a", newline="", encoding="utf-8") as file:
                file.write(line(row))
        except OSError as error:
            raise write_error(self.table, error) from error
