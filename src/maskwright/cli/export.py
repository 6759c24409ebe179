"""maskwright export"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from maskwright.cli._main import Outcome

if TYPE_CHECKING:
    from maskwright.progress import Reporter

HELP = "a trained model as a file for other programs: ONNX, OpenVINO, SavedModel, BioImage Model Zoo"
EXAMPLE = "maskwright export runs/config --format onnx"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this command."""
    parser.add_argument("run", metavar="RUN|MODEL", help="a run folder, or a model.keras")
    parser.add_argument("--format", choices=["onnx", "openvino", "saved_model", "bioimageio"], default="onnx")
    parser.add_argument(
        "--precision",
        choices=["float32", "int8"],
        default="float32",
        help="int8: 8-bit convolutions for OpenVINO, calibrated on the run's validation cases",
    )
    parser.add_argument("--output", metavar="PATH", help="the file or folder (default: in exports/ beside the model)")


def run(arguments: argparse.Namespace, reporter: Reporter) -> Outcome:
    """Export and say how far the file is from Keras."""
    from maskwright.api import export

    found = export(
        arguments.run, arguments.format, precision=arguments.precision, output=arguments.output, reporter=reporter
    )
    data = {"path": found.path, "format": found.format, "bytes": found.bytes, "largest_difference": found.difference}
    text = (
        f"{found.path} ({found.bytes / 1e6:.1f} MB)\n"
        f"largest difference in probability to Keras: {found.difference:.1e}\n"
        f"maskwright predict {found.path} IMAGES uses it"
    )
    if found.dice:
        data["validation_dice"] = {"keras": found.dice[0], "int8": found.dice[1]}
        text += f"\nDice of the validation patients: Keras {found.dice[0]:.4f}, int8 {found.dice[1]:.4f}"
    return Outcome(data, text)
