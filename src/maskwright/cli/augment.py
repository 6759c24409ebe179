"""maskwright augment"""

from __future__ import annotations

import argparse
import io
import re
from pathlib import Path
from typing import TYPE_CHECKING

from maskwright.cli._main import Outcome
from maskwright.cli._shared import add_overrides, load_and_tell

if TYPE_CHECKING:
    from maskwright.progress import Reporter

HELP = "a contact sheet of what the configured augmentation does to your pictures"
EXAMPLE = "maskwright augment config.toml --output sheet.png"
_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this command."""
    parser.add_argument("config", metavar="CONFIG|RUN", help="a configuration, or the folder of a run")
    parser.add_argument("--output", metavar="PICTURE", default="sheet.png", help="the sheet (default: sheet.png)")
    parser.add_argument("--pictures", type=int, default=2, metavar="N", help="how many pairs in a row (default: 2)")
    parser.add_argument("--seed", type=int, default=0, help="another seed shows other draws (default: 0)")
    parser.add_argument(
        "--replay",
        metavar="EPOCH:PLACE",
        help="show one sample exactly as training made it, both counted from 0 (RUN/samples.csv names them, "
        "with augmentation.debug)",
    )
    add_overrides(parser)


def run(arguments: argparse.Namespace, reporter: Reporter) -> Outcome:
    """Draw the sheet."""
    from PIL import Image

    from maskwright.contact_sheet import every_transform, one_sample, picture, training_batches
    from maskwright.data.remarks import folders_of
    from maskwright.errors import MaskwrightError
    from maskwright.plan.files import read_plan
    from maskwright.storage import give_way, reading, write_bytes

    if arguments.pictures < 1:
        raise MaskwrightError(f"is {arguments.pictures}", where="--pictures", fix="At least 1 is needed.")
    target, buffer = Path(arguments.output), io.BytesIO()
    if target.suffix.lower() not in _FORMATS:
        raise MaskwrightError("is no picture's name", where=target, fix=f"End it in {' or '.join(_FORMATS)}.")
    sample = _sample(arguments.replay)
    arguments.run_dir = None
    plan = None
    if (Path(arguments.config) / "config.toml").is_file():
        plan = read_plan(Path(arguments.config))
        arguments.config = str(Path(arguments.config) / "config.toml")
    config = load_and_tell(arguments, reporter).config
    batches = training_batches(config, plan)
    if sample:
        rows = [one_sample(batches, *sample)]
    else:
        rows = every_transform(batches, config, arguments.pictures, arguments.seed, reporter)
    Image.fromarray(picture(rows)).save(buffer, _FORMATS[target.suffix.lower()])
    with reading(folders_of(config.data)):
        write_bytes(give_way(target, reporter.say), buffer.getvalue())
    return Outcome({"sheet": target, "rows": [row.as_dict() for row in rows]}, f"{len(rows)} rows in {target}")


def _sample(text: str | None) -> tuple[int, int] | None:
    from maskwright.errors import MaskwrightError

    if text is None:
        return None
    found = re.fullmatch(r"(\d+):(\d+)", text)
    if not found:
        raise MaskwrightError(f"{text!r} is no sample", where="--replay", fix="Write EPOCH:PLACE, for example 3:42.")
    return int(found[1]), int(found[2])
