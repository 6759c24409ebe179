"""Making a plan: find all pairs, split them, open the files of training and validation, and decide what they mean."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from maskwright.config import Configuration
from maskwright.data.dataset import class_names
from maskwright.data.duplicates import find_duplicates
from maskwright.data.folds import fold_of
from maskwright.data.pairs import Pair, shorten
from maskwright.data.preprocess import level_range
from maskwright.data.records import Record, common_dtype, complete, depths, examine, file_hash, require_every_class
from maskwright.data.remarks import remarks
from maskwright.data.splits import Splits, shared_patients
from maskwright.errors import MaskwrightError
from maskwright.labels.rule import LabelRule
from maskwright.plan.masks import decide
from maskwright.plan.plan import Entry, Plan
from maskwright.plan.scans import check_scans, examine_scans, median_spacing
from maskwright.plan.source import source_of
from maskwright.plan.split import split
from maskwright.progress import Reporter
from maskwright.volumes.resample import require_voxels

_THREADS = 4


@dataclass(frozen=True)
class _Read:
    """What the files of training and validation say."""

    records: list[Record]
    label_rule: LabelRule
    why: str
    notes: tuple[str, ...] = ()
    nowhere: frozenset[int] = frozenset()
    dtype: str = "float32"
    spacing: tuple[float, ...] = ()


def make_plan(config: Configuration, reporter: Reporter, *, allow_leak: bool = False) -> Plan:
    """Decide everything about the data of a training.

    Args:
        allow_leak: accept that training and validation share a patient.

    Raises:
        MaskwrightError: files that cannot be used (all are listed), a class without a pixel, a shared patient.
    """
    scans = bool(config.model.image_depth)
    if scans:
        check_scans(config)
    splits, notes = split(config)
    notes = [*notes, *remarks(config.data, splits, scans=scans)]
    _refuse_leak(splits, reporter, allow=allow_leak)
    learnt = [pair for part in ("train", "valid") for pair in splits.get(part, [])]
    read = (_read_scans if scans else _read_pictures)(config, splits, learnt, reporter)
    notes += read.notes
    names = class_names(config)
    records = dict(zip(learnt, read.records, strict=True))
    require_every_class([records[pair] for pair in splits["train"]], names, read.nowhere)
    # Pictures of less depth in a mixed set are brought to the levels of the others.
    ends = [(record.low, record.high) for record in read.records if record.dtype == read.dtype]
    lows, highs = zip(*ends, strict=True)
    low, high = level_range(read.dtype, min(lows), max(highs))
    folds = _folds(config, learnt, records)
    plan = Plan(
        kind="volumes" if scans else "pictures",
        entries=_entries(splits, records, folds, reporter),
        source=source_of(config),
        seed=config.split_seed,
        by_patient=config.data.patient_pattern is not None,
        label_rule=read.label_rule,
        why=read.why,
        class_names=tuple(names),
        dtype=read.dtype,
        low=low,
        high=high,
        spacing=read.spacing,
        folds=config.data.folds if folds else 0,
        notes=tuple(notes),
    )
    for note in notes:
        reporter.warn(note)
    _warn_of_duplicates(plan, reporter)
    return plan if config.data.fold is None else plan.member(config.data.fold)


def _refuse_leak(splits: Splits, reporter: Reporter, *, allow: bool) -> None:
    shared = shared_patients(splits["train"], splits.get("valid", []))
    if not shared:
        return
    message = f"{len(shared)} patients are in training and in validation: {shorten(shared)}"
    if not allow:
        raise MaskwrightError(
            message,
            where="[data]",
            fix="Split by patient, or insist with --allow-leak; the "
            "validation loss then says little about new patients.",
        )
    reporter.warn(f"{message}; the validation loss says little about new patients")


def _warn_of_duplicates(plan: Plan, reporter: Reporter) -> None:
    found = find_duplicates(plan.records("valid"), plan.records("train"))
    if found:
        names = [f"{item.one} ({'is' if item.identical else 'nearly'} {item.other})" for item in found]
        reporter.warn(f"{len(found)} validation cases are in training too, or nearly: {shorten(names, 3)}")


def _read_pictures(config: Configuration, splits: Splits, learnt: Sequence[Pair], reporter: Reporter) -> _Read:
    try:
        dtype = common_dtype(depths(learnt))
        with reporter.task("looking at masks", sum(map(len, splits.values())), "masks") as step:
            found = decide(config, splits, step)
        with reporter.task("reading pictures", len(learnt), "pairs") as step:
            records = examine(learnt, found.rule, step=step)
        return _Read(records, found.rule, found.why, found.notes, found.nowhere, dtype)
    except MaskwrightError as error:
        raise complete(error, learnt) from None


def _read_scans(config: Configuration, splits: Splits, learnt: Sequence[Pair], reporter: Reporter) -> _Read:
    with reporter.task("looking at label maps", sum(map(len, splits.values())), "label maps") as step:
        found = decide(config, splits, step, scans=True)
    records = examine_scans(learnt, found.rule, config, reporter)
    spacing = tuple(config.data.spacing) or median_spacing(records)
    for record in records:
        size = tuple(
            round(edge * own / step)
            for edge, own, step in zip(
                (record.depth, record.height, record.width), record.spacing, spacing, strict=True
            )
        )
        require_voxels(record.name, record.spacing, size, spacing, config.model.image_channels)
    if not config.data.spacing:
        reporter.say(f"data: scans are brought to {' x '.join(f'{value:g}' for value in spacing)} mm (data.spacing)")
    return _Read(records, found.rule, found.why, found.notes, found.nowhere, spacing=spacing)


def _folds(config: Configuration, learnt: Sequence[Pair], records: dict[Pair, Record]) -> dict[str, int]:
    """The fold of each patient; none where there are too few patients."""
    sizes: dict[str, float] = {}
    for pair in learnt:
        structure = float(np.sum(records[pair].class_pixels[1:]))
        sizes[pair.patient] = sizes.get(pair.patient, 0.0) + structure
    if len(sizes) < config.data.folds:
        return {}
    return fold_of(sizes, config.data.folds, config.split_seed)


def _entries(
    splits: Splits, records: dict[Pair, Record], folds: dict[str, int], reporter: Reporter
) -> tuple[Entry, ...]:
    everything = [(part, pair) for part, pairs in splits.items() for pair in pairs]

    def one(item: tuple[str, Pair]) -> Entry:
        part, pair = item
        record = records.get(pair)
        known = record is not None and len(pair.images) == 1
        each = (file_hash(path, window=pair.window) for path in pair.images)
        hashes = (record.image_hash,) if record and known else tuple(each)
        mask = record.mask_hash if record else file_hash(pair.mask, window=pair.window)
        return Entry(pair, part, hashes, mask, folds.get(pair.patient) if part != "test" else None, record)

    with ThreadPoolExecutor(_THREADS) as pool:
        found = list(pool.map(one, everything))
    return tuple(sorted(found, key=lambda entry: entry.pair.name))
