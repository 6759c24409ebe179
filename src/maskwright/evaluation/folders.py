"""Scoring a folder of anybody's masks against a folder of ground truth."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from maskwright.config.schema import MaskSection
from maskwright.data.images import read_image
from maskwright.data.label_rules import decide_rule
from maskwright.data.labels import LabelRule
from maskwright.data.pairs import Pair, match_pairs, shorten
from maskwright.data.preprocess import resize_label
from maskwright.data.records import read_label
from maskwright.data.splits import with_patients
from maskwright.errors import MaskwrightError
from maskwright.evaluation.scores import ImageScore, count_pixels
from maskwright.progress import Reporter

_LOOKED_AT = 64


def score_folders(
    predictions: Path,
    truth: Path,
    section: MaskSection,
    num_classes: int,
    pattern: str | None,
    reporter: Reporter,
    *,
    resize: bool = False,
) -> list[ImageScore]:
    """Counts of every prediction that has a ground truth of its name.

    Args:
        section: what the values of both folders' masks mean.
        num_classes: 1 for one structure, else classes with background.
        pattern: finds the patient in a name.
        resize: bring predictions of another size to that of their truth, instead of refusing them.

    Raises:
        MaskwrightError: a folder or file that is missing or cannot be read, or sizes that differ.
    """
    matched, missing = match_pairs(predictions, truth)
    if missing:
        names = shorten([path.name for path in missing])
        reporter.warn(f"{len(missing)} masks of {truth} have no prediction and are not scored: {names}")
    pairs = with_patients(matched, pattern)
    certain = section.model_copy(update={"ignore": None})  # a prediction says something of every pixel
    rules = [
        _rule(certain, num_classes, [pair.image for pair in pairs]),
        _rule(section, num_classes, [pair.mask for pair in pairs]),
    ]
    found = []
    with reporter.task("scoring", len(pairs), "images") as advance:
        for pair in pairs:
            found.append(_score(pair, rules, resize))
            advance()
    return found


def _rule(section: MaskSection, num_classes: int, paths: Sequence[Path]) -> LabelRule:
    chosen = [paths[i] for i in np.unique(np.linspace(0, len(paths) - 1, _LOOKED_AT).astype(int))]
    return decide_rule(section, num_classes, (read_image(path, palette=True) for path in chosen))


def _score(pair: Pair, rules: Sequence[LabelRule], resize: bool) -> ImageScore:
    prediction, truth = read_label(pair.image, rules[0]), read_label(pair.mask, rules[1])
    if prediction.shape != truth.shape:
        if not resize:
            raise MaskwrightError(
                f"is {_size(prediction)}, and its truth {pair.mask} is {_size(truth)}",
                where=pair.image,
                fix="Score masks of the same size, or give --resize.",
            )
        prediction = resize_label(prediction, *truth.shape)
    return ImageScore(pair.name, pair.patient, count_pixels(prediction, truth, rules[1].classes, rules[1].regions))


def _size(label: np.ndarray) -> str:
    return f"{label.shape[1]} x {label.shape[0]} px"
