"""Every part of a data set, as its configuration says."""

from __future__ import annotations

from maskwright.config import Configuration
from maskwright.data.splits import Splits, collect, drawn
from maskwright.errors import MaskwrightError


def validates(config: Configuration) -> bool:
    """Whether there is anything to validate on."""
    return config.data.valid.images is not None or config.data.valid_fraction > 0


def split(config: Configuration) -> tuple[Splits, list[str]]:
    """Every part that the configuration has; a test folder that cannot be read is left out with a note.

    Raises:
        MaskwrightError: training or validation cannot be read, or are not there.
    """
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
