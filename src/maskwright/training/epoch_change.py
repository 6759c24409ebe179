"""Predictions of some pictures after each epoch, to watch a network learn (the reference's epoch-change inference)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2

from maskwright.config import Configuration
from maskwright.data.cases import CaseFiles
from maskwright.errors import MaskwrightError
from maskwright.inference.engines import KerasEngine
from maskwright.inference.masks import mask_picture
from maskwright.inference.predict import find_images
from maskwright.inference.slices import predict_image, rule_of_set
from maskwright.models.metadata import Metadata
from maskwright.progress import Reporter
from maskwright.storage import keep_aside, make_folder, write_bytes


class EpochPredictions:
    """Writes `Epoch_<n>_<name>.jpg` for the first pictures of `predict.images_dir`, where the configuration asks."""

    def __init__(self, config: Configuration, model: Any, metadata: Metadata) -> None:
        settings = config.train
        self.engine = KerasEngine(model, metadata)
        self.config = config
        predict = config.predict
        asked = [
            (False, settings.epoch_change_infer, settings.epoch_change_infer_dir, predict.images_dir),
            (True, settings.epoch_change_tiledinfer, settings.epoch_change_tiledinfer_dir, predict.tiles.images_dir),
        ]
        self.tasks: list[tuple[bool, Path, list[CaseFiles]]] = []
        for tiled, wanted, folder, source in asked:
            if not wanted:
                continue
            if source is None:
                section = "predict.tiles" if tiled else "predict"
                raise MaskwrightError(
                    "is not set, and pictures are to be predicted after each epoch",
                    where=f"[{section}] images_dir",
                    fix="Name a folder of images.",
                )
            self.tasks.append(
                (
                    tiled,
                    folder,
                    find_images([source], metadata.input_rule.channel_patterns)[: settings.num_infer_images],
                )
            )

    def begin(self, reporter: Reporter) -> None:
        """Put what an earlier training left in the folders aside."""
        for _, folder, _ in self.tasks:
            if kept := keep_aside(folder):
                reporter.say(f"kept what was in {folder} as {kept.name}")
            make_folder(folder)

    def write(self, epoch: int) -> None:
        """Predict with the weights as they are now; `epoch` counts from 1."""
        for tiled, folder, images in self.tasks:
            rule = rule_of_set(self.engine, [one.paths for one in images], self.config.predict)
            for one in images:
                label = predict_image(self.engine, one.paths, self.config.predict, tiled=tiled, rule=rule)
                ending = one.paths[0].suffix if tiled else ".jpg"
                picture = mask_picture(label, self.config.predict, self.engine.metadata.label_rule.classes)
                data = cv2.imencode(ending, picture[..., ::-1] if picture.ndim == 3 else picture)[1].tobytes()
                write_bytes(folder / f"Epoch_{epoch}_{one.name}{ending}", data)
