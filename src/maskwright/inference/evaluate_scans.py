"""Scoring a network for volumes: whole scans, on their own voxels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from maskwright.config import Configuration
from maskwright.data.model_space import scan_classes
from maskwright.data.pairs import Pair
from maskwright.data.records import describe_volume
from maskwright.evaluation.calibration import Calibrations
from maskwright.evaluation.masks import scan_scale, score_masks
from maskwright.inference.engines import Engine
from maskwright.inference.evaluate import Scored
from maskwright.inference.volumes import predict_scan
from maskwright.progress import Reporter
from maskwright.volumes.channels import read_channels
from maskwright.volumes.orient import reorient
from maskwright.volumes.read import read_labels


def score_scans(engine: Engine, pairs: Sequence[Pair], config: Configuration, reporter: Reporter) -> Scored:
    """Segment and score scans.

    Raises:
        MaskwrightError: a scan or label map that cannot be used.
    """
    label_rule, rule = engine.metadata.label_rule, engine.metadata.input_rule
    found, records = [], []
    with reporter.task("evaluating", len(pairs), "scans") as advance:
        for pair in pairs:
            scan = read_channels(pair.images)
            truth = scan_classes(read_labels(pair.mask, scan).array, label_rule, pair.mask)
            turned, calibration = reorient(scan.with_array(truth), rule.orientation).array, Calibrations(label_rule)

            def see(rows: slice, found: np.ndarray, truth: Any = turned, to: Calibrations = calibration) -> None:
                to.add(found, truth[rows])

            predicted = predict_scan(engine, scan, config.predict, see=see).labels.array
            scale = scan_scale(scan.grid.spacing, scan.grid.voxel_ml, config.evaluate.tolerance)
            found.append(score_masks(pair.name, pair.patient, predicted, truth, label_rule, scale, calibration))
            records.append(describe_volume(pair, reorient(scan, rule.orientation).array, truth, label_rule))
            advance()
    return Scored(found, records, {}, scan_scale((), 1, config.evaluate.tolerance).units)
