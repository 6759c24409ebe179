"""maskwright weights"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from maskwright.cli._main import Outcome

if TYPE_CHECKING:
    from maskwright.progress import Reporter

HELP = "which weights from ImageNet are on this machine, and fetching others; training itself never downloads any"
EXAMPLE = "maskwright weights get EfficientNetB0"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this command."""
    parser.add_argument("action", choices=["list", "get"], help="list them, or get NAME")
    parser.add_argument("name", nargs="?", metavar="NAME", help="an encoder, as in model.backbone")


def run(arguments: argparse.Namespace, reporter: Reporter) -> Outcome:
    """List or fetch."""
    from maskwright.backend import import_keras
    from maskwright.errors import MaskwrightError

    import_keras()
    from maskwright.models.fetching import fetch, known_weights

    if arguments.action == "get":
        if arguments.name is None:
            raise MaskwrightError("wants a name", where="weights get", fix="See maskwright weights list.")
        path = fetch(arguments.name)
        return Outcome({"name": arguments.name, "file": path}, str(path))
    rows = {name: {"file": file, "comes by": way} for name, (file, way) in known_weights().items()}
    lines = [f"{name:<20}{row['file'] or 'not here: ' + str(row['comes by'])}" for name, row in rows.items()]
    return Outcome(rows, "\n".join(lines))
