"""maskwright config"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maskwright.cli._main import Outcome
from maskwright.cli._shared import add_overrides

if TYPE_CHECKING:
    from maskwright.config import Configuration
    from maskwright.progress import Reporter

HELP = "check, show or convert configurations; print their schema"
EXAMPLE = "maskwright config convert train_eval_infer.config --output config.toml"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this command."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    check = actions.add_parser("check", help="say what is wrong in each file, line by line; 2 where one does not load")
    check.add_argument("files", nargs="+", metavar="FILE")
    show = actions.add_parser("show", help="print the resolved configuration, every key")
    show.add_argument("file", metavar="FILE")
    add_overrides(show)
    convert = actions.add_parser("convert", help="rewrite a file of the reference as TOML")
    convert.add_argument("file", metavar="FILE")
    convert.add_argument("--output", metavar="TOML", help="write there (default: print); paths become relative to it")
    add_overrides(convert)
    schema = actions.add_parser("schema", help="print the JSON Schema, for editors")
    schema.add_argument("--markdown", action="store_true", help="print docs/reference/configuration.md instead")
    for child in (check, show, convert, schema):
        for name in ("--json", "--quiet", "--debug"):
            child.add_argument(name, action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)


def run(arguments: argparse.Namespace, reporter: Reporter) -> Outcome:
    """Do one of the four."""
    if arguments.action == "convert":
        return _convert(arguments, reporter)
    return {"check": _check, "show": _show, "schema": _schema}[arguments.action](arguments)


def _check(arguments: argparse.Namespace) -> Outcome:
    from maskwright.config import load
    from maskwright.errors import MaskwrightError

    found: list[dict[str, Any]] = []
    lines = []
    for file in arguments.files:
        try:
            loaded = load(file)
            _check_objective(loaded.config)
        except MaskwrightError as error:
            found.append({"file": file, "loads": False, "error": str(error), "problems": []})
            lines.append(f"{file}: does not load\n  {error}")
            continue
        problems = [{"line": p.line, "place": p.place, "message": p.message} for p in loaded.problems]
        found.append({"file": file, "loads": True, "error": None, "problems": problems})
        lines.append(f"{file}: {len(problems)} problems" if problems else f"{file}: good")
        lines += [f"  {problem}" for problem in loaded.problems]
    return Outcome({"files": found}, "\n".join(lines), code=0 if all(item["loads"] for item in found) else 2)


def _check_objective(config: Configuration) -> None:
    """Try the loss and metrics, unless they are of the usual ones: for others Keras must be waited for.

    Raises:
        MaskwrightError: one that does not exist, or cannot train or judge the network.
    """
    from maskwright.keras_names import SAFE_LOSSES, SAFE_METRICS

    train = config.train
    if train.loss in SAFE_LOSSES and {*train.metrics} <= {*SAFE_METRICS} and not train.class_weights:
        return
    from maskwright.training.fit import try_objective

    try_objective(config)


def _show(arguments: argparse.Namespace) -> Outcome:
    from maskwright.config import load, write_toml

    config = load(arguments.file, arguments.overrides).config
    return Outcome(config.model_dump(mode="json"), write_toml(config, everything=True))


def _convert(arguments: argparse.Namespace, reporter: Reporter) -> Outcome:
    from maskwright.config import load, write_toml
    from maskwright.config.paths import relative
    from maskwright.storage import give_way, reading, write_text

    # With `run_dir` beside the file, paths stay relative to it even where its folder is read-only.
    source = Path(arguments.file)
    home = Path(arguments.output).resolve().parent if arguments.output else source.resolve().parent
    loaded = load(source, arguments.overrides, run_dir=home)
    comments = [f"Converted from {source.name}."]
    if loaded.problems:
        comments += ["What was found in it:", *(f"  {problem}" for problem in loaded.problems)]
    text = write_toml(relative(loaded.config, home), comments=[*comments, ""])
    problems = [str(problem) for problem in loaded.problems]
    if not arguments.output:
        return Outcome({"toml": text, "problems": problems}, text)
    target = Path(arguments.output)
    with reading([source]):
        write_text(give_way(target, reporter.say), text)
    return Outcome(
        {"file": target, "toml": text, "problems": problems}, f"{target} ({len(problems)} problems noted in it)"
    )


def _schema(arguments: argparse.Namespace) -> Outcome:
    from maskwright.config.document import json_schema, markdown

    schema = json_schema()
    return Outcome(schema, markdown() if arguments.markdown else json.dumps(schema, indent=2))
