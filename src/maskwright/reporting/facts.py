"""What is known of an evaluated run, read from its folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maskwright.config import Configuration
from maskwright.errors import MaskwrightError
from maskwright.evaluation.files import read_summary, require_all_patients
from maskwright.models.metadata import Metadata
from maskwright.models.saving import read_metadata
from maskwright.training.run import Run, fold_runs
from maskwright.typed import NUMBER, unlike
from maskwright.untrusted.tables import read_numbers, read_table
from maskwright.untrusted.text import read_json

_DATA = {"pictures": int, "patients": int, "hash": str}
_ENVIRONMENT = {
    "created": str, "versions": {str: (str, None)}, "data": {str: _DATA}, "precision": str, "processor": str,
    "platform": str, "seed": int,
}  # fmt: skip


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
    scores, table, fix = folder / "evaluation.json", folder / "per_patient.csv", "Score it anew: maskwright evaluate"
    if not (scores.exists() and table.exists()):
        raise MaskwrightError("was not evaluated", where=folder, fix=f"Score it first: maskwright evaluate {folder}")
    summary, metadata = read_summary(folder), read_metadata(model)
    names = metadata.class_names[1:]
    several = names if len(names) > 1 else []
    if wrong := unlike(
        summary,
        {"units": dict, "split": str, "agreement": dict.fromkeys(names, dict),
         "per_patient": {name: {str: {"mean": NUMBER}} for name in several}},
    ):  # fmt: skip
        raise MaskwrightError(f"is a damaged evaluation: {wrong}", where=scores, fix=fix)
    patients: dict[str, dict[str, dict[str, float]]] = {}
    for row in read_table(table, ("patient", "class", "dice", "volume_predicted", "volume_true"), fix=fix):
        values = read_numbers(row, table, but=("name", "patient", "class"), fix=fix)
        patients.setdefault(row["class"], {})[row["patient"]] = values
    if missing := [name for name in names if name not in patients]:
        raise MaskwrightError(f"is a damaged table: it has no rows of {missing[0]}", where=table, fix=fix)
    for rows in patients.values():
        require_all_patients(folder, rows)
    environment = read_json(run.environment_file, fix="Copy the run folder again, or train anew.", like=_ENVIRONMENT)
    name = folder.absolute().name
    return Facts(name, folder, summary, patients, run.history(), environment, run.config, metadata, len(folds))
