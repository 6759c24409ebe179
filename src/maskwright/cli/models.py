"""maskwright models"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from maskwright.cli._main import Outcome

if TYPE_CHECKING:
    from maskwright.models.registry import Architecture
    from maskwright.progress import Reporter

HELP = "every architecture with its parameters and multiply-adds"
EXAMPLE = "maskwright models unet --size 512 512 --channels 3"
_DEFAULT_SIZES = {2: (256, 256), 3: (64, 64, 64)}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this command."""
    parser.add_argument("name", nargs="?", help="one architecture, with its options")
    parser.add_argument(
        "--size",
        type=int,
        nargs="+",
        metavar="EDGE",
        help="input size: HEIGHT WIDTH in px, or DEPTH HEIGHT WIDTH in voxels (default: 256 256, or 64 64 64 for "
        "architectures that take volumes only)",
    )
    parser.add_argument("--channels", type=int, default=1, help="input channels (default: %(default)s)")
    parser.add_argument("--classes", type=int, default=1, help="classes (default: %(default)s)")


def run(arguments: argparse.Namespace, reporter: Reporter) -> Outcome:
    """Build each and count."""
    from maskwright.backend import import_keras
    from maskwright.errors import MaskwrightError
    from maskwright.models.registry import architectures, find_architecture

    if arguments.size and (len(arguments.size) not in _DEFAULT_SIZES or min(arguments.size) < 1):
        raise MaskwrightError(
            f"is {' '.join(map(str, arguments.size))}", where="--size", fix="Give HEIGHT WIDTH or DEPTH HEIGHT WIDTH."
        )
    import_keras()
    if arguments.name:
        chosen = [find_architecture(arguments.name)]
    else:
        dims = len(arguments.size) if arguments.size else None
        chosen = [item for item in architectures().values() if dims is None or dims in item.dims]
    found: list[dict[str, Any]] = []
    with reporter.task("building", len(chosen), "architectures") as advance:
        for item in chosen:
            found.append(_describe(item, arguments))
            advance()
    lines = [f"{'name':<22}{'parameters':>14}{'multiply-adds':>16}  {'input':<14}{'takes':<6}  year  reference's name"]
    lines += [
        f"{m['name']:<22}{m['parameters']:>14,}{m['multiply_adds'] / 1e9:>14.2f} G  "
        f"{'x'.join(map(str, m['size'])):<14}{' '.join(f'{n}D' for n in m['dims']):<6}  {m['year']}  "
        f"{', '.join(m['aliases'])}"
        for m in found
    ]
    if not arguments.name:
        lines += ["", *_others()]
    else:
        lines += ["", found[0]["paper"], "options:"]
        lines += [f"  {name} = {value!r}" for name, value in found[0]["options"].items()]
    return Outcome({"models": found}, "\n".join(lines))


def _others() -> list[str]:
    """A line for each package that gives us architectures."""
    from maskwright.models.providers import PROVIDERS, installed, provided

    return [
        f"{name}: {', '.join(f'{name}:{one}' for one in provided(name))}"
        if installed(name)
        else f'{name}: not installed (pip install "maskwright[zoo]")'
        for name in PROVIDERS
    ]


def _describe(item: Architecture, arguments: argparse.Namespace) -> dict[str, Any]:
    from keras.backend import clear_session

    from maskwright.models.cost import multiply_adds
    from maskwright.models.registry import create_model

    name = arguments.name or item.name
    size = arguments.size or _DEFAULT_SIZES[item.dims[0]]
    model = create_model(name, (*size, arguments.channels), arguments.classes)
    facts = {
        "name": item.name,
        "aliases": list(item.aliases),
        "parameters": model.count_params(),
        "multiply_adds": multiply_adds(model),
        "size": [*size, arguments.channels],
        "dims": list(item.dims),
        "year": item.year,
        "paper": item.paper,
        "options": item.defaults(name),
    }
    clear_session()
    return facts
