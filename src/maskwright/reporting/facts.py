"""What is known of an evaluated run, read from its folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maskwright.config import Configuration
from maskwright.errors import MaskwrightError
from maskwright.models.metadata import Metadata
from maskwright.models.saving import read_metadata
from maskwright.sheets import read_sheet
from maskwright.training.run import Run, fold_runs


@dataclass(frozen=True)
class Facts:
    """A run, or a cross-validation whose first fold stands for all.

    Attributes:
        summary: evaluation.json. patients: of each class, of each patient, its scores. history: rows of the training.
        environment: environment.json. folds: how many, or 0.
    """

    name: str
    folder: Path
    summary: dict[str, Any]
    patients: dict[str, dict[str, dict[str, float]]]
    history: list[dict[str, float]]
    environment: dict[str, Any]
    config: Configuration
    metadata: Metadata
    folds: int = 0

    @property
    def classes(self) -> list[str]:
        """Names of the classes after the background, or regions."""
        return list(self.metadata.class_names[1:])


def read_facts(folder: Path) -> Facts:
    """Read an evaluated run.

    Raises:
        MaskwrightError: it holds no model, or was not evaluated.
    """
    folds = [] if Run(folder).is_trained() else fold_runs(folder)
    run = folds[0] if folds else Run(folder)
    model = run.require_model()
    try:
        summary = json.loads((folder / "evaluation.json").read_text(encoding="utf-8"))
        rows = read_sheet(folder / "per_patient.csv")
    except (OSError, ValueError):
        raise MaskwrightError(
            "was not evaluated", where=folder, fix=f"Score it first: maskwright evaluate {folder}"
        ) from None
    patients: dict[str, dict[str, dict[str, float]]] = {}
    for row in rows:
        values = {
            name: float(value) if value else float("nan")
            for name, value in row.items()
            if name not in ("name", "patient", "class")
        }
        patients.setdefault(row["class"], {})[row["patient"]] = values
    environment = json.loads(run.environment_file.read_text(encoding="utf-8"))
    name = folder.absolute().name
    return Facts(
        name, folder, summary, patients, run.history(), environment, run.config, read_metadata(model), len(folds)
    )
