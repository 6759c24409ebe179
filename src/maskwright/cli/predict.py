"""maskwright predict"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from maskwright.cli._main import DONE, WRONG, Outcome
from maskwright.cli._shared import add_engine, add_ensemble, add_overrides, add_resample, add_run, load_and_tell

if TYPE_CHECKING:
    from maskwright.progress import Reporter

HELP = "masks and overlays for images and folders, label maps for scans"
EXAMPLE = "maskwright predict runs/config images/ --output masks"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this command."""
    parser.add_argument(
        "config", metavar="RUN|MODEL|CONFIG", help="a run folder, a model.keras, or a configuration that was trained"
    )
    parser.add_argument(
        "images",
        nargs="*",
        help="images, scans (NIfTI, DICOM series, NRRD, MHA) and folders of them (default: predict.images_dir)",
    )
    parser.add_argument("--output", metavar="DIR", help="folder of the masks (default: as configured, else in the run)")
    parser.add_argument("--tiles", action="store_true", help="in overlapping tiles, for images larger than the network")
    parser.add_argument("--probabilities", action="store_true", help="write probabilities too, as 16-bit PNG")
    parser.add_argument("--series", metavar="UID", help="which series, where a scan's folder holds several")
    add_resample(parser)
    add_ensemble(parser)
    parser.add_argument(
        "--format", action="append", choices=["nifti", "seg", "rtstruct"], help="scans: files to write (default: nifti)"
    )
    add_engine(parser, "as configured, else what the model is made for")
    add_run(parser)
    add_overrides(parser)


def run(arguments: argparse.Namespace, reporter: Reporter) -> Outcome:
    """Predict and say where the results are."""
    from maskwright.api import predict
    from maskwright.errors import MaskwrightError

    if arguments.probabilities:
        arguments.overrides.append("predict.probabilities=true")
    if arguments.engine:
        arguments.overrides.append(f"predict.engine={arguments.engine}")
    if arguments.format:
        arguments.overrides.append(f"predict.volume_formats={arguments.format}")
    from maskwright.inference.model_files import is_model

    path = Path(arguments.config)
    direct = path.is_dir() or is_model(path)
    target = arguments.config if direct else load_and_tell(arguments, reporter)
    if direct and arguments.run_dir:
        raise MaskwrightError(
            "goes with a configuration, not with a run or a model", where="--run", fix="Leave it out."
        )
    result = predict(
        target,
        arguments.images or None,
        output=arguments.output,
        overrides=arguments.overrides if direct else (),
        tiled=arguments.tiles,
        series=arguments.series,
        resample_slices=arguments.resample_slices,
        ensemble=arguments.ensemble,
        reporter=reporter,
    )
    failed = f", {len(result.failed)} could not be read" if result.failed else ""
    text = f"{len(result.masks)} masks in {result.output}{failed}"
    if result.overlays:
        text += f"\noverlays in {result.overlays}"
    data = {"output": result.output, "overlays": result.overlays, "masks": result.masks, "failed": result.failed}
    return Outcome(data, text, code=WRONG if result.failed else DONE)
