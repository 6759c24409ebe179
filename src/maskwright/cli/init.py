"""maskwright init"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from maskwright.cli._main import Outcome
from maskwright.cli._shared import add_overrides

if TYPE_CHECKING:
    from maskwright.advice.facts import Facts
    from maskwright.progress import Reporter

HELP = "look at a folder of data and at this machine, and write a configuration with the reason of each choice"
EXAMPLE = "maskwright init dataset --time 30m"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this command."""
    parser.add_argument("data", metavar="DATA", help="the folder: images and masks, scans and label maps, nnU-Net's")
    parser.add_argument(
        "--output", metavar="FILE", default="config.toml", help="the configuration (default: %(default)s)"
    )
    parser.add_argument("--time", metavar="TIME", help="how long the training may take: 30m, 2h, 90s")
    parser.add_argument("--ask", action="store_true", help="ask five questions about what files do not say")
    add_overrides(parser)


def run(arguments: argparse.Namespace, reporter: Reporter) -> Outcome:
    """Look, choose, write."""
    from maskwright.api.advising import init

    found = init(
        arguments.data,
        minutes=_minutes(arguments.time),
        output=arguments.output,
        overrides=arguments.overrides,
        ask=_asked if arguments.ask else None,
        reporter=reporter,
    )
    here = found.config.resolve() == Path("config.toml").resolve()
    chosen = {one.key: {"value": one.value, "why": one.why} for one in found.chosen}
    text = f"{found}\nnext: maskwright train{'' if here else f' {found.config}'}"
    return Outcome({"config": found.config, "chosen": chosen, "seen": found.seen}, text)


def _asked(facts: Facts) -> tuple[list[str], float | None]:
    """Settings and minutes by the answers of whoever sits in front of the terminal.

    Raises:
        MaskwrightError: there is no terminal, or it was closed.
    """
    import sys

    from maskwright.advice.questions import ask
    from maskwright.errors import MaskwrightError

    def answered(question: str) -> str:
        sys.stderr.write(f"{question}: ")
        sys.stderr.flush()
        line = sys.stdin.readline()
        if not line:
            raise MaskwrightError("got no answer", where="--ask", fix="Answer in a terminal, or use --time and --set.")
        return line

    def known(words: str) -> bool:
        try:
            return bool(_minutes(words))
        except MaskwrightError:
            return False

    answers = ask(facts, answered, known)
    return answers.overrides, _minutes(answers.time)


def _minutes(text: str | None) -> float | None:
    import re

    from maskwright.errors import MaskwrightError

    if text is None:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|m|min|h)?", text.strip())
    minutes = float(match[1]) * {"s": 1 / 60, "h": 60.0}.get(match[2] or "m", 1.0) if match else 0.0
    if not minutes:
        raise MaskwrightError(f"is {text!r}", where="--time", fix="Write 30m, 2h or 90s.")
    return minutes
