"""Everything that must hold before the first step: pairs found, read, described, and no patient in two parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from maskwright.config import Configuration
from maskwright.data.cache import common_dtype
from maskwright.data.dataset import Dataset, class_names, input_rule, label_rule, open_dataset
from maskwright.data.duplicates import find_duplicates
from maskwright.data.levels import mixed_range
from maskwright.data.pairs import Pair, shorten
from maskwright.data.patches import Patches
from maskwright.data.preprocess import level_range
from maskwright.data.records import complete, depths, require_every_class
from maskwright.data.splits import Splits, collect, shared_patients
from maskwright.errors import MaskwrightError
from maskwright.progress import Reporter


@dataclass(frozen=True)
class Prepared:
    """Data that is fit to train on."""

    train: Dataset | Patches
    valid: Dataset | Patches | None
    class_names: list[str]


def prepare(config: Configuration, reporter: Reporter, *, allow_leak: bool = False) -> Prepared:
    """Find, read and check the training and validation pairs.

    Raises:
        MaskwrightError: pictures that cannot be used (all are listed), a class without a pixel, a shared patient.
    """
    wanted = ("train", "valid") if validates(config) else ("train",)
    splits = collect(config.data, wanted, seed=config.split_seed)
    refuse_leak(splits, reporter, allow=allow_leak)
    everything = [pair for pairs in splits.values() for pair in pairs]
    try:
        found = depths(everything)
        dtype = common_dtype(found)
        label, rule = label_rule(config, splits["train"]), input_rule(config, dtype)
        if mixed := mixed_range(rule, everything, found):
            rule = replace(rule, low=mixed[0], high=mixed[1])
        datasets = {}
        for part, pairs in splits.items():
            with reporter.task(f"reading {part}", len(pairs), "pairs") as step:
                datasets[part] = open_dataset(pairs, label, rule, config.data, say=reporter.say, step=step)
    except MaskwrightError as error:
        raise complete(error, everything) from None
    train = datasets["train"]
    names = class_names(config)
    require_every_class(train.records, names)
    ends = min(r.low for r in train.records), max(r.high for r in train.records)
    low, high = mixed or level_range(dtype, *ends)
    rule = replace(rule, low=low, high=high)
    ready = {part: replace(dataset, input_rule=rule) for part, dataset in datasets.items()}
    prepared = Prepared(ready["train"], ready.get("valid"), names)
    if "valid" in ready:
        _warn_of_duplicates(ready["valid"], train, reporter)
    describe(prepared, reporter, config.data.patient_pattern)
    return prepared


def validates(config: Configuration) -> bool:
    """Whether there is anything to validate on."""
    return config.data.valid.images is not None or config.data.valid_fraction > 0


def refuse_leak(splits: Splits, reporter: Reporter, *, allow: bool) -> None:
    """Refuse training and validation that share a patient, or say so where that is wanted.

    Raises:
        MaskwrightError: naming the patients.
    """
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


def _warn_of_duplicates(valid: Dataset, train: Dataset, reporter: Reporter) -> None:
    found = find_duplicates(valid.records, train.records)
    if found:
        names = [f"{item.one} ({'is' if item.identical else 'nearly'} {item.other})" for item in found]
        reporter.warn(f"{len(found)} validation pictures are in training too, or nearly: {shorten(names, 3)}")


def describe(prepared: Prepared, reporter: Reporter, pattern: str | None, what: str = "pictures") -> None:
    """Say how much there is."""
    parts = [("training", prepared.train), ("validation", prepared.valid)]
    counts = [f"{len(data.pairs)} {name} {what} of {_patients(data.pairs)} patients" for name, data in parts if data]
    reporter.say("data: " + ", ".join(counts if pattern else [count.split(" of ")[0] for count in counts]))
    if not pattern:
        reporter.say(f"data: no data.patient_pattern is set, so each of the {what} counts as a patient of its own")


def _patients(pairs: Sequence[Pair]) -> int:
    return len({pair.patient for pair in pairs})
