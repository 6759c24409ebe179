"""What a command is given to work on: a configuration, a run, a model file, the folds of a cross-validation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from maskwright.config import Configuration, Loaded, load
from maskwright.config.loading import from_overrides
from maskwright.data.cache import default_folder
from maskwright.data.pairs import Pair, shorten
from maskwright.data.splits import collect
from maskwright.errors import MaskwrightError
from maskwright.inference.decision import HALF
from maskwright.inference.engines import Engine, combined
from maskwright.inference.model_files import is_model, kind_of, read_metadata
from maskwright.inference.runtimes import choose_engine
from maskwright.plan.changes import look
from maskwright.plan.source import same_place
from maskwright.precision import choose_precision, processor_has_bfloat16
from maskwright.progress import Reporter
from maskwright.training.run import Run, fold_runs, open_run

PathLike = str | Path

_OF_A_MODEL = ("threshold", "postprocess")


def tasks_of(
    target: PathLike | Run | Loaded,
    split: str | None,
    overrides: Sequence[str],
    run_dir: PathLike | None,
    reporter: Reporter,
) -> tuple[Path, str, list[tuple[Loaded, list[Path]]]]:
    """The folder of the results, the part to score, and what is scored on it: configurations, each with its models."""
    folder, folds = folds_in(target, overrides, run_dir)
    members = [load(one.config_file, list(overrides), run_dir=one.path) for one in folds]
    tasks: list[tuple[Loaded, list[Path]]]
    if folds and split in (None, "valid"):
        reporter.say(f"{len(folds)} folds, each scored on the patients that it did not train on")
        part, tasks = "valid", [(one, [run.require_model()]) for one, run in zip(members, folds, strict=True)]
        if missing := members[0].config.data.folds - len(folds):
            reporter.warn(
                f"{missing} of {len(folds) + missing} folds are not trained yet; their patients are not scored"
            )
    elif folds:
        reporter.say(f"an ensemble of {len(folds)} folds")
        ensemble = replace(members[0], config=together([one.config for one in members]))
        part, tasks = split or "test", [(ensemble, [run.require_model() for run in folds])]
    else:
        loaded = resolve(target, overrides, run_dir)
        folder, part = loaded.run_dir, split or loaded.config.evaluate.split
        tasks = [(loaded, [run_of(loaded).require_model()])]
    return folder, part, tasks


def folds_in(
    target: PathLike | Run | Loaded, overrides: Sequence[str], run_dir: PathLike | None
) -> tuple[Path, list[Run]]:
    """The folder that a target names, and the folds in it where it holds a cross-validation and is no run itself."""
    if isinstance(target, Loaded):
        folder = target.run_dir
    elif isinstance(target, str | Path):
        folder = Path(target) if Path(target).is_dir() else load(target, list(overrides), run_dir=run_dir).run_dir
    else:
        folder = target.path
    return folder, [] if Run(folder).is_trained() else fold_runs(folder)


def resolve(target: PathLike | Run | Loaded, overrides: Sequence[str], run_dir: PathLike | None) -> Loaded:
    """The configuration and run folder behind a file, a run folder or an object."""
    if isinstance(target, Loaded):
        return target
    path = Path(target) if isinstance(target, str | Path) else target.path
    if path.is_dir():
        return load(open_run(path).config_file, list(overrides), run_dir=path)
    return load(path, list(overrides), run_dir=run_dir)


def run_of(loaded: Loaded) -> Run:
    return Run(loaded.run_dir)


def config_of_model(path: Path, overrides: Sequence[str]) -> Configuration:
    """The configuration of a model file by itself: what it says of its own use, and the overrides.

    It may say how probabilities become a mask, and never where anything is written.
    """
    said = {key: value for key, value in read_metadata(path).predict.items() if key in _OF_A_MODEL}
    return from_overrides(list(overrides), {"predict": said})


def models_of(
    target: PathLike | Run | Loaded,
    ensemble: Sequence[PathLike],
    overrides: Sequence[str],
    run_dir: PathLike | None,
) -> tuple[list[Path], Configuration, Path]:
    """The model files to be used together, the configuration of their use, and where results go by default.

    Args:
        target: a model file, a run, a configuration that was trained, or the folder of a cross-validation, whose folds
            are then used together. ensemble: further runs or models.
    """
    others = [model_of(one) for one in ensemble]
    path = Path(target) if isinstance(target, str | Path) else None
    if path is not None and is_model(path):
        return [path, *others], config_of_model(path, overrides), path.absolute().parent / "predictions"
    folder, folds = folds_in(target, overrides, run_dir)
    if folds:
        configs = [load(one.config_file, list(overrides), run_dir=one.path).config for one in folds]
        return [*(one.require_model() for one in folds), *others], together(configs), folder / "predictions"
    loaded = resolve(target, overrides, run_dir)
    run = run_of(loaded)
    return [run.require_model(), *others], loaded.config, run.predictions


def together(configs: Sequence[Configuration]) -> Configuration:
    """The configuration of an ensemble: the first's, with the mean of thresholds that were chosen for each member.

    Cleaning that was chosen for some members only, or otherwise, is left out.
    """
    first = configs[0].predict
    changes: dict[str, Any] = {}
    thresholds = [one.predict.threshold for one in configs]
    if any(one != thresholds[0] for one in thresholds):
        rows = [HALF if one is None else one for one in thresholds]
        mean = np.mean(np.broadcast_arrays(*rows), axis=0)
        changes["threshold"] = mean.round(4).tolist() if mean.ndim else round(float(mean), 4)
    if any(one.predict.postprocess != first.postprocess for one in configs):
        changes["postprocess"] = type(first.postprocess)()
    return configs[0].model_copy(update={"predict": first.model_copy(update=changes)})


def model_of(path: PathLike) -> Path:
    """The model file of a run folder, or the file itself."""
    if Path(path).is_dir() and not is_model(Path(path)):
        return open_run(path).require_model()
    return Path(path)


def engines(models: Sequence[Path], config: Configuration, reporter: Reporter) -> Engine:
    """One model or an ensemble of several, mirrored where the configuration asks for it."""
    return combined([engine(model, config) for model in models], config.predict, reporter.warn)


def pairs_of(loaded: Loaded, part: str, reporter: Reporter) -> list[Pair]:
    """The pairs of a part of a run: those of its plan; where the configuration names another place, those found there.

    Raises:
        MaskwrightError: there are none, or files of the plan are gone.
    """
    config, plan = loaded.config, Run(loaded.run_dir).plan()
    if plan is None or not same_place(plan.source, config, part):
        return collect(config.data, (part,), seed=config.split_seed, scans=bool(config.model.image_depth))[part]
    pairs = plan.pairs(part)
    went, changed = look(plan.part(part))
    if went:
        raise MaskwrightError(
            f"{len(went)} of {len(pairs)} pairs of the {part} part are gone: {shorten(went)}",
            where=f"the plan of {loaded.run_dir}",
            fix=f"Put them back, or name other folders: --set data.{part}.images=… --set data.{part}.masks=…",
        )
    if changed:
        reporter.warn(f"{len(changed)} pairs are not what they were when the plan was made: {shorten(changed)}")
    return pairs


def engine(model: Path, config: Configuration) -> Engine:
    """A model file, ready to be used as the configuration says."""
    read_metadata(model)  # a file that is no model is refused before Keras is loaded
    folder = config.data.cache_dir or default_folder()
    wanted, precision = config.predict.engine, config.predict.precision
    if precision == "auto" and (wanted in ("onnx", "openvino") or "keras" not in kind_of(model).engines):
        precision = "mixed_bfloat16" if processor_has_bfloat16() else "float32"  # Keras need not be asked
    return choose_engine(wanted, model, choose_precision(precision, folder), folder)
