"""maskwright models"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from maskwright.cli._main import Outcome

if TYPE_CHECKING:
    from maskwright.progress import Reporter

HELP = "every architecture with its parameters and multiply-adds"
EXAMPLE = "maskwright models unet --size 512 512 --channels 3"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this command."""
    parser.add_argument("name", nargs="?", help="one architecture, with its options")
    parser.add_argument(
        "--size",
        type=int,
        nargs=2,
        default=[256, 256],
        metavar=("HEIGHT", "WIDTH"),
        help="input size in px (default: 256 256)",
    )
    parser.add_argument("--channels", type=int, default=1, help="input channels (default: %(default)s)")
    parser.add_argument("--classes", type=int, default=1, help="classes (default: %(default)s)")


def run(arguments: argparse.Namespace, reporter: Reporter) -> Outcome:
    """Build each and count."""
    from maskwright.backend import import_keras
    from maskwright.models.cost import multiply_adds
    from maskwright.models.registry import architectures, find_architecture

    import_keras()
    chosen = [find_architecture(arguments.name)] if arguments.name else list(architectures().values())
    found: list[dict[str, Any]] = []
    for item in chosen:
        from maskwright.models.registry import create_model

        model = create_model(item.name, (*arguments.size, arguments.channels), arguments.classes)
        found.append(
            {
                "name": item.name,
                "aliases": list(item.aliases),
                "parameters": model.count_params(),
                "multiply_adds": multiply_adds(model),
                "year": item.year,
                "paper": item.paper,
                "options": item.options,
            }
        )
    lines = [f"{'name':<16}{'parameters':>14}{'multiply-adds':>16}  year  reference's name"]
    lines += [
        f"{m['name']:<16}{m['parameters']:>14,}{m['multiply_adds'] / 1e9:>14.2f} G  {m['year']}  "
        f"{', '.join(m['aliases'])}"
        for m in found
    ]
    if arguments.name:
        lines += ["", found[0]["paper"], "options:"]
        lines += [f"  {name} = {value!r}" for name, value in found[0]["options"].items()]
    return Outcome({"models": found, "size": [*arguments.size, arguments.channels]}, "\n".join(lines))
