"""Prediction of images and folders into files: masks, overlays, probabilities."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from io import BytesIO
from operator import attrgetter
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from maskwright.config.schema import MaskSection, PredictSection
from maskwright.data.pairs import by_stem, list_images
from maskwright.errors import MaskwrightError
from maskwright.inference.decision import Decision, decision
from maskwright.inference.engines import Engine
from maskwright.inference.masks import class_colour, mask_bytes, mask_suffix
from maskwright.inference.overlay import overlay
from maskwright.inference.postprocess import cleaning
from maskwright.inference.slices import Picture, ahead, full_probabilities, load_picture, run_batches
from maskwright.progress import Reporter
from maskwright.storage import keep_aside, make_folder, write_bytes, write_json

_MANIFEST = "predictions.json"


@dataclass(frozen=True)
class Predictions:
    """What a prediction wrote, and what it could not read."""

    output: Path
    overlays: Path | None
    masks: list[Path] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def mark(self, class_names: Sequence[str], decided: Decision) -> None:
        """Write what was done; the file also says that the folder is ours."""
        write_json(
            self.output / _MANIFEST,
            {
                "masks": [path.name for path in self.masks],
                "failed": self.failed,
                "classes": list(class_names),
                "thresholds": list(decided.thresholds),
            },
        )


def find_images(sources: Sequence[Path]) -> list[Path]:
    """Image files of files and folders, in the order given; no two may have the same name.

    Raises:
        MaskwrightError: a folder or file is missing, or two results would have the same name.
    """
    found: list[Path] = []
    for source in sources:
        if source.is_file():
            found.append(source)
        elif source.is_dir() and not any(source.iterdir()):
            raise MaskwrightError("is an empty folder", where=source, fix="Name pictures, scans, or folders of them.")
        else:
            found += list_images(source)
    by_stem(found)
    return found


def predict_files(
    engine: Engine,
    images: Sequence[Path],
    output: Path,
    options: PredictSection,
    reporter: Reporter,
    *,
    mask: MaskSection | None = None,
    overlays: Path | None = None,
    tiled: bool = False,
    ours: bool = False,
) -> Predictions:
    """Predict images into files.

    Args:
        output: folder of the masks. overlays: folder of the overlays; `overlays` in `output` where None.
        mask: colours of the classes, for masks in colour.
        tiled: in tiles instead of resized to the network.
        ours: the folders are the configuration's own; older results in them are put aside as a whole.

    Raises:
        MaskwrightError: files of the same name are there already, the folder cannot be written, or not one image
            could be read.
    """
    merged = (overlays or output / "overlays") if options.overlays else None
    classes, decide = engine.metadata.label_rule.classes, decision(engine.metadata, options)
    clean = cleaning(engine.metadata, options.postprocess)
    make_room(output, [f"{path.stem}{mask_suffix(options, classes)}" for path in images], reporter, ours=ours)
    if merged and merged.parent != output:
        make_room(merged, [path.name for path in images], reporter, ours=ours)
    result = Predictions(output, merged)
    stream: Iterator[tuple[Path, Picture | MaskwrightError, np.ndarray | None]]
    if tiled:
        stream = ((path, item, None) for path, item in ahead(images, partial(load_picture, engine), count=2))
    else:
        stream = run_batches(engine, images, partial(load_picture, engine), attrgetter("inputs"), options.batch_size)
    with reporter.task("predicting", len(images), "images") as advance:
        for path, item, small in stream:
            advance()
            if isinstance(item, MaskwrightError):
                reporter.warn(str(item))
                result.failed.append(str(path))
                continue
            found = full_probabilities(engine, item, small, options, tiled=tiled)
            label = clean(decide(found))
            result.masks.append(_write(path, item.image, label, found, output, merged, options, mask, classes))
    result.mark(engine.metadata.class_names, decide)
    if result.failed and not result.masks:
        raise MaskwrightError(
            f"none of {len(images)} images could be read", where=images[0].parent, fix="See the list above."
        )
    return result


def make_room(folder: Path, names: Sequence[str], reporter: Reporter, *, ours: bool) -> None:
    """Make the folder; results that are in the way are put aside, files that are not ours stop the prediction."""
    taken = [name for name in names if (folder / name).exists()]
    if taken and (ours or (folder / _MANIFEST).exists()):
        kept = keep_aside(folder)
        reporter.say(f"kept what was in {folder} as {kept.name if kept else ''}")
    elif taken:
        raise MaskwrightError(
            f"holds {taken[0]} already ({len(taken)} such files), and Maskwright did not write it",
            where=folder,
            fix="Choose another folder with --output.",
        )
    make_folder(folder)


def _write(
    path: Path,
    image: np.ndarray,
    label: np.ndarray,
    probabilities: np.ndarray,
    output: Path,
    merged: Path | None,
    options: PredictSection,
    mask: MaskSection | None,
    classes: int,
) -> Path:
    target = output / f"{path.stem}{mask_suffix(options, classes)}"
    write_bytes(target, mask_bytes(label, options, classes))
    if merged:
        separate = merged.parent != output
        drawn = overlay(image, label, options.outline)
        name = path.name if separate else f"{path.stem}.png"
        write_bytes(merged / name, _encoded(drawn, Path(name).suffix))
    if options.probabilities:
        for number in range(probabilities.shape[-1]):
            ending = "" if probabilities.shape[-1] == 1 else f"_class{number}"
            levels = np.rint(probabilities[..., number] * 65535).astype(np.uint16)
            write_bytes(
                output / "probabilities" / f"{path.stem}{ending}.png", cv2.imencode(".png", levels)[1].tobytes()
            )
    if options.class_colors:
        colours = list(mask.colors) if mask and mask.colors else [(0, 0, 0), *map(class_colour, range(1, classes))]
        folder = options.class_colors_dir or output / "colors"
        write_bytes(folder / f"{path.stem}.png", _encoded(np.array(colours, np.uint8)[label], ".png"))
    return target


def _encoded(picture: np.ndarray, suffix: str) -> bytes:
    buffer = BytesIO()
    kind = Image.registered_extensions().get(suffix.lower(), "PNG")
    Image.fromarray(picture).save(buffer, kind, **({"quality": 95} if kind == "JPEG" else {}))
    return buffer.getvalue()
