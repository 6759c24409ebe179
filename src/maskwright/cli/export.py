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
    parser.add_argument("--output", metavar="PATH", help="the file or folder (default: in exports/ beside the model)")


def run(arguments: argparse.Namespace, reporter: Reporter) -> Outcome:
    """Export and say how far the file is from Keras."""
    from maskwright.api import export

    found = export(arguments.run, arguments.format, output=arguments.output, reporter=reporter)
    data = {"path": found.path, "format": found.format, "bytes": found.bytes, "largest_difference": found.difference}
    text = (
        f"{found.path} ({found.bytes / 1e6:.1f} MB)\n"
        f"largest difference in probability to Keras: {found.difference:.1e}\n"
        f"maskwright predict {found.path} IMAGES uses it"
    )
    return Outcome(data, text)
