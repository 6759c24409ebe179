"""Good configurations, plans and tables, small, the same at every run; without Keras where that can be."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import numpy as np
from seed_basics import Files, npy


def toml(folder: Path) -> Files:
    """Our configurations."""
    from maskwright.config import Configuration, write_toml

    short = '[data]\nimages = "a"\nmasks = "b"\npatient_pattern = \'P(\\d+)\'\n[mask]\nlevels = [0, 128]\n[model]\nimage_width = 32\n'
    short += "[model.options]\nx = [1, 2]\n[train]\nlearning_rate = 0.01\nclass_weights = [1.0, 2.0]\n[evaluate]\nspacing = [1.0, 2]\n"
    return [("a.toml", short.encode()), ("b.toml", write_toml(Configuration(), everything=True).encode())]


def ini(folder: Path) -> Files:
    """The reference's."""
    from conftest import PROJECT

    more = '[mask]\nmask_colors = [(0,0,0), (255, 0, 0)]\n; a comment\n[image]\ncolor_converter = "BGR2HSV"\nangles = [1,\n  2,\n 3]\n'
    return [("a.config", PROJECT.encode()), ("b.config", (PROJECT + more).encode())]


def literals(folder: Path) -> Files:
    """Values on the command line."""
    return [("a", b"[1.0, 2, 0.5]"), ("b", b"(1, 2.5e0, 0x3)"), ("c", b"[1.0, +2.0, 3_0]")]


def pairs() -> list[Any]:
    """Pairs that a split may name."""
    from maskwright.data.pairs import Pair

    return [Pair(f"P{i}-0", Path(f"i/P{i}-0.png"), Path(f"m/P{i}-0.png"), f"P{i}") for i in range(6)]


def _records() -> list[Any]:
    from maskwright.data.records import Record

    return [
        Record(
            one.name, one.patient, 32, 40, "uint8", 0.0, 200.0, [900, 124], "aa", "bb", np.zeros((128, 128), np.uint8)
        )
        for one in pairs()
    ]


@functools.cache
def plan_json() -> bytes:
    """A plan of six pairs."""
    from maskwright.labels.rule import LabelRule
    from maskwright.plan.choices import Choice
    from maskwright.plan.files import as_dict
    from maskwright.plan.plan import Entry, Plan

    parts = ("train", "train", "train", "valid", "valid", "test")
    entries = tuple(
        Entry(pair, part, ("aa",), "bb", None if part == "test" else i % 2, record)
        for i, (pair, part, record) in enumerate(zip(pairs(), parts, _records(), strict=True))
    )
    made = Plan("pictures", entries, {"data.folds": 2, "seed": 1}, 1, True, LabelRule(), "black and white", ("background", "a"), "uint8",
                0.0, 255.0, folds=2, notes=("a note",), chosen=(Choice("epoch", "Dice", ("P3",), ("aa",), 3),))  # fmt: skip
    return json.dumps(as_dict(made)).encode()


@functools.cache
def thumbnails() -> bytes:
    """Of those pairs."""
    return npy(np.zeros((6, 128, 128), np.uint8))


def plan(folder: Path) -> Files:
    """`plan.json`, the thumbnails beside it whole."""
    return [("plan.json", plan_json())]


def plan_thumbnails(folder: Path) -> Files:
    """The thumbnails, the plan beside them whole."""
    return [("plan_thumbnails.npy", thumbnails()), ("plan_thumbnails.npy", npy(np.zeros((6, 4, 64, 64), np.uint8)))]


def trained_on(folder: Path) -> Files:
    """What a run was trained on."""
    return [
        ("training_images.json", json.dumps([one.as_dict() for one in _records()]).encode()),
        ("training_images.json", b"[" + json.dumps(_records()[0].as_dict()).encode() + b"]"),
    ][:1]


def splits(folder: Path) -> Files:
    """Lists of patients and names, and a plan in their place."""
    return [("a.json", b'{"train": ["P0", "P1-0", "P2"], "valid": ["P3"], "test": []}'), ("plan.json", plan_json())]


def history(folder: Path) -> Files:
    """The epochs of a run."""
    return [
        ("history.csv", b"epoch,dice,loss,val_loss,seconds\n1,0.2,0.7,0.8,5.6\n2,0.3,0.6,nan,1e-3\n3,0.4,0.5,0.6,2\n")
    ]


def geometry(folder: Path) -> Files:
    """Where the slices of a patient lie."""
    rows = [{"file": f"P1-000{i}.png", "patient": "P1", "split": "train", "slice": i, "crop_margin": 0} for i in (1, 2)]
    facts = {"affine": np.diag([2.5, 0.8, 0.9, 1]).tolist(), "shape": [4, 20, 30], "box": [[0, 4], [2, 18], [0, 30]], "size": [16, 16], "split": "train",
             "structures": {"liver": [1]}, "rows": rows, "scan": "a.nii", "labels": "b.nii", "not_whole": [], "settings": "x"}  # fmt: skip
    return [("P1.json", json.dumps(facts).encode())]


def manifest(folder: Path) -> Files:
    """The slices of a data set."""
    from maskwright.prepare.files import COLUMNS

    return [
        (
            "manifest.csv",
            (",".join(COLUMNS) + "\n" + "\n".join(",".join([str(i)] * len(COLUMNS)) for i in range(4)) + "\n").encode(),
        )
    ]


def evaluation(folder: Path) -> Files:
    """The summary of an evaluation."""
    facts = {"mean": 0.5, "std": 0.1, "median": 0.5, "min": 0.2, "n": 3, "undefined": 0, "ci95": [0.4, 0.6]}
    empty = {**facts, "mean": None, "ci95": None, "undefined": 3}
    group = {"dice": facts, "hausdorff95": empty, "surface_dice": facts, "liver": {"dice": facts}}
    made = {"split": "test", "network": {"loss": 0.3}, "units": {"distance": "mm", "volume": "ml", "tolerance": 2.0}, "images": 3, "patients": 3, "volumes": 0,
            "empty_truth": 0, "absent_classes": [], "per_image": group, "per_patient": group, "worst": [{"patient": "P1", "dice": 0.2}],
            "agreement": {"liver": {"correlation": 0.9, "limits": [0.1, 0.2]}}, "confusion": [[1, 2], [3, 4]], "warnings": ["one"],
            "calibration": {"brier": 0.1, "expected_calibration_error": 0.2, "bins": [{"share": 0.1}]}}  # fmt: skip
    return [("evaluation.json", json.dumps(made).encode())]


def scores(folder: Path) -> Files:
    """The scores of patients."""
    return [
        (
            "per_patient.csv",
            b"name,patient,class,dice,iou\nP1,P1,liver,0.5,0.4\nP2,P2,liver,,0.1\nP3,P3,liver,0.25,nan\n",
        )
    ]
