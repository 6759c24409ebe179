"""`plan.json`: a plan as a file, in a run or above the folds and settings that share it."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from maskwright import __version__
from maskwright.data.pairs import Pair
from maskwright.data.records import Record, read_thumbnails
from maskwright.errors import MaskwrightError
from maskwright.labels.rule import LabelRule
from maskwright.plan.choices import Choice
from maskwright.plan.plan import PARTS, Entry, Plan
from maskwright.storage import atomic, write_json
from maskwright.typed import wrong_field
from maskwright.untrusted.decode import decoding
from maskwright.untrusted.text import read_json

NAME = "plan.json"
_PICTURES = "plan_thumbnails.npy"
_FORMAT = 1
_MOST = 512 << 20  # bytes; a pair takes less than a thousand
_FIX = "Train anew into another folder; what trained without a plan can still be predicted with."


def write_plan(folder: Path, plan: Plan) -> Path:
    """Write `plan.json` into a folder, whole or not at all."""
    path = folder / NAME
    pictures = [entry.record.thumbnail for entry in plan.entries if entry.record is not None]
    if pictures and all(one.size for one in pictures):
        with atomic(folder / _PICTURES) as temporary:
            np.save(temporary, np.stack(pictures))
    write_json(path, as_dict(plan))
    return path


def read_plan(folder: Path) -> Plan | None:
    """The plan in a folder (or of a file), or None where there is none: in what older versions trained.

    Raises:
        MaskwrightError: it is damaged, or of a later version.
    """
    path = folder / NAME if folder.is_dir() else folder
    if not path.exists():
        return None
    what = "is a damaged plan"
    plain = read_json(path, limit=_MOST, what=what, fix=_FIX)
    if plain.get("format") != _FORMAT:
        raise MaskwrightError("was written by a later version of Maskwright", where=path, fix="Update Maskwright.")
    with decoding(path, what, _FIX):
        plan = from_dict(plain)
    if wrong := _wrong(plan):
        raise MaskwrightError(f"{what}: {wrong}", where=path, fix=_FIX)
    return _with_pictures(plan, path.with_name(_PICTURES))


def _wrong(plan: Plan) -> str | None:
    """The first value that no plan has, in words."""
    if wrong := wrong_field(plan):
        return wrong
    for entry in plan.entries:
        if (wrong := wrong_field(entry)) or (entry.record is not None and (wrong := entry.record.wrong())):
            return wrong
        if entry.part not in PARTS or len(entry.hashes) != len(entry.pair.images):
            return f"the part of {entry.pair.name} is {entry.part!r}, with {len(entry.hashes)} hashes"
    if plan.kind not in ("pictures", "volumes") or not plan.low < plan.high:
        return f"kind is {plan.kind!r}, levels go from {plan.low} to {plan.high}"
    lengths = {len(entry.record.class_pixels) for entry in plan.entries if entry.record is not None}
    if lengths - {len(plan.class_names)}:
        return f"{len(plan.class_names)} classes have {sorted(lengths)} counts of pixels"
    if not all(0 <= number < plan.folds for entry in plan.entries if (number := entry.fold) is not None):
        return f"there are {plan.folds} folds, and pairs in others"
    return next(filter(None, map(wrong_field, plan.chosen)), None)


def _with_pictures(plan: Plan, path: Path) -> Plan:
    """The plan with the thumbnails that lie beside it, by which near-identical pictures are found."""
    if not path.exists():  # a plan that was handed on alone
        return plan
    pictures = iter(read_thumbnails(path, len([entry for entry in plan.entries if entry.record is not None]), _FIX))
    entries = [
        entry if entry.record is None else replace(entry, record=replace(entry.record, thumbnail=next(pictures)))
        for entry in plan.entries
    ]
    return replace(plan, entries=tuple(entries))


def as_dict(plan: Plan) -> dict[str, Any]:
    """Plain values, a group for each case: a scan, or all pictures of a patient."""
    groups: dict[tuple[str, str], list[Entry]] = {}
    for entry in plan.entries:
        groups.setdefault((entry.part, entry.pair.patient), []).append(entry)
    return {
        "format": _FORMAT,
        "maskwright": __version__,
        "kind": plan.kind,
        "source": plan.source,
        "seed": plan.seed,
        "patients_known": plan.by_patient,
        "folds": plan.folds,
        "fold": plan.fold,
        "masks": {"why": plan.why, "classes": list(plan.class_names), "rule": asdict(plan.label_rule)},
        "levels": {"dtype": plan.dtype, "black": plan.low, "white": plan.high},
        "spacing": list(plan.spacing),
        "shares": plan.shares(),
        "notes": list(plan.notes),
        "chosen": [choice.as_dict() for choice in plan.chosen],
        "cases": [
            {"case": patient, "part": part, "fold": entries[0].fold, "files": [_file(entry) for entry in entries]}
            for (part, patient), entries in groups.items()
        ],
    }


def _file(entry: Entry) -> dict[str, Any]:
    pair, record = entry.pair, entry.record
    found = {} if record is None else record.as_dict()
    known = ("name", "patient", "image_hash", "mask_hash")  # said beside it
    return {
        "name": pair.name,
        "images": [str(path) for path in pair.images],
        "hashes": list(entry.hashes),
        "mask": str(pair.mask),
        "mask_hash": entry.mask_hash,
        **({"window": list(pair.window)} if pair.window else {}),
        **{key: value for key, value in found.items() if key not in known},
    }


def from_dict(plain: dict[str, Any]) -> Plan:
    """The plan of the values that `as_dict` gave.

    Raises:
        KeyError, TypeError, ValueError: they are no plan.
    """
    entries = [
        _entry(case["case"], case["part"], case["fold"], file) for case in plain["cases"] for file in case["files"]
    ]
    masks, levels = plain["masks"], plain["levels"]
    return Plan(
        kind=plain["kind"],
        entries=tuple(sorted(entries, key=lambda entry: entry.pair.name)),
        source=plain["source"],
        seed=plain["seed"],
        by_patient=plain["patients_known"],
        label_rule=LabelRule.from_dict(masks["rule"]),
        why=masks["why"],
        class_names=tuple(masks["classes"]),
        dtype=levels["dtype"],
        low=levels["black"],
        high=levels["white"],
        spacing=tuple(plain["spacing"]),
        folds=plain["folds"],
        fold=plain["fold"],
        notes=tuple(plain["notes"]),
        chosen=tuple(
            Choice(**{**one, "patients": tuple(one["patients"]), "hashes": tuple(one["hashes"])})
            for one in plain["chosen"]
        ),
    )


def _entry(patient: str, part: str, fold: int | None, file: dict[str, Any]) -> Entry:
    first, *others = (Path(path) for path in file["images"])
    top, left, height, width = file.get("window") or (0, 0, 0, 0)
    window = (top, left, height, width) if "window" in file else None
    pair = Pair(file["name"], first, Path(file["mask"]), patient, tuple(others), window)
    facts = {key: value for key, value in file.items() if key not in ("images", "hashes", "mask", "window")}
    record = None
    if "class_pixels" in file:
        facts["spacing"] = tuple(facts["spacing"])
        record = Record(**facts, patient=patient, image_hash=file["hashes"][0])
    return Entry(pair, part, tuple(file["hashes"]), file["mask_hash"], fold, record)
