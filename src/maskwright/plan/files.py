"""`plan.json`: a plan as a file, in a run or above the folds and settings that share it."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from maskwright import __version__
from maskwright.data.labels import LabelRule
from maskwright.data.pairs import Pair
from maskwright.data.records import Record
from maskwright.errors import MaskwrightError
from maskwright.plan.choices import Choice
from maskwright.plan.plan import Entry, Plan
from maskwright.storage import atomic, write_json

NAME = "plan.json"
_PICTURES = "plan_thumbnails.npy"
_FORMAT = 1
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
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
        if plain.get("format") != _FORMAT:
            raise MaskwrightError("was written by a later version of Maskwright", where=path, fix="Update Maskwright.")
        return _with_pictures(from_dict(plain), path.with_name(_PICTURES))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, StopIteration) as error:
        raise MaskwrightError(f"is a damaged plan ({error})", where=path, fix=_FIX) from None


def _with_pictures(plan: Plan, path: Path) -> Plan:
    """The plan with the thumbnails that lie beside it, by which near-identical pictures are found."""
    try:
        pictures = iter(np.load(path, allow_pickle=False))
    except FileNotFoundError:  # a plan that was handed on alone
        return plan
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
    pair = Pair(file["name"], first, Path(file["mask"]), patient, tuple(others))
    facts = {key: value for key, value in file.items() if key not in ("images", "hashes", "mask")}
    record = None
    if "class_pixels" in file:
        facts["spacing"] = tuple(facts["spacing"])
        record = Record(**facts, patient=patient, image_hash=file["hashes"][0])
    return Entry(pair, part, tuple(file["hashes"]), file["mask_hash"], fold, record)
