"""maskwright init"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from maskwright.cli._main import Outcome
from maskwright.cli._shared import add_overrides

if TYPE_CHECKING:
    from collections.abc import Callable

    from maskwright.advice.facts import Facts
    from maskwright.advice.questions import Answers
    from maskwright.config import Configuration
    from maskwright.progress import Reporter
    from maskwright.training.pace import Pace

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
    from maskwright.advice.advise import advise
    from maskwright.advice.choices import Machine
    from maskwright.advice.facts import look_at
    from maskwright.advice.layouts import find_layout
    from maskwright.advice.text import as_toml, seen
    from maskwright.storage import give_way, reading, write_text

    minutes, said = _minutes(arguments.time), list(arguments.overrides)
    target = Path(arguments.output)
    layout = find_layout(Path(arguments.data))
    facts, machine = look_at(layout, said, reporter), Machine.here()
    if arguments.ask:
        answers = _asked(facts)
        minutes = _minutes(answers.time) if answers.time else minutes
        if answers.overrides:
            said = [*answers.overrides, *said]
            facts = look_at(layout, said, reporter)
    chosen = advise(facts, machine, said, minutes, _timed(reporter))
    text = as_toml(chosen, target.absolute().parent)
    with reading([folder for folders in layout.parts.values() for folder in folders]):
        write_text(give_way(target, reporter.say), text)
    lines = [*seen(facts, machine), "", "chosen:"]
    lines += [f"  {one.key} = {one.value}" + (f": {one.why}" if one.why else "") for one in chosen]
    here = target.resolve() == Path("config.toml").resolve()
    lines += ["", f"{target}", f"next: maskwright train{'' if here else f' {target}'}"]
    data = {"config": target, "chosen": {one.key: {"value": one.value, "why": one.why} for one in chosen},
            "seen": seen(facts, machine)}  # fmt: skip
    return Outcome(data, "\n".join(lines))


def _timed(reporter: Reporter) -> Callable[[Configuration], Pace]:
    def timed(config: Configuration) -> Pace:
        from maskwright.training.pace import measure

        reporter.say(f"timing some steps of {config.model.name} on this machine")
        return measure(config)

    return timed


def _asked(facts: Facts) -> Answers:
    """The answers of whoever sits in front of the terminal.

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

    return ask(facts, answered, known)


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
