"""Which patient a picture belongs to, and which part of the data a patient belongs to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from maskwright.data.large import in_pieces
from maskwright.data.pairs import Pair, match_cases, match_pairs, require_masks_apart, shorten
from maskwright.errors import MaskwrightError
from maskwright.patterns import find
from maskwright.typed import unlike
from maskwright.untrusted.text import read_json

SPLITS = ("train", "valid", "test")
Splits = dict[str, list[Pair]]


def patient_of(name: str, pattern: str | None) -> str | None:
    """The patient in a file's name, or None where the pattern does not match; without a pattern the name itself."""
    if pattern is None:
        return name
    found = find(pattern, name, "[data] patient_pattern")
    return found[1] if found else None


def with_patients(pairs: Iterable[Pair], pattern: str | None) -> list[Pair]:
    """Pairs with their patients.

    Raises:
        MaskwrightError: names that the pattern does not match; all are counted, some are listed.
    """
    found = [(pair, patient_of(pair.name, pattern)) for pair in pairs]
    lost = [pair.image.name for pair, patient in found if patient is None]
    if lost:
        raise MaskwrightError(
            f"{pattern!r} does not match {len(lost)} of {len(found)} names: {shorten(lost)}",
            where="[data] patient_pattern",
            fix="Write a pattern that finds the patient in every name.",
        )
    return [replace(pair, patient=patient) for pair, patient in found if patient is not None]


def collect(data: Any, wanted: Sequence[str] = SPLITS, *, seed: int = 137, scans: bool = False) -> Splits:
    """The pairs of each part, as the configuration's [data] says; folds are a plan's matter.

    Parts that have folders of their own are read from them; where one folder holds all, patients are drawn by `seed`.
    Validation is taken from training where it is not configured.

    Args:
        scans: the folders hold scans and label maps instead of pictures.

    Raises:
        MaskwrightError: folders that are missing, incomplete or contradictory, or a part that is not configured.
    """
    splits = drawn(data, seed, scans) if data.images is not None else _from_folders(data, wanted, seed, scans)
    missing = [part for part in wanted if not splits.get(part)]
    if missing:
        raise MaskwrightError(
            f"no pictures are configured for {' and '.join(missing)}",
            where="[data]",
            fix=f"Set data.{missing[0]}.images and data.{missing[0]}.masks, or data.images and "
            "data.masks for everything.",
        )
    return {part: splits[part] for part in wanted}


def drawn(data: Any, seed: int, scans: bool) -> Splits:
    """Every part of one folder of all: as `split_file` lists them, else drawn by `seed`.

    Raises:
        MaskwrightError: as `collect`.
    """
    if data.train.images is not None:
        raise MaskwrightError(
            "both one folder of all images and folders of parts are given",
            where="[data] images",
            fix="Keep data.images and data.masks, or [data.train] and its siblings.",
        )
    pairs = _read(data, data, "data", scans)
    if data.split_file is None:
        fractions = {"valid": data.valid_fraction, "test": data.test_fraction}
        return split_patients(pairs, fractions, order=data.split_order, seed=seed)
    splits = listed(pairs, data.split_file)
    if not splits.get("valid") and data.valid_fraction > 0:
        share = {"valid": data.valid_fraction}
        splits |= split_patients(splits["train"], share, order=data.split_order, seed=seed)
    return {part: pairs for part, pairs in splits.items() if pairs}


def _from_folders(data: Any, wanted: Sequence[str], seed: int, scans: bool) -> Splits:
    """The wanted parts out of folders of their own."""
    # Validation may be a share of training, and is then the same share whoever asks.
    takes = data.valid.images is None and {"train", "valid"} & set(wanted)
    parts = {"train", *wanted} if takes else set(wanted)
    splits = {
        part: _read(data, getattr(data, part), f"data.{part}", scans)
        for part in SPLITS
        if part in parts and getattr(data, part).images is not None
    }
    if takes and "train" in splits and data.valid_fraction > 0:
        splits |= split_patients(splits["train"], {"valid": data.valid_fraction}, order=data.split_order, seed=seed)
    return splits


def listed(pairs: Sequence[Pair], file: Path) -> Splits:
    """The parts that a JSON file lists: `{"train": [...], "valid": [...], "test": [...]}`, patients or names.

    The `plan.json` of a run is such a file too.

    Raises:
        MaskwrightError: no such file, other content, an entry that is no patient, or one in two parts.
    """
    what, fix = "lists no parts", 'Write {"train": [...], "valid": [...], "test": [...]}.'
    absent = "there is no such file; check data.split_file"
    plain = read_json(file, limit=512 << 20, what=what, fix=fix, absent=absent)
    if "cases" in plain:  # a plan that is handed on
        if wrong := unlike(plain["cases"], [{"part": str, "files": [{"name": str}]}], "cases"):
            raise MaskwrightError(f"{what}: {wrong}", where=file, fix=fix)
        files = [(case["part"], one["name"]) for case in plain["cases"] for one in case["files"]]
        plain = {part: [name for place, name in files if place == part] for part in SPLITS}
    if wrong := unlike(plain, {f"?{part}": [(str, int)] for part in SPLITS}):
        raise MaskwrightError(f"{what}: {wrong}", where=file, fix=fix)
    parts = {part: [str(item) for item in plain.get(part, [])] for part in SPLITS}
    known = {name: pair for pair in pairs for name in pair.called}
    strange = [item for items in parts.values() for item in items if item not in known]
    if strange:
        raise MaskwrightError(
            f"names {shorten(strange)}, of which there is no picture", where=file, fix="List patients, or file names."
        )
    found: Splits = {}
    for part, items in parts.items():
        chosen = set(items)
        found[part] = [pair for pair in pairs if not chosen.isdisjoint(pair.called)]
    for one, other in (("train", "valid"), ("train", "test"), ("valid", "test")):
        if shared := shared_patients(found[one], found[other]):
            raise MaskwrightError(
                f"puts {shorten(shared)} into {one} and {other}", where=file, fix="Each patient belongs to one part."
            )
    return found


def _read(data: Any, folders: Any, section: str, scans: bool) -> list[Pair]:
    if folders.masks is None:
        raise MaskwrightError(
            "the folder of masks is not set",
            where=f"[{section}] masks",
            fix="Name the folder of the masks that belong to the images.",
        )
    if data.channel_patterns:
        pairs = match_cases(folders.images, folders.masks, data.channel_patterns, data.mask_pattern, scans=scans)
    else:
        pairs, _ = match_pairs(folders.images, folders.masks, pattern=data.mask_pattern, scans=scans)
    require_masks_apart(pairs)
    pairs = with_patients(pairs, data.patient_pattern)
    windowed = data.fit == "patch" and not scans and not data.neighbours
    return in_pieces(pairs, data.intensity) if windowed else pairs


def split_patients(pairs: Sequence[Pair], fractions: Mapping[str, float], *, order: str, seed: int) -> Splits:
    """Split pairs so that no patient is in two parts.

    Args:
        pairs: with their patients.
        fractions: share of the patients of each part; what is left is `train`. A share over 0 gets one at least.
        order: `random` (by `seed`) or `name` (from the end of the sorted patients).

    Raises:
        MaskwrightError: there are fewer patients than parts.
    """
    patients = sorted({pair.patient for pair in pairs})
    if order == "random":
        patients = [patients[i] for i in np.random.default_rng(seed).permutation(len(patients))]
    shares = {part: max(1, round(share * len(patients))) for part, share in fractions.items() if share > 0}
    if sum(shares.values()) >= len(patients):
        raise MaskwrightError(
            f"{len(patients)} patients are too few for {len(shares) + 1} parts",
            where="[data]",
            fix="Add patients, or lower data.valid_fraction and data.test_fraction.",
        )
    part_of: dict[str, str] = {}
    for part, count in shares.items():
        part_of |= dict.fromkeys(patients[len(patients) - count :], part)
        patients = patients[: len(patients) - count]
    splits: Splits = {"train": [], **{part: [] for part in shares}}
    for pair in pairs:
        splits[part_of.get(pair.patient, "train")].append(pair)
    return splits


def shared_patients(one: Iterable[Pair], other: Iterable[Pair]) -> list[str]:
    """Patients that occur in both, sorted."""
    return sorted({pair.patient for pair in one} & {pair.patient for pair in other})
