"""Every part of a data set, as its configuration says."""

from __future__ import annotations

from collections.abc import Collection
from typing import NoReturn

import numpy as np

from maskwright.config import Configuration
from maskwright.data.splits import Splits, collect, drawn
from maskwright.errors import MaskwrightError


def validates(config: Configuration) -> bool:
    """Whether there is anything to validate on."""
    return config.data.valid.images is not None or config.data.valid_fraction > 0


def split(config: Configuration) -> tuple[Splits, list[str]]:
    """Every part that the configuration has; a test folder that cannot be read is left out with a note.

    Raises:
        MaskwrightError: training or validation cannot be read, or are not there; a share of folds.
    """
    splits, notes = _all_of(config)
    share = config.data.train_share
    if share < 1:
        if config.data.fold is not None:
            refuse_share_of_folds()
        kept = some_patients({pair.patient for pair in splits["train"]}, share, config.split_seed)
        everyone = len({pair.patient for pair in splits["train"]})
        splits = splits | {"train": [pair for pair in splits["train"] if pair.patient in kept]}
        notes = [*notes, f"only {len(kept)} of {everyone} training patients are trained on (data.train_share)"]
    return splits, notes


def refuse_share_of_folds() -> NoReturn:
    """Refuse a share of the patients in a cross-validation."""
    raise MaskwrightError(
        "does not go with folds, in which every patient is trained on",
        where="[data] train_share",
        fix="Leave out data.fold (or --fold), or the share.",
    )


def some_patients(patients: Collection[str], share: float, seed: int) -> set[str]:
    """A share of patients, one at least; a larger share of the same patients holds all of a smaller one."""
    order = np.random.default_rng(seed).permutation(sorted(patients))
    return {str(patient) for patient in order[: max(1, round(share * len(order)))]}


def _all_of(config: Configuration) -> tuple[Splits, list[str]]:
    data, seed, scans, notes = config.data, config.split_seed, bool(config.model.image_depth), list[str]()
    parts = ["train", *(["valid"] if validates(config) else [])]
    if data.images is not None:
        splits = drawn(data, seed, scans)
        return splits if set(parts) <= set(splits) else collect(data, parts, seed=seed, scans=scans), notes
    splits = collect(data, parts, seed=seed, scans=scans)
    if data.test.images is not None:
        try:
            splits |= collect(data, ("test",), seed=seed, scans=scans)
        except MaskwrightError as error:
            notes.append(f"the test part is not in the plan, because it cannot be read: {error}")
    return splits, notes
