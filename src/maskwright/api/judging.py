"""Scores of a run, and the page about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maskwright.config import Loaded
from maskwright.errors import MaskwrightError
from maskwright.progress import Reporter

if TYPE_CHECKING:
    from maskwright.training.run import Run

PathLike = str | Path


@dataclass(frozen=True)
class Evaluation:
    """The scores of a run: `summary` as in evaluation.json, and what was seen in training."""

    run: Run
    summary: dict[str, Any]
    warnings: list[str]

    def _repr_html_(self) -> str:
        """How a notebook shows it."""
        from maskwright.evaluation.summary import headline
        from maskwright.shown import as_text

        return as_text("\n".join([*self.warnings, headline(self.summary)]))


def evaluate(
    target: PathLike | Run | Loaded,
    *,
    split: str | None = None,
    overrides: Sequence[str] = (),
    run_dir: PathLike | None = None,
    tiled: bool = False,
    model: PathLike | None = None,
    reporter: Reporter | None = None,
) -> Evaluation:
    """Score a run on a split; writes evaluation.json, evaluation.csv, per_image.csv and per_patient.csv into it.

    Args:
        target: a configuration file, a run folder, or what `train` returned; or the folder of a cross-validation, whose
            folds are then scored each on the patients that it did not train on, and reported as one.
        split: `train`, `valid` or `test`; that of the configuration where None.
        model: a file that `export` made of the run, to be scored in place of its model.

    Raises:
        MaskwrightError: no trained model, or pictures that cannot be used.
    """
    from maskwright.data.remarks import folders_of
    from maskwright.scoring import score_part, summarize_parts
    from maskwright.storage import reading
    from maskwright.targets import engines, tasks_of
    from maskwright.training.run import Run

    reporter = reporter or Reporter()
    folder, part, tasks = tasks_of(target, split, overrides, run_dir, reporter)
    config = tasks[0][0].config
    if config.data.patient_pattern is None:
        reporter.say("no data.patient_pattern is set: whether a patient was in training cannot be told")
    if model is not None and len(tasks) > 1:
        raise MaskwrightError("goes with one run", where="--model", fix="Name the fold that it was exported from.")
    parts = []
    for one, models in tasks:
        engine = engines(models if model is None else [Path(model)], one.config, reporter)
        parts.append(score_part(engine, one, models, part, reporter, tiled=tiled))
    with reading([model, *(read for one, models in tasks for read in (*folders_of(one.config.data), *models))]):
        summary, warnings = summarize_parts(parts, folder, part, config.evaluate.bootstrap, reporter)
    return Evaluation(Run(folder), summary, warnings)


def suspects(target: PathLike | Run, *, reporter: Reporter | None = None) -> list[dict[str, Any]]:
    """The masks of a run that are most probably wrong, worst first; writes suspects.html and suspects.csv into it.

    Args:
        target: a run folder or what `train` returned, whose validation and test are looked at; or the folder of a
            cross-validation, where each case is judged by the fold that did not train on it.

    Raises:
        MaskwrightError: no trained model, nothing that it can judge, or files that cannot be used.
    """
    from maskwright.data.remarks import folders_of
    from maskwright.doubts import find_suspects
    from maskwright.reporting.doubts import write_doubts
    from maskwright.storage import reading

    found = find_suspects(Path(target if isinstance(target, str | Path) else target.path), reporter or Reporter())
    with reading([folder for one in found.configs for folder in folders_of(one.data)]):
        return write_doubts(found)[1]


def report(
    runs: PathLike | Sequence[PathLike],
    *,
    output: PathLike | None = None,
    reporter: Reporter | None = None,
) -> Path:
    """Write one HTML page about a run, or several side by side; runs that were not evaluated are evaluated first.

    Args:
        runs: run folders, or folders of a cross-validation.
        output: the page; `report.html` in the first run where None.

    Raises:
        MaskwrightError: a folder without a trained model, or a page in the way that Maskwright did not write.
    """
    from maskwright.data.remarks import folders_of
    from maskwright.reporting.build import albums_of
    from maskwright.reporting.facts import read_facts
    from maskwright.reporting.page import page, write_page
    from maskwright.storage import reading
    from maskwright.targets import engines, tasks_of

    reporter = reporter or Reporter()
    folders = [Path(one) for one in ([runs] if isinstance(runs, str | Path) else runs)]
    for folder in folders:
        if not (folder / "evaluation.json").exists():
            evaluate(folder, reporter=reporter)
    facts = [read_facts(folder) for folder in folders]
    albums = []
    if len(facts) == 1:
        _, part, tasks = tasks_of(folders[0], facts[0].summary["split"], (), None, reporter)
        opened = [(loaded, engines(models, loaded.config, reporter)) for loaded, models in tasks]
        albums = albums_of(facts[0], opened, part, reporter)
    path = Path(output) if output is not None else folders[0] / "report.html"
    with reading([one for fact in facts for one in folders_of(fact.config.data)]):
        write_page(path, page(facts, albums))
    return path
