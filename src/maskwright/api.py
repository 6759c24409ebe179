"""What a notebook and the command line both call: train, evaluate, predict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maskwright.config import Configuration, Loaded, load
from maskwright.errors import MaskwrightError
from maskwright.progress import Reporter

if TYPE_CHECKING:
    from maskwright.inference.predict import Predictions
    from maskwright.training.run import Run

PathLike = str | Path


@dataclass(frozen=True)
class Evaluation:
    """The scores of a run: `summary` as in evaluation.json, and what was seen in training."""

    run: Run
    summary: dict[str, Any]
    warnings: list[str]


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
    reporter: Reporter | None = None,
) -> Run:
    """Train what a configuration file says; returns its run folder.

    Raises:
        MaskwrightError: anything that must fail fails before the first step.
    """
    from maskwright.training.train import train as run_training

    loaded = config if isinstance(config, Loaded) else load_config(config, overrides, run_dir=run_dir)
    return run_training(loaded, reporter or Reporter(), resume=resume, allow_leak=allow_leak)


def evaluate(
    target: PathLike | Run | Loaded,
    *,
    split: str | None = None,
    overrides: Sequence[str] = (),
    run_dir: PathLike | None = None,
    tiled: bool = False,
    reporter: Reporter | None = None,
) -> Evaluation:
    """Score a run on a split; writes evaluation.json, evaluation.csv, per_image.csv and per_patient.csv into it.

    Args:
        target: a configuration file, a run folder, or what `train` returned.
        split: `train`, `valid` or `test`; that of the configuration where None.

    Raises:
        MaskwrightError: no trained model, or pictures that cannot be used.
    """
    from maskwright.data.splits import collect
    from maskwright.evaluation.files import write_scores
    from maskwright.evaluation.leaks import find_leak
    from maskwright.evaluation.summary import report
    from maskwright.inference.evaluate import score_network
    from maskwright.inference.evaluate_scans import score_scans
    from maskwright.training.run import read_training_images

    reporter = reporter or Reporter()
    loaded = _resolve(target, overrides, run_dir)
    config, run = loaded.config, _run(loaded)
    engine = _engine(run.require_model(), config)
    part = split or config.evaluate.split
    scans = bool(engine.metadata.input_rule.depth)
    pairs = collect(config.data, (part,), seed=config.train.seed, scans=scans)[part]
    if scans:
        scored = score_scans(engine, pairs, config, reporter)
    else:
        scored = score_network(engine, pairs, config, reporter, tiled=tiled)
    summary = report(scored.images, engine.metadata.class_names, config.evaluate.bootstrap)
    leak = find_leak(scored.records, read_training_images(run), by_patient=config.data.patient_pattern is not None)
    warnings = [] if part == "train" else leak.messages
    for warning in warnings:
        reporter.warn(f"these scores are too good: {warning}")
    if config.data.patient_pattern is None:
        reporter.say("no data.patient_pattern is set: whether a patient was in training cannot be told")
    summary = {
        "split": part,
        "network": scored.network,
        "units": scored.units,
        **summary,
        "leak": leak.as_dict(),
        "warnings": warnings,
    }
    write_scores(run.path, summary, scored.images, engine.metadata.class_names)
    return Evaluation(run, summary, warnings)


def predict(
    target: PathLike | Run | Loaded,
    images: PathLike | Sequence[PathLike] | None = None,
    *,
    output: PathLike | None = None,
    overrides: Sequence[str] = (),
    run_dir: PathLike | None = None,
    tiled: bool = False,
    series: str | None = None,
    ensemble: Sequence[PathLike] = (),
    reporter: Reporter | None = None,
) -> Predictions:
    """Predict images and folders into masks and overlays, or scans into label maps.

    Args:
        target: a run folder, a model.keras, a configuration file, or what `train` returned.
        images: files and folders of pictures, or of scans (NIfTI, DICOM, NRRD, MHA); those of the configuration where
            None.
        series: which series of a DICOM folder, where it holds several.
        ensemble: further runs or models; the mean over all is taken.
        output: folder of the masks; that of the configuration, else `predictions` in the run folder, where None.
        tiled: in overlapping tiles instead of resized to the network.

    Raises:
        MaskwrightError: no model, no images, not one that could be read, or results in the way.
    """
    from maskwright.inference.predict import find_images, predict_files
    from maskwright.inference.scans import find_scans, predict_scans

    path = Path(target) if isinstance(target, str | Path) else None
    if path is not None and path.suffix == ".keras":
        config, model, home = _of_model(path, overrides), path, path.absolute().parent / "predictions"
    else:
        loaded = _resolve(target, overrides, run_dir)
        run = _run(loaded)
        config, model, home = loaded.config, run.require_model(), run.predictions
    options = config.predict
    folders: Any = options.tiles if tiled else options
    if images is None:
        chosen = [folders.images_dir or options.images_dir]
        if chosen == [None]:
            raise MaskwrightError(
                "no images are named",
                where="predict",
                fix="Name files or folders after the run, or set predict.images_dir.",
            )
    else:
        chosen = [images] if isinstance(images, str | Path) else list(images)
    sources = [Path(str(item)) for item in chosen]
    ours = output is None
    target_dir = Path(output) if output is not None else (folders.output_dir or home)
    engine = _engines([model, *map(_model_of, ensemble)], config)
    if scans := find_scans(sources, engine.metadata.input_rule.channel_patterns):
        return predict_scans(
            engine, scans, target_dir, options, reporter or Reporter(), series=series, tiled=tiled, ours=ours
        )
    return predict_files(
        engine,
        find_images(sources),
        target_dir,
        options,
        reporter or Reporter(),
        mask=config.mask,
        overlays=folders.merged_dir if ours else None,
        tiled=tiled,
        ours=ours,
    )


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
        write: put what was chosen into the run's config.toml and its model.

    Returns:
        `before`, `after` (mean Dice over patients and classes), `patients`, `settings` (keys of [predict]), `tried`
        (each with class, step, value, dice and whether it was kept), and `config`, the file that was written.

    Raises:
        MaskwrightError: no trained model, no validation patients, or files that cannot be used.
    """
    import tempfile

    from maskwright.data.splits import collect
    from maskwright.inference.decision import decision
    from maskwright.inference.postprocess import cleaning
    from maskwright.inference.tune import Setting, as_settings
    from maskwright.inference.tune import tune as choose
    from maskwright.inference.tune_cases import picture_cases, scan_cases
    from maskwright.training.run import open_run, write_choice

    reporter = reporter or Reporter()
    run = open_run(target if isinstance(target, str | Path) else target.path)
    config = load(run.config_file, run_dir=run.path).config
    if (scans is None) != (labels is None):
        raise MaskwrightError("go together", where="--scans, --labels", fix="Name both folders, or neither.")
    data = config.data
    if scans is not None and labels is not None:
        folders = data.valid.model_copy(update={"images": Path(scans), "masks": Path(labels)})
        # The pattern finds patients in names of slices; each scan counts as one.
        changes = {"images": None, "split_file": None, "valid": folders, "patient_pattern": None}
        data = data.model_copy(update=changes)
    engine = _engines([run.require_model()], config)
    volumes = scans is not None or bool(engine.metadata.input_rule.depth)
    pairs = collect(data, ("valid",), seed=config.train.seed, scans=volumes)["valid"]
    start = Setting(decision(engine.metadata, config.predict), cleaning(engine.metadata, config.predict.postprocess))
    with tempfile.TemporaryDirectory() as folder:
        cases = (scan_cases if volumes else picture_cases)(engine, pairs, config, Path(folder), reporter)
        found = choose(cases, engine.metadata, start, reporter)
    settings = as_settings(found, engine.metadata.class_names[1:])
    if write:
        write_choice(run, config, settings)
    return {
        "before": found.before,
        "after": found.after,
        "patients": len({pair.patient for pair in pairs}),
        "settings": settings,
        "tried": found.tried,
        "config": str(run.config_file),
    }


def _resolve(target: PathLike | Run | Loaded, overrides: Sequence[str], run_dir: PathLike | None) -> Loaded:
    """The configuration and run folder behind a file, a run folder or an object."""
    if isinstance(target, Loaded):
        return target
    path = Path(target) if isinstance(target, str | Path) else target.path
    if path.is_dir():
        from maskwright.training.run import open_run

        return load(open_run(path).config_file, list(overrides), run_dir=path)
    return load(path, list(overrides), run_dir=run_dir)


def _run(loaded: Loaded) -> Run:
    from maskwright.training.run import Run

    return Run(loaded.run_dir)


def _of_model(path: Path, overrides: Sequence[str]) -> Configuration:
    """The configuration of a model file by itself: what it says of its own use, and the overrides."""
    from maskwright.config.loading import from_overrides
    from maskwright.models.saving import read_metadata

    return from_overrides(list(overrides), {"predict": read_metadata(path).predict})


def _model_of(path: PathLike) -> Path:
    """The model file of a run folder, or the file itself."""
    from maskwright.training.run import open_run

    return open_run(path).require_model() if Path(path).is_dir() else Path(path)


def _engines(models: Sequence[Path], config: Configuration) -> Any:
    """One model or an ensemble of several, mirrored where the configuration asks for it."""
    from maskwright.inference.engines import Ensemble, Mirrored

    engines = [_engine(model, config) for model in models]
    if config.predict.mirror:
        engines = [Mirrored(engine, range(len(engine.metadata.input_shape) - 1)) for engine in engines]
    return engines[0] if len(engines) == 1 else Ensemble(engines)


def _engine(model: Path, config: Configuration) -> Any:
    from maskwright.data.cache import default_folder
    from maskwright.inference.engines import open_engine
    from maskwright.models.saving import read_metadata
    from maskwright.precision import choose_precision

    read_metadata(model)  # a file that is no model is refused before Keras is loaded
    return open_engine(model, choose_precision(config.predict.precision, config.data.cache_dir or default_folder()))
