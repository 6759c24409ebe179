"""Configurations, training, and settings that are chosen after it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maskwright.config import Loaded, load
from maskwright.errors import MaskwrightError
from maskwright.progress import Reporter

if TYPE_CHECKING:
    from maskwright.plan import Plan
    from maskwright.training.run import Run

PathLike = str | Path


def load_config(path: PathLike, overrides: Sequence[str] = (), *, run_dir: PathLike | None = None) -> Loaded:
    """Read a TOML file or the reference's INI; `overrides` are `section.key=value`.

    Raises:
        MaskwrightError: the file or a value in it is wrong.
    """
    return load(path, list(overrides), run_dir=run_dir)


def train(
    config: PathLike | Loaded,
    *,
    overrides: Sequence[str] = (),
    run_dir: PathLike | None = None,
    resume: bool = False,
    allow_leak: bool = False,
    fold: int | None = None,
    plan: Plan | None = None,
    reporter: Reporter | None = None,
) -> Run:
    """Train what a configuration file says; returns its run folder.

    Args:
        fold: of a cross-validation: validate on it and train on the others, in `fold-K` of the run folder; all folds
            follow the plan in the run folder, which the first makes.
        plan: of the data, where several runs share one.

    Raises:
        MaskwrightError: anything that must fail fails before the first step.
    """
    from maskwright.data.remarks import folders_of
    from maskwright.plan.plan import check_fold
    from maskwright.plan.shared import shared_plan
    from maskwright.plan.split import refuse_share_of_folds
    from maskwright.storage import reading, staying
    from maskwright.training.lock import only_one
    from maskwright.training.train import train as run_training

    loaded = config if isinstance(config, Loaded) else load_config(config, overrides, run_dir=run_dir)
    reporter = reporter or Reporter()
    if fold is not None:
        check_fold(fold, loaded.config.data.folds)
        if loaded.config.data.train_share < 1:
            refuse_share_of_folds()
        plan = shared_plan(loaded.run_dir, loaded.config, reporter, allow_leak=allow_leak).member(fold)
        data = loaded.config.data.model_copy(update={"fold": fold})
        chosen = loaded.config.model_copy(update={"data": data})
        loaded = replace(loaded, config=chosen, run_dir=loaded.run_dir / f"fold-{fold}")
    # What it starts from is read too: a run is not put aside for one that starts from it.
    read = [*folders_of(loaded.config.data), None if resume else loaded.config.train.start_from]
    with only_one(loaded.run_dir), reading(read), staying(loaded.run_dir):
        return run_training(loaded, reporter, resume=resume, allow_leak=allow_leak, plan=plan)


def tune(
    target: PathLike | Run,
    *,
    scans: PathLike | None = None,
    labels: PathLike | None = None,
    write: bool = True,
    reporter: Reporter | None = None,
) -> dict[str, Any]:
    """Choose thresholds and cleaning by their score on the validation patients of a run.

    Args:
        target: a run folder, or what `train` returned.
        scans, labels: folders of scans and label maps to choose on; what the run validates on where None.
        write: put what was chosen into the run's config.toml and its model, where something is better.

    Returns:
        `before`, `after` (mean Dice over patients and classes), `patients`, `settings` (keys of [predict]), `tried`
        (each with class, step, value, dice and whether it was kept), and `config`, the file that was written.

    Raises:
        MaskwrightError: no trained model, no validation patients, or files that cannot be used.
    """
    import tempfile

    from maskwright.data.pairs import match_pairs
    from maskwright.data.remarks import folders_of
    from maskwright.data.splits import with_patients
    from maskwright.inference.decision import decision
    from maskwright.inference.postprocess import cleaning
    from maskwright.inference.tune import Setting, as_settings
    from maskwright.inference.tune import tune as choose
    from maskwright.inference.tune_cases import picture_cases, scan_cases
    from maskwright.plan.choices import choice_on
    from maskwright.storage import reading
    from maskwright.targets import engines, pairs_of
    from maskwright.training.run import note_choice, open_run, write_choice

    reporter = reporter or Reporter()
    run = open_run(target if isinstance(target, str | Path) else target.path)
    loaded = load(run.config_file, run_dir=run.path)
    config = loaded.config
    if (scans is None) != (labels is None):
        raise MaskwrightError("go together", where="--scans, --labels", fix="Name both folders, or neither.")
    engine = engines([run.require_model()], config, reporter)
    volumes = scans is not None or bool(engine.metadata.input_rule.depth)
    if scans is not None and labels is not None:
        # The pattern finds patients in names of slices; each scan counts as one.
        pairs = with_patients(match_pairs(Path(scans), Path(labels), scans=True)[0], None)
    else:
        pairs = pairs_of(loaded, "valid", reporter)
    start = Setting(decision(engine.metadata, config.predict), cleaning(engine.metadata, config.predict.postprocess))
    with tempfile.TemporaryDirectory() as folder:
        cases = (scan_cases if volumes else picture_cases)(engine, pairs, config, Path(folder), reporter)
        found = choose(cases, engine.metadata, start, reporter)
    settings = as_settings(found, engine.metadata.class_names[1:])
    if write and any(one["kept"] for one in found.tried):
        with reading([scans, labels, *folders_of(config.data)]):
            write_choice(run, config, settings)
        note_choice(run, choice_on("thresholds and cleaning", "Dice", pairs, settings))
    return {
        "before": found.before,
        "after": found.after,
        "patients": len({pair.patient for pair in pairs}),
        "settings": settings,
        "tried": found.tried,
        "config": str(run.config_file),
    }
