"""Writes docs/reference/commands.md from the commands' own parsers: `make docs`."""

from __future__ import annotations

import argparse
import sys

from maskwright.cli._main import build_parser, load_command

_HEAD = """# Commands

`maskwright COMMAND --help` says the same. Made by `make docs`.

Every command takes `--json` (one JSON object on standard output and nothing else there: [JSON](json.md)), `--quiet` (no
progress, only warnings and the result) and `--debug` (the traceback of an error, and all lines of the libraries below).
Messages and progress go to standard error.

| exit code | |
|---|---|
| 0 | done |
| 1 | failed: a mistake of Maskwright's or of the machine; of `doctor`, something is missing; of `repeat`, not the same |
| 2 | wrong usage, configuration or input; the message names what, where, and what would be right |
| 130 | interrupted (Ctrl-C) |
| 143 | ended by SIGTERM |
"""
_EVERYWHERE = {"--json", "--quiet", "--debug", "-h", "--help"}


def page() -> str:
    """The page."""
    parser = build_parser(None)
    (actions,) = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    parts = [_HEAD]
    for name, child in actions.choices.items():
        module = load_command(name)
        parts += [
            f"\n## {name}\n",
            f"{module.HELP[0].upper()}{module.HELP[1:]}.\n",
            "```console",
            module.EXAMPLE.replace("\n  ", "\n"),
        ]
        parts += ["```\n", *_table(child)]
    return "\n".join(parts) + "\n"


def _table(parser: argparse.ArgumentParser, prefix: str = "") -> list[str]:
    rows, inner = [], []
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            helps = {one.dest: one.help or "" for one in action._choices_actions}
            for name, child in action.choices.items():
                rows.append(f"| `{prefix}{name}` | {_cell(helps[name])} |")
                inner += [row for row in _table(child, f"{prefix}{name} ") if row.startswith("| `")]
        elif action.help != argparse.SUPPRESS and not _EVERYWHERE & set(action.option_strings):
            rows.append(f"| {_names(action, prefix)} | {_cell(_help(action))} |")
    rows += inner
    return ["| | |", "|---|---|", *rows] if rows and not prefix else rows


def _names(action: argparse.Action, prefix: str) -> str:
    value = action.metavar or (f"{{{','.join(map(str, action.choices))}}}" if action.choices else action.dest.upper())
    value = " ".join(value) if isinstance(value, tuple) else value
    more = " …" if action.nargs in ("+", "*") else ""
    if not action.option_strings:
        return f"`{prefix}{value.replace('|', ' or ')}{more}`"
    valued = "" if action.nargs == 0 else f" {value}{more}"
    return f"`{prefix}{', '.join(action.option_strings)}{valued}`"


def _help(action: argparse.Action) -> str:
    text = (action.help or "").replace("%%", "%")
    return text.replace("%(default)s", str(action.default)).replace(
        "%(choices)s", ", ".join(map(str, action.choices or ()))
    )


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    sys.stdout.write(page())
