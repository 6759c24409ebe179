"""Scoring a folder of anybody's masks against a folder of ground truth: pictures, or label maps of scans."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from maskwright.config import Configuration
from maskwright.data.images import SUFFIXES as PICTURES
from maskwright.data.large import in_pieces
from maskwright.data.pairs import Pair, match_pairs, shorten
from maskwright.data.preprocess import resize_label
from maskwright.data.splits import with_patients
from maskwright.errors import MaskwrightError
from maskwright.evaluation.masks import picture_scale, scan_scale, score_masks
from maskwright.evaluation.scores import ImageScore
from maskwright.folders.meaning import Meaning
from maskwright.folders.one_rule import decide_meaning, is_configured
from maskwright.folders.values import MOST_PICTURES, MOST_SCANS, Values, picture_values, scan_values
from maskwright.labels.regions import IGNORED
from maskwright.progress import Reporter
from maskwright.volumes.read import is_volume, read_labels


@dataclass(frozen=True)
class FolderScores:
    """Scores of each image or scan, their units, the two files of each by name, and what the masks mean and why."""

    images: list[ImageScore]
    units: dict[str, str | float]
    files: dict[str, tuple[str, str]]
    meaning: Meaning
    values: dict[str, Any]


def score_folders(
    predictions: Path, truth: Path, config: Configuration, reporter: Reporter, *, resize: bool = False
) -> FolderScores:
    """Scores of every prediction that has a ground truth of its name.

    Args:
        config: its [mask] and (where set) `model.num_classes` say what the values of both folders' masks mean, else
            the values themselves do (`decide_meaning`); `data.patient_pattern` finds the patient in a name, [evaluate]
            has spacing and tolerance.
        resize: bring pictures of another size to that of their truth, instead of refusing them.

    Raises:
        MaskwrightError: a folder or file that is missing or cannot be read, values that do not fit each other, sizes
            that differ, or a label map that does not lie on its truth.
    """
    scans = _holds_scans(predictions)
    matched, missing = match_pairs(predictions, truth, scans=scans)
    if missing:
        names = shorten([path.name for path in missing])
        reporter.warn(f"{len(missing)} masks of {truth} have no prediction and are not scored: {names}")
    pairs = with_patients(matched, config.data.patient_pattern)
    pairs = pairs if scans else in_pieces(pairs)
    values = None if is_configured(config) else _values(predictions, truth, pairs, reporter, scans=scans)
    meaning = decide_meaning(config, values, scans=scans)
    void = _Void(meaning)
    score = _scan_scorer(config, meaning, void) if scans else _picture_scorer(config, meaning, void, resize=resize)
    found = []
    with reporter.task("scoring", len(pairs), "scans" if scans else "images") as advance:
        for pair in pairs:
            found.append(score(pair))
            advance()
    if void.pixels:
        reporter.warn(
            f"{void.files} predictions hold {meaning.rule.ignore} (void) in {void.pixels} pixels that the truth knows: "
            "they count as background"
        )
    tolerance = config.evaluate.tolerance
    scale = scan_scale((), 1, tolerance) if scans else picture_scale(config.evaluate.spacing, tolerance)
    files = {pair.name: (str(pair.image), str(pair.mask)) for pair in pairs}
    told: dict[str, Any] = {}
    if values is not None:
        told = {name: one.listed() for name, one in zip(("predictions", "truth"), values, strict=True)}
        told |= {"looked_at": values[0].looked_at, "of": values[0].total}
    return FolderScores(found, scale.units, files, meaning, told | {"predicted_void_pixels": void.pixels})


def _holds_scans(folder: Path) -> bool:
    if not folder.is_dir():
        return False  # said where the pairs are looked for
    names = [path for path in folder.iterdir() if not path.name.startswith(".")]
    return any(map(is_volume, names)) and not any(path.suffix.lower() in PICTURES for path in names)


def _values(
    predictions: Path, truth: Path, pairs: Sequence[Pair], reporter: Reporter, *, scans: bool
) -> tuple[Values, Values]:
    look, most = (scan_values, MOST_SCANS) if scans else (picture_values, MOST_PICTURES)
    with reporter.task("looking at the values", 2 * min(most, len(pairs)), "masks") as step:
        return (
            look(predictions, [(pair.image, pair.window) for pair in pairs], step),
            look(truth, [pair.mask_part for pair in pairs], step),
        )


class _Void:
    """A prediction says something of every pixel: what is void in it is of no class, and that is counted."""

    def __init__(self, meaning: Meaning) -> None:
        self.files = self.pixels = 0
        self._possible = meaning.rule.ignore is not None

    def filled(self, prediction: np.ndarray, truth: np.ndarray) -> np.ndarray:
        """A prediction with background where it holds the void value."""
        if not self._possible or not (hidden := prediction == IGNORED).any():
            return prediction
        known = int(np.count_nonzero(hidden & (truth != IGNORED)))
        self.files, self.pixels = self.files + bool(known), self.pixels + known
        return np.where(hidden, np.uint8(0), prediction)


def _picture_scorer(
    config: Configuration, meaning: Meaning, void: _Void, *, resize: bool
) -> Callable[[Pair], ImageScore]:
    scale = picture_scale(config.evaluate.spacing, config.evaluate.tolerance)

    def score(pair: Pair) -> ImageScore:
        prediction = meaning.of_picture(pair.image, pair.window, predicted=True)
        truth = meaning.of_picture(pair.mask, pair.window)
        if prediction.shape != truth.shape:
            if not resize:
                raise MaskwrightError(
                    f"is {_size(prediction)}, and its truth {pair.mask} is {_size(truth)}",
                    where=pair.image,
                    fix="Score masks of the same size, or give --resize.",
                )
            prediction = resize_label(prediction, *truth.shape)
        return score_masks(pair.name, pair.patient, void.filled(prediction, truth), truth, meaning.rule, scale)

    return score


def _scan_scorer(config: Configuration, meaning: Meaning, void: _Void) -> Callable[[Pair], ImageScore]:
    def score(pair: Pair) -> ImageScore:
        truth = read_labels(pair.mask)
        prediction = read_labels(pair.image, truth)
        scale = scan_scale(truth.grid.spacing, truth.grid.voxel_ml, config.evaluate.tolerance)
        true = meaning.of_scan(truth.array, pair.mask)
        found = void.filled(meaning.of_scan(prediction.array, pair.image, predicted=True), true)
        return score_masks(pair.name, pair.patient, found, true, meaning.rule, scale)

    return score


def _size(label: np.ndarray) -> str:
    return f"{label.shape[1]} x {label.shape[0]} px"
