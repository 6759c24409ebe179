"""Data for a network for pictures: the pairs of a plan at the network's size."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from maskwright.config import Configuration
from maskwright.data.dataset import Dataset, input_rule, open_dataset
from maskwright.data.part import PartFiles
from maskwright.data.patches import Patches, patches_of
from maskwright.data.pictures import open_pictures
from maskwright.data.preprocess import InputRule, adjust
from maskwright.data.wholes import StackedWholes
from maskwright.plan import Plan
from maskwright.plan.make import make_plan
from maskwright.progress import Reporter


@dataclass(frozen=True)
class Prepared:
    """Data that is fit to train on, and the plan that it follows."""

    train: Dataset | Patches
    valid: Dataset | Patches | None
    plan: Plan

    @property
    def class_names(self) -> list[str]:
        """Names of all classes, background first."""
        return list(self.plan.class_names)


def prepare(
    config: Configuration, reporter: Reporter, *, allow_leak: bool = False, plan: Plan | None = None
) -> Prepared:
    """The training and validation pairs of a plan; of a new one where there is none.

    Raises:
        MaskwrightError: pictures that cannot be used (all are listed), a class without a pixel, a shared patient.
    """
    plan = plan or make_plan(config, reporter, allow_leak=allow_leak)
    rule = picture_input_rule(config, plan)
    ready: dict[str, Dataset | Patches] = {}
    for part in ("train", "valid"):
        files = files_of(plan, part)
        if files.pairs:
            ready[part] = _open(files, part, plan, rule, config, reporter)
    prepared = Prepared(ready["train"], ready.get("valid"), plan)
    describe(prepared, reporter)
    return prepared


def _open(
    files: PartFiles, part: str, plan: Plan, rule: InputRule, config: Configuration, reporter: Reporter
) -> Dataset | Patches:
    data, label = config.data, plan.label_rule
    with reporter.task(f"decoding {part}", len(files.pairs), "pairs") as step:
        if rule.fit == "resize":
            return open_dataset(files, label, rule, data, say=reporter.say, step=step)
        pictures = open_pictures(files, label, rule, data, say=reporter.say, step=step)
    if rule.neighbours:
        pictures = StackedWholes(pictures, files.pairs, rule)
    patches = patches_of(pictures, files.pairs, files.records, label, rule, config.train.foreground_share)
    return patches if part == "train" else patches.covering()


def steps_of(config: Configuration, data: Dataset | Patches) -> int | None:
    """Steps of an epoch: as configured, else what covers the data (None: every pair once).

    Of a share of the patients they are about as many as of all.
    """
    batch, share = config.train.batch_size, config.data.train_share
    found = config.train.steps_per_epoch or data.steps(batch)
    if share == 1 or config.train.steps_per_epoch:
        return found
    return math.ceil((found or math.ceil(len(data) / batch)) / share)


def picture_input_rule(config: Configuration, plan: Plan) -> InputRule:
    """How a picture becomes the network's input: the size by the configuration, the levels by the plan.

    Raises:
        MaskwrightError: pictures have channels that the network cannot take; or neighbouring slices are wanted, and
            nothing keeps a patient's slices together.
    """
    rule = replace(input_rule(config, plan.dtype), low=plan.low, high=plan.high)
    examples = {
        entry.record.channels: entry.pair.image for entry in reversed(plan.part("train")) if entry.record is not None
    }
    for channels, path in examples.items():
        adjust(np.zeros((8, 8, channels) if channels > 1 else (8, 8), plan.dtype), rule, path)
    return rule


def files_of(plan: Plan, part: str) -> PartFiles:
    """The files of a part of a plan."""
    entries = plan.part(part)
    hashes = [(*one.hashes, one.mask_hash) for one in entries]
    return PartFiles([entry.pair for entry in entries], plan.records(part), hashes)


def describe(prepared: Prepared, reporter: Reporter, what: str = "pictures") -> None:
    """Say how much there is, and what its masks mean."""
    plan, counts = prepared.plan, []
    for part, name in (("train", "training"), ("valid", "validation"), ("test", "test")):
        if entries := plan.part(part):
            patients = f" of {len(plan.patients(part))} patients" if plan.by_patient else ""
            counts.append(f"{len(entries)} {name} {what}{patients}")
    reporter.say("data: " + ", ".join(counts))
    reporter.say(f"masks: {plan.why}")
    if not plan.by_patient:
        reporter.say(f"data: no data.patient_pattern is set, so each of the {what} counts as a patient of its own")
