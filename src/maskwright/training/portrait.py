"""A run as a notebook shows it: its curves, its worst validation case, and its scores."""

from __future__ import annotations

from maskwright.errors import MaskwrightError
from maskwright.shown import as_table, as_text, file_as_image
from maskwright.training.run import Run
from maskwright.untrusted.text import read_json

_SCORES = ("dice", "iou", "sensitivity", "precision", "hausdorff95", "surface_dice")
_NUMBERS = ("mean", "median", "min", "max", "n")


def portrait(run: Run) -> str:
    """HTML of a run folder, also of one that is not trained or evaluated yet."""
    parts = [as_text(f"{run.path}" + ("" if run.is_trained() else ": not trained yet"))]
    parts += [file_as_image(path, path.stem.replace("_", " ")) for path in run.pictures]
    evaluation = run.path / "evaluation.json"
    if evaluation.exists():
        try:
            found = read_json(evaluation, like={"split": str, "per_patient": dict})
        except MaskwrightError as error:
            return "".join([*parts, as_text(str(error))])
        rows = [{"score": name, **found["per_patient"][name]} for name in _SCORES if found["per_patient"].get(name)]
        parts += [as_text(f"per patient of the {found['split']} part"), as_table(rows, ("score", *_NUMBERS))]
    return "".join(parts)
