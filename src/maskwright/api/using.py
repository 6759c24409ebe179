"""A trained model at work: prediction, exports, the service."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maskwright.config import Loaded, load
from maskwright.errors import MaskwrightError
from maskwright.progress import Reporter

if TYPE_CHECKING:
    from maskwright.exporting.run import Exported
    from maskwright.inference.predict import Predictions
    from maskwright.training.run import Run

PathLike = str | Path


def predict(
    target: PathLike | Run | Loaded,
    images: PathLike | Sequence[PathLike] | None = None,
    *,
    output: PathLike | None = None,
    overrides: Sequence[str] = (),
    run_dir: PathLike | None = None,
    tiled: bool = False,
    series: str | None = None,
    resample_slices: bool = False,
    ensemble: Sequence[PathLike] = (),
    reporter: Reporter | None = None,
) -> Predictions:
    """Predict images and folders into masks and overlays, or scans into label maps.

    Args:
        target: a run folder, a model.keras or what `export` made of it, a configuration file, or what `train`
            returned; or the folder of a cross-validation, whose folds are then an ensemble.
        images: files and folders of pictures, or of scans (NIfTI, DICOM, NRRD, MHA); those of the configuration where
            None.
        series: which series of a DICOM folder, where it holds several. resample_slices: DICOM slices at uneven
            distances are read at the smallest one, interpolated, instead of being refused.
        ensemble: further runs or models; the mean over all is taken.
        output: folder of the masks; that of the configuration, else `predictions` in the run folder, where None.
        tiled: in overlapping tiles instead of resized to the network.

    Raises:
        MaskwrightError: no model, no images, not one that could be read, or results in the way.
    """
    from maskwright.data.remarks import unread
    from maskwright.inference.journal import state_of
    from maskwright.inference.predict import Job, find_images, predict_files
    from maskwright.inference.scans import find_scans, predict_scans
    from maskwright.storage import reading, staying
    from maskwright.targets import engines, models_of
    from maskwright.volumes.channels import read_channels

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
    reporter = reporter or Reporter()
    engine = engines(models, config, reporter)
    job = Job(engine, options, target_dir, reporter, tiled, ours, made_with=[state_of(path) for path in models])
    rule = engine.metadata.input_rule
    if scans := find_scans(sources, rule.channel_patterns if rule.depth else ()):
        with staying(target_dir), reading([*sources, *(path for scan in scans for path in scan.paths)]):
            read = partial(read_channels, series=series, resample_slices=resample_slices)
            return predict_scans(job, scans, read=read, settings=(series, resample_slices))
    for source in sources:
        if source.is_dir():
            for note in unread(source, without=target_dir):
                reporter.warn(note)
    files = find_images(sources, rule.channel_patterns)
    overlays = folders.merged_dir if ours else None
    kept = [*(source for source in sources if source.is_dir()), *(path for one in files for path in one.paths)]
    with staying(target_dir), reading(kept):
        return predict_files(job, files, mask=config.mask, overlays=overlays)


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
    from maskwright.exporting.run import export_int8, export_model
    from maskwright.plan.choices import choice_on
    from maskwright.targets import model_of, pairs_of
    from maskwright.training.run import note_choice, open_run

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
    run, reporter = open_run(path), reporter or Reporter()
    loaded = load(run.config_file, run_dir=path)
    pairs = pairs_of(loaded, "valid", reporter)
    found = export_int8(model, loaded.config, pairs, where, reporter)
    note_choice(run, choice_on("8-bit ranges", "calibration", pairs))
    return found


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
    upload_seconds: float = 600,
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
        megabytes: largest body. seconds: what a request may take, and `upload_seconds` its body before that.
        waiting: requests at a time; more get 503.

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
    os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")  # it would remark on damaged uploads; we answer instead
    from maskwright.serving.limits import Limits
    from maskwright.serving.server import read_token, run_service
    from maskwright.targets import models_of

    models, config, _ = models_of(target, ensemble, overrides, None)
    chosen = config.predict.model_copy(update={"engine": engine or config.predict.engine or "auto"})
    run_service(
        models,
        config.model_copy(update={"predict": chosen}),
        Limits(
            megabytes=megabytes,
            unpacked_megabytes=4 * megabytes,
            seconds=seconds,
            upload_seconds=upload_seconds,
            waiting=waiting,
        ),
        reporter or Reporter(),
        host=host,
        port=port,
        token=read_token(None if token_file is None else str(token_file)),
        open_browser=open_browser,
    )
