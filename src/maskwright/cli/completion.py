"""maskwright completion"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from maskwright.cli._main import Outcome

if TYPE_CHECKING:
    from maskwright.progress import Reporter

HELP = "print what makes a shell complete commands and options: bash, zsh, fish or PowerShell"
EXAMPLE = """maskwright completion bash >> ~/.bashrc
  maskwright completion zsh > ~/.zfunc/_maskwright      # a folder of $fpath
  maskwright completion fish > ~/.config/fish/completions/maskwright.fish
  maskwright completion powershell >> $PROFILE"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this command."""
    parser.add_argument("shell", choices=["bash", "zsh", "fish", "powershell"])


def run(arguments: argparse.Namespace, reporter: Reporter) -> Outcome:
    """Print the script."""
    from maskwright.cli import _shells
    from maskwright.cli._main import build_parser

    commands = _shells.commands_of(build_parser(None))
    text = getattr(_shells, arguments.shell)(commands)
    return Outcome({"shell": arguments.shell, "script": text}, text)
