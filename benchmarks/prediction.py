"""Prediction of a folder against `model.predict` one image at a time, files to files.

    python benchmarks/prediction.py

The plain way: for each file cv2.imread, resize, `model.predict`, resize back, threshold, cv2.imwrite. Ours: `maskwright
predict` with the same weights, masks only (no overlays), in float32 and in what `auto` chooses on this machine.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from statistics import median

import cv2
import numpy as np
from _common import interleaved, show, write_pictures

from maskwright.backend import seed_everything


def main() -> None:
    from maskwright.config import Configuration
    from maskwright.data.preprocess import InputRule
    from maskwright.inference.engines import KerasEngine
    from maskwright.inference.predict import find_images, predict_files
    from maskwright.labels.rule import LabelRule
    from maskwright.models.metadata import Metadata
    from maskwright.models.saving import build, load_model, save_model
    from maskwright.precision import choose_precision
    from maskwright.progress import Reporter

    seed_everything(137, deterministic=True)
    options = {"base_filters": 16, "num_layers": 7, "base_kernels": (5, 5), "dilation": (2, 2), "dropout_rate": 0.08}
    metadata = Metadata("unet", options, 1, ["background", "organ"], InputRule(256, 256, 3), LabelRule())
    settings = Configuration().predict.model_copy(update={"overlays": False})
    reporter = Reporter(quiet=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_pictures(folder, 48, 512)
        save_model(build(metadata), folder / "model.keras", metadata)
        images = find_images([folder / "images"])
        plain_model, _ = load_model(folder / "model.keras")
        best = choose_precision("auto", folder)
        engines = {p: KerasEngine(*load_model(folder / "model.keras", p)) for p in dict.fromkeys(["float32", best])}

        def plain() -> None:
            for path in images:
                image = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
                small = cv2.resize(image, (256, 256), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
                found = plain_model.predict(small[None], verbose=0)[0, ..., 0]
                mask = (cv2.resize(found, (512, 512)) >= 0.5).astype(np.uint8) * 255
                cv2.imwrite(str(folder / "plain" / path.name), mask)

        def ours(precision: str) -> None:
            shutil.rmtree(folder / precision, ignore_errors=True)
            predict_files(engines[precision], images, folder / precision, settings, reporter)

        (folder / "plain").mkdir()
        ways = {"model.predict, one image at a time": plain}
        ways |= {f"maskwright predict, {p}": (lambda p=p: ours(p)) for p in engines}
        interleaved(ways, 1)
        seconds = interleaved(ways, 5)
        first = seconds["model.predict, one image at a time"]
        ratios = {
            f"ratio {p}": round(
                median(a / b for a, b in zip(first, seconds[f"maskwright predict, {p}"], strict=True)), 2
            )
            for p in engines
        }
    show(
        "prediction of a folder of 512x512 images by the seed's network at 256x256",
        {name: len(images) / median(values) for name, values in seconds.items()},
        "img/s",
        ratios | {"asked": 3.0},
    )


if __name__ == "__main__":
    main()
