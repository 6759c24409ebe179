"""A run folder: everything about one training, in one place."""

from __future__ import annotations

import math
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from maskwright.backend import processor_name, versions
from maskwright.config import Configuration, load, write_toml
from maskwright.config.toml import validate
from maskwright.data.records import Record, read_thumbnails
from maskwright.errors import MaskwrightError
from maskwright.models.saving import change_metadata, read_metadata
from maskwright.plan import Plan
from maskwright.plan.choices import Choice
from maskwright.plan.files import read_plan, write_plan
from maskwright.sheets import write_sheet
from maskwright.storage import atomic, write_json, write_text
from maskwright.typed import wrong_field
from maskwright.untrusted.decode import decoding
from maskwright.untrusted.tables import read_numbers, read_table
from maskwright.untrusted.text import read_json

_ANEW = "Copy the run folder again, or train anew into another."
_MOST = 512 << 20  # bytes of the list of what was trained on


@dataclass(frozen=True)
class Run:
    """The folder of a training; its files are named here and nowhere else."""

    path: Path

    @property
    def config_file(self) -> Path:
        """The resolved configuration."""
        return self.path / "config.toml"

    @property
    def model_file(self) -> Path:
        """The best model."""
        return self.path / "model.keras"

    @property
    def checkpoint_file(self) -> Path:
        """Weights, optimiser and counters after the last whole epoch."""
        return self.path / "checkpoints" / "last.npz"

    @property
    def history_file(self) -> Path:
        """A line an epoch."""
        return self.path / "history.csv"

    @property
    def start_file(self) -> Path:
        """Which weights came from the model that the training started from."""
        return self.path / "start.json"

    @property
    def validation_file(self) -> Path:
        """Dice of each validation case at the epoch that was kept."""
        return self.path / "validation.csv"

    @property
    def worst_file(self) -> Path:
        """The validation case that went worst in the last epoch."""
        return self.path / "worst_validation.jpg"

    @property
    def pictures(self) -> list[Path]:
        """Curves of the training, and the worst validation case: what says how it goes."""
        return [self.path / "train_losses.png", self.path / "train_metrics.png", self.worst_file]

    @property
    def environment_file(self) -> Path:
        """Versions, seed and data."""
        return self.path / "environment.json"

    @property
    def samples(self) -> Path:
        """What each copy of a training picture is, where `augmentation.debug` keeps copies."""
        return self.path / "samples.csv"

    @property
    def predictions(self) -> Path:
        """Masks and overlays, where the command line names no other folder."""
        return self.path / "predictions"

    @property
    def config(self) -> Configuration:
        """The resolved configuration, read."""
        return load(self.config_file).config

    def plan(self) -> Plan | None:
        """The plan of its data; None where an earlier version trained it."""
        return read_plan(self.path)

    def history(self) -> list[dict[str, float]]:
        """One dict an epoch: loss, val_loss, metrics, learning_rate, seconds, images_per_second, waiting."""
        path = self.history_file
        rows = [read_numbers(row, path, fix=_ANEW) for row in read_table(path, ("epoch", "loss", "seconds"), fix=_ANEW)]
        if not rows or not all(math.isfinite(row["epoch"]) and math.isfinite(row["seconds"]) for row in rows):
            raise MaskwrightError("is a damaged table: an epoch or its seconds are missing", where=path, fix=_ANEW)
        return rows

    def validation(self) -> dict[str, float]:
        """Dice of each validation case at the epoch that was kept, worst first; empty where none was judged."""
        if not (path := self.validation_file).exists():
            return {}
        rows = read_table(path, ("case", "dice"), fix=_ANEW)
        return {row["case"]: read_numbers({"dice": row["dice"]}, path, fix=_ANEW)["dice"] for row in rows}

    def best(self) -> tuple[dict[str, float], str]:
        """The row of the epoch whose model was kept, and the entry that chose it."""
        training, rows = read_metadata(self.model_file).training, self.history()
        row = next((one for one in rows if one["epoch"] == training.get("epoch")), None)
        if row is None:
            what = f"is a damaged table: it has no row of epoch {training.get('epoch')}, whose model was kept"
            raise MaskwrightError(what, where=self.history_file, fix=_ANEW)
        settings = self.config.train
        usual = "loss" if "val_dice" not in row else "val_dice"
        return row, settings.watch or usual

    def is_trained(self) -> bool:
        """Whether there is a model in it."""
        return self.model_file.exists()

    def _repr_html_(self) -> str:
        """How a notebook shows it."""
        from maskwright.training.portrait import portrait

        return portrait(self)

    def require_model(self) -> Path:
        """The model's path.

        Raises:
            MaskwrightError: nothing was trained here yet.
        """
        if not self.is_trained():
            raise MaskwrightError(
                "holds no trained model",
                where=self.path,
                fix="Run `maskwright train` first, or name the run folder with --run.",
            )
        return self.model_file


def open_run(path: Path | str) -> Run:
    """An existing run folder.

    Raises:
        MaskwrightError: the folder is no run.
    """
    run = Run(Path(path))
    if not run.config_file.exists():
        raise MaskwrightError(
            "is no run folder (it has no config.toml)",
            where=run.path,
            fix="Name the folder that `maskwright train` printed.",
        )
    return run


def fold_runs(path: Path) -> list[Run]:
    """The runs of a cross-validation in a folder, `fold-0`, `fold-1`, …, that hold a model; none where it is a run."""
    found = [Run(folder) for folder in path.glob("fold-*") if folder.name.removeprefix("fold-").isdigit()]
    trained = [run for run in found if run.is_trained() and run.config_file.exists()]
    return sorted(trained, key=lambda run: int(run.path.name.removeprefix("fold-")))


def write_history(run: Run, rows: list[dict[str, float]]) -> None:
    """Write the history, all of it."""
    write_sheet(run.history_file, list(rows[0]), ({key: f"{value:.6g}" for key, value in row.items()} for row in rows))


def write_choice(run: Run, config: Configuration, predict: dict[str, Any]) -> None:
    """Put settings of [predict] that were chosen for a run into its configuration and its model."""
    changed = validate({**config.model_dump(), "predict": {**config.predict.model_dump(), **predict}}, "the choice")
    write_text(run.config_file, write_toml(changed, everything=True, comments=["[predict] as chosen on validation."]))
    change_metadata(run.require_model(), predict=predict)


def write_validation(run: Run, dice: Mapping[str, float]) -> None:
    """Write the Dice of each validation case, worst first; undefined ones come last and are empty."""
    rows = [{"case": case, "dice": "" if math.isnan(value) else f"{value:.6f}"} for case, value in dice.items()]
    write_sheet(run.validation_file, ("case", "dice"), sorted(rows, key=lambda row: (not row["dice"], row["dice"])))


def note_choice(run: Run, choice: Choice) -> None:
    """Add to the plan of a run what was chosen and on whom."""
    plan = run.plan()
    if plan is not None:
        write_plan(run.path, plan.with_choice(choice))


def write_environment(run: Run, config: Configuration, precision: str, splits: dict[str, list[Record]]) -> None:
    """Record what a result depends on beside the configuration."""
    write_json(
        run.environment_file,
        {
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "versions": versions(),
            "platform": platform.platform(),
            "processor": processor_name(),
            "seed": config.train.seed,
            "precision": precision,
            "git": git_revision(run.path.parent),
            "data": {part: fingerprint(records) for part, records in splits.items()},
        },
    )


def fingerprint(records: list[Record]) -> dict[str, Any]:
    """What a part of the data is: how much, of whom, how large, and a hash over all of it."""
    import hashlib

    digest = hashlib.blake2b(digest_size=16)
    for record in records:
        digest.update(f"{record.name}|{record.image_hash}|{record.mask_hash}\n".encode())
    sizes = sorted({(record.height, record.width) for record in records})
    pixels = np.sum([record.class_pixels for record in records], axis=0)
    return {
        "pictures": len(records),
        "patients": len({record.patient for record in records}),
        "sizes": [f"{width}x{height}" for height, width in sizes[:10]],
        "levels": sorted({r.dtype for r in records}),
        "class_shares": [float(share) for share in pixels / pixels.sum()],
        "hash": digest.hexdigest(),
    }


def git_revision(folder: Path) -> str | None:
    """The commit of the folder that a run lies in, or None where there is none (or no git)."""
    try:
        answer = subprocess.run(["git", "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() or None if answer.returncode == 0 else None


def write_training_images(run: Run, records: list[Record]) -> None:
    """Keep names, patients, hashes and thumbnails of what was trained on, so that leaks are found later."""
    write_json(run.path / "training_images.json", [record.as_dict() for record in records])
    with atomic(run.path / "training_thumbnails.npy") as temporary:
        np.save(temporary, np.stack([record.thumbnail for record in records]))


def read_training_images(run: Run) -> list[Record]:
    """What was trained on; empty where the run does not say."""
    path, beside = run.path / "training_images.json", run.path / "training_thumbnails.npy"
    if not (path.exists() and beside.exists()):
        return []
    what, fix = "is a damaged list of what was trained on", "Remove it, and leaks are no longer found by it."
    plain = read_json(path, list, limit=_MOST, what=what, fix=fix)
    with decoding(path, what, fix):
        records = [Record(**{**values, "spacing": tuple(values.get("spacing", ()))}) for values in plain]
    for record in records:
        if wrong := wrong_field(record) or record.wrong():
            raise MaskwrightError(f"{what}: {wrong}", where=path, fix=fix)
    thumbnails = read_thumbnails(beside, len(records), fix)
    return [replace(record, thumbnail=thumb) for record, thumb in zip(records, thumbnails, strict=True)]
