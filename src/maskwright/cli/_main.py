"""Finding the command, calling it, and turning its result or its error into output and an exit code."""

from __future__ import annotations

import argparse
import json
import os
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from maskwright.cli._words import Parser, no_such_command, version, welcome
from maskwright.environment import show_all

DONE, FAILED, WRONG, INTERRUPTED = 0, 1, 2, 130


@dataclass(frozen=True)
class Outcome:
    """What a command found: `data` for `--json`, `text` for people, and whether that is a success."""

    data: Any = field(default_factory=dict)
    text: str = ""
    code: int = DONE


def command_names() -> list[str]:
    """The commands: the modules of this folder."""
    return sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py"))


def load_command(name: str) -> ModuleType:
    """The module of a command; it has HELP, EXAMPLE, add_arguments(parser) and run(arguments, reporter)."""
    return import_module(f"maskwright.cli.{name}")


def build_parser(only: str | None) -> Parser:
    """The parser, with the arguments of one command only, so that the others need not be imported."""
    parser = Parser(
        prog="maskwright",
        description="Image segmentation from one configuration file.",
        epilog="Start with: maskwright demo",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=version())
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in [only] if only else command_names():
        module = load_command(name)
        child = commands.add_parser(
            name,
            help=module.HELP,
            description=module.HELP,
            epilog=f"example:\n  {module.EXAMPLE}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(child)
        child.add_argument("--json", action="store_true", help="print one JSON object on standard output, nothing else")
        child.add_argument("--quiet", action="store_true", help="no progress, only warnings and the result")
        child.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line; returns the exit code (0 done, 1 failed, 2 wrong input, 130 interrupted, 143 SIGTERM)."""
    words = list(sys.argv[1:] if argv is None else argv)
    known = command_names()
    if not words:
        sys.stdout.write(welcome(known) + "\n")
        return DONE
    if not words[0].startswith("-") and words[0] not in known:
        return no_such_command(words[0], known)
    arguments = build_parser(words[0] if words[0] in known else None).parse(words)
    if arguments.debug:
        show_all()
    from maskwright.ending import ENDED, Ended, ended_by_exception
    from maskwright.errors import MaskwrightError

    try:
        from maskwright.progress import Reporter

        with ended_by_exception():
            outcome = load_command(arguments.command).run(arguments, Reporter(quiet=arguments.quiet))
        _print(outcome, as_json=arguments.json)
        return int(outcome.code)
    except MaskwrightError as error:
        return _fail(error, str(error), WRONG, arguments)
    except KeyboardInterrupt as error:
        resume = " Go on with --resume." if arguments.command == "train" else ""
        return _fail(error, f"interrupted.{resume}", INTERRUPTED, arguments)
    except Ended as error:
        resume = " Go on with --resume." if arguments.command == "train" else ""
        return _fail(error, f"ended by SIGTERM.{resume}", ENDED, arguments)
    except BrokenPipeError:
        # The reader of our output is gone, as with `| head`.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except Exception as error:  # noqa: BLE001 - the last resort: a message instead of a traceback
        return _fail(
            error,
            f"{type(error).__name__}: {error}\n  This is a mistake of Maskwright's; --debug shows where.",
            FAILED,
            arguments,
        )


def _print(outcome: Outcome, *, as_json: bool) -> None:
    text = json.dumps(_plain(outcome.data), indent=2, ensure_ascii=False, default=str) if as_json else outcome.text
    if text:
        sys.stdout.write(text.rstrip("\n") + "\n")
        sys.stdout.flush()


def _plain(value: Any) -> Any:
    """Values that are JSON: undefined numbers become null."""
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return None if isinstance(value, float) and value != value else value


def _fail(error: BaseException, message: str, code: int, arguments: argparse.Namespace) -> int:
    if arguments.debug:
        traceback.print_exception(error)
    sys.stderr.write(f"error: {message}\n")
    if arguments.json:
        sys.stdout.write(json.dumps({"error": message, "code": code}, ensure_ascii=False) + "\n")
    return code
