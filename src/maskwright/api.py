"""What a notebook and the command line both call: train, evaluate, predict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maskwright.config import Loaded, load
from maskwright.errors import MaskwrightError
from maskwright.progress import Reporter

if TYPE_CHECKING:
    from maskwright.export.run import Exported
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
    fold: int | None = None,
    reporter: Reporter | None = None,
) -> Run:
    """Train what a configuration file says; returns its run folder.

    Args:
        fold: of a cross-validation: validate on it and train on the others, in `fold-K` of the run folder.

    Raises:
        MaskwrightError: anything that must fail fails before the first step.
    """
    from maskwright.training.train import train as run_training

    loaded = config if isinstance(config, Loaded) else load_config(config, overrides, run_dir=run_dir)
    if fold is not None:
        data = loaded.config.data.model_copy(update={"fold": fold})
        chosen = loaded.config.model_copy(update={"data": data})
        loaded = replace(loaded, config=chosen, run_dir=loaded.run_dir / f"fold-{fold}")
    return run_training(loaded, reporter or Reporter(), resume=resume, allow_leak=allow_leak)


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
    from maskwright.scoring import score_part, summarize_parts
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
        engine = engines(models if model is None else [Path(model)], one.config)
        parts.append(score_part(engine, one, models, part, reporter, tiled=tiled))
    summary, warnings = summarize_parts(parts, folder, part, config.evaluate.bootstrap, reporter)
    return Evaluation(Run(folder), summary, warnings)


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
        target: a run folder, a model.keras or what `export` made of it, a configuration file, or what `train`
            returned; or the folder of a cross-validation, whose folds are then an ensemble.
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
    from maskwright.targets import engines, models_of

    models, config, home = models_of(target, ensemble, overrides, run_dir)
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
    engine = engines(models, config)
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


def export(
    target: PathLike | Run,
    format: str = "onnx",
    *,
    precision: str = "float32",
    output: PathLike | None = None,
    reporter: Reporter | None = None,
) -> Exported:
    """Write a trained model as a file for other programs, and compare it with Keras on the spot.

    Args:
        target: a run folder, a model.keras, or what `train` returned.
        format: `onnx`, `openvino`, `saved_model` (TensorFlow) or `bioimageio` (BioImage Model Zoo package).
        precision: `int8` for convolutions in 8 bits, of a run and for OpenVINO, calibrated on its validation cases and
            kept if it loses less than 0.005 Dice there; else `float32`.
        output: the file or folder; in `exports` beside the model where None.

    Raises:
        MaskwrightError: no trained model, something of another in the way, or a file that does not find what Keras
            finds.
    """
    from maskwright.export.run import export_int8, export_model
    from maskwright.targets import model_of
    from maskwright.training.run import open_run

    path, where = Path(target if isinstance(target, str | Path) else target.path), Path(output) if output else None
    model = model_of(path)
    if precision == "float32":
        return export_model(model, format, where, reporter or Reporter())
    if precision != "int8" or format != "openvino":
        raise MaskwrightError(
            f"there is no {precision} as {format}",
            where="--precision",
            fix="Take int8 with --format openvino, or float32.",
        )
    config = load(open_run(path).config_file, run_dir=path).config
    return export_int8(model, config, where, reporter or Reporter())


def serve(
    target: PathLike | Run,
    *,
    ensemble: Sequence[PathLike] = (),
    host: str = "127.0.0.1",
    port: int = 8000,
    token_file: PathLike | None = None,
    engine: str | None = None,
    megabytes: float = 512,
    seconds: float = 300,
    waiting: int = 64,
    open_browser: bool = False,
    overrides: Sequence[str] = (),
    reporter: Reporter | None = None,
) -> None:
    """Serve a model over HTTP, with a viewer in the browser, until SIGTERM or SIGINT.

    Args:
        target, ensemble: as for `predict`. host, port: where to listen; 0 is any port that is free. token_file: holds
            what every request must bring; needed for a host that others can reach.
        engine: what runs the network; the fastest on this machine where None.
        megabytes: largest body. seconds: what a request may take. waiting: requests at a time; more get 503.

    Raises:
        MaskwrightError: no model, a port that is taken, no token where one is needed, or the extra is not installed.
    """
    import importlib.util
    import os

    if missing := [name for name in ("fastapi", "uvicorn", "prometheus_client") if not importlib.util.find_spec(name)]:
        raise MaskwrightError(
            f"needs {', '.join(missing)}", where="maskwright serve", fix='pip install "maskwright[serve]"'
        )
    # A picture in a scan may declare any size; OpenCV reads this when it is loaded.
    os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(1 << 27))
    from maskwright.serve.limits import Limits
    from maskwright.serve.server import read_token, run_service
    from maskwright.targets import models_of

    models, config, _ = models_of(target, ensemble, overrides, None)
    chosen = config.predict.model_copy(update={"engine": engine or config.predict.engine or "auto"})
    run_service(
        models,
        config.model_copy(update={"predict": chosen}),
        Limits(megabytes=megabytes, unpacked_megabytes=4 * megabytes, seconds=seconds, waiting=waiting),
        reporter or Reporter(),
        host=host,
        port=port,
        token=read_token(None if token_file is None else str(token_file)),
        open_browser=open_browser,
    )


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
    from maskwright.reporting.build import albums_of
    from maskwright.reporting.facts import read_facts
    from maskwright.reporting.page import page, write_page
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
        opened = [(loaded, engines(models, loaded.config)) for loaded, models in tasks]
        albums = albums_of(facts[0], opened, part, reporter)
    path = Path(output) if output is not None else folders[0] / "report.html"
    write_page(path, page(facts, albums))
    return path


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

    from maskwright.data.splits import collect
    from maskwright.inference.decision import decision
    from maskwright.inference.postprocess import cleaning
    from maskwright.inference.tune import Setting, as_settings
    from maskwright.inference.tune import tune as choose
    from maskwright.inference.tune_cases import picture_cases, scan_cases
    from maskwright.targets import engines
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
    engine = engines([run.require_model()], config)
    volumes = scans is not None or bool(engine.metadata.input_rule.depth)
    pairs = collect(data, ("valid",), seed=config.split_seed, scans=volumes)["valid"]
    start = Setting(decision(engine.metadata, config.predict), cleaning(engine.metadata, config.predict.postprocess))
    with tempfile.TemporaryDirectory() as folder:
        cases = (scan_cases if volumes else picture_cases)(engine, pairs, config, Path(folder), reporter)
        found = choose(cases, engine.metadata, start, reporter)
    settings = as_settings(found, engine.metadata.class_names[1:])
    if write and any(one["kept"] for one in found.tried):
        write_choice(run, config, settings)
    return {
        "before": found.before,
        "after": found.after,
        "patients": len({pair.patient for pair in pairs}),
        "settings": settings,
        "tried": found.tried,
        "config": str(run.config_file),
    }
