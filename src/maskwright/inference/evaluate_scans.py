"""Scoring a network for volumes: whole scans, on their own voxels."""

from __future__ import annotations

from collections.abc import Sequence

from maskwright.config import Configuration
from maskwright.data.model_space import scan_classes
from maskwright.data.pairs import Pair
from maskwright.data.records import describe_volume
from maskwright.evaluation.scores import ImageScore, count_pixels
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
            predicted = predict_scan(engine, scan, config.predict).labels.array
            counts = count_pixels(predicted, truth, label_rule.classes, label_rule.regions)
            found.append(ImageScore(pair.name, pair.patient, counts))
            records.append(describe_volume(pair, reorient(scan, rule.orientation).array, truth, label_rule))
            advance()
    return Scored(found, records, {})
