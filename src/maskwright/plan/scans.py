"""Opening scans for a plan: what is in each, in its own voxels."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from maskwright.config import Configuration
from maskwright.data.model_space import scan_classes
from maskwright.data.pairs import Pair
from maskwright.data.records import Record, describe_volume
from maskwright.data.threads import cores
from maskwright.errors import MaskwrightError, together
from maskwright.labels.rule import LabelRule
from maskwright.progress import Reporter
from maskwright.volumes.channels import read_channels
from maskwright.volumes.orient import reorient
from maskwright.volumes.read import read_labels


def examine_scans(pairs: Sequence[Pair], rule: LabelRule, config: Configuration, reporter: Reporter) -> list[Record]:
    """The record of each scan, turned to the network's direction.

    Raises:
        MaskwrightError: scans that cannot be used; all are listed.
    """
    orientation = config.data.orientation

    def one(pair: Pair) -> Record | MaskwrightError:
        try:
            scan = read_channels(pair.images)
            truth = scan_classes(read_labels(pair.mask, scan).array, rule, pair.mask)
            turned = reorient(scan, orientation)
            label = reorient(scan.with_array(truth), orientation).array
            return describe_volume(pair, turned.array, label, rule, turned.grid.spacing)
        except MaskwrightError as error:
            return error

    found = []
    with reporter.task("reading scans", len(pairs), "scans") as step, ThreadPoolExecutor(cores()) as pool:
        for result in pool.map(one, pairs):
            found.append(result)
            step()
    errors = [result for result in found if isinstance(result, MaskwrightError)]
    if errors:
        raise together(errors, f"{len(pairs)} scans")
    return [result for result in found if isinstance(result, Record)]


def median_spacing(records: Sequence[Record]) -> tuple[float, ...]:
    """The median along each axis, in mm."""
    return tuple(round(float(value), 4) for value in np.median([record.spacing for record in records], axis=0))


def check_scans(config: Configuration) -> None:
    """Refuse keys that do not go together, before anything is read.

    Raises:
        MaskwrightError: channels or spacing.
    """
    patterns, spacing = config.data.channel_patterns, config.data.spacing
    if patterns and len(patterns) != config.model.image_channels:
        raise MaskwrightError(
            f"is {config.model.image_channels}, and data.channel_patterns names {len(patterns)} files a case",
            where="[model] image_channels",
            fix=f"Set it to {len(patterns)}.",
        )
    if len(spacing) not in (0, 3):
        raise MaskwrightError(
            f"has {len(spacing)} numbers", where="[data] spacing", fix="Give mm along slices, rows and columns."
        )
