"""Scoring a folder of anybody's masks against a folder of ground truth: pictures, or label maps of scans."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from maskwright.config import Configuration
from maskwright.data.images import SUFFIXES as PICTURES
from maskwright.data.images import read_image
from maskwright.data.label_rules import decide_rule, volume_rule
from maskwright.data.model_space import scan_classes
from maskwright.data.pairs import Pair, match_pairs, shorten
from maskwright.data.preprocess import resize_label
from maskwright.data.records import read_label
from maskwright.data.splits import with_patients
from maskwright.errors import MaskwrightError
from maskwright.evaluation.masks import picture_scale, scan_scale, score_masks
from maskwright.evaluation.scores import ImageScore
from maskwright.progress import Reporter
from maskwright.volumes.read import is_volume, read_labels

_LOOKED_AT = 64


@dataclass(frozen=True)
class FolderScores:
    """Scores of each image or scan, their units, and the two files of each, by name."""

    images: list[ImageScore]
    units: dict[str, str | float]
    files: dict[str, tuple[str, str]]


def score_folders(
    predictions: Path, truth: Path, config: Configuration, reporter: Reporter, *, resize: bool = False
) -> FolderScores:
    """Scores of every prediction that has a ground truth of its name.

    Args:
        config: its [mask] and `model.num_classes` say what the values of both folders' masks mean,
            `data.patient_pattern` finds the patient in a name, [evaluate] has spacing and tolerance.
        resize: bring pictures of another size to that of their truth, instead of refusing them.

    Raises:
        MaskwrightError: a folder or file that is missing or cannot be read, sizes that differ, or a label map that does
            not lie on its truth.
    """
    scans = _holds_scans(predictions)
    matched, missing = match_pairs(predictions, truth, scans=scans)
    if missing:
        names = shorten([path.name for path in missing])
        reporter.warn(f"{len(missing)} masks of {truth} have no prediction and are not scored: {names}")
    pairs = with_patients(matched, config.data.patient_pattern)
    score = _scan_scorer(config) if scans else _picture_scorer(pairs, config, resize)
    found = []
    with reporter.task("scoring", len(pairs), "scans" if scans else "images") as advance:
        for pair in pairs:
            found.append(score(pair))
            advance()
    tolerance = config.evaluate.tolerance
    scale = scan_scale((), 1, tolerance) if scans else picture_scale(config.evaluate.spacing, tolerance)
    return FolderScores(found, scale.units, {pair.name: (str(pair.image), str(pair.mask)) for pair in pairs})


def _holds_scans(folder: Path) -> bool:
    if not folder.is_dir():
        return False  # said where the pairs are looked for
    names = [path for path in folder.iterdir() if not path.name.startswith(".")]
    return any(map(is_volume, names)) and not any(path.suffix.lower() in PICTURES for path in names)


def _picture_scorer(pairs: Sequence[Pair], config: Configuration, resize: bool):  # type: ignore[no-untyped-def]
    section, classes = config.mask, config.model.num_classes
    certain = section.model_copy(update={"ignore": None})  # a prediction says something of every pixel
    rules = [
        decide_rule(certain, classes, (read_image(path, palette=True) for path in _some([p.image for p in pairs]))),
        decide_rule(section, classes, (read_image(path, palette=True) for path in _some([p.mask for p in pairs]))),
    ]
    scale = picture_scale(config.evaluate.spacing, config.evaluate.tolerance)

    def score(pair: Pair) -> ImageScore:
        prediction, truth = read_label(pair.image, rules[0]), read_label(pair.mask, rules[1])
        if prediction.shape != truth.shape:
            if not resize:
                raise MaskwrightError(
                    f"is {_size(prediction)}, and its truth {pair.mask} is {_size(truth)}",
                    where=pair.image,
                    fix="Score masks of the same size, or give --resize.",
                )
            prediction = resize_label(prediction, *truth.shape)
        return score_masks(pair.name, pair.patient, prediction, truth, rules[1], scale)

    return score


def _scan_scorer(config: Configuration):  # type: ignore[no-untyped-def]
    rule = volume_rule(config.mask, config.model.num_classes)

    def score(pair: Pair) -> ImageScore:
        truth = read_labels(pair.mask)
        prediction = read_labels(pair.image, truth)
        scale = scan_scale(truth.grid.spacing, truth.grid.voxel_ml, config.evaluate.tolerance)
        found = scan_classes(prediction.array, replace(rule, ignore=None), prediction.name)
        true = scan_classes(truth.array, rule, truth.name)
        return score_masks(pair.name, pair.patient, found, true, rule, scale)

    return score


def _some(paths: Sequence[Path]) -> list[Path]:
    return [paths[i] for i in np.unique(np.linspace(0, len(paths) - 1, _LOOKED_AT).astype(int))]


def _size(label: np.ndarray) -> str:
    return f"{label.shape[1]} x {label.shape[0]} px"
