"""What a command line that names no command, or one that there is not, is answered."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from typing import NoReturn

_FIRST = (
    ("init DATA", "looks at a folder of images and masks, or scans and label maps -> config.toml"),
    ("train", "trains what config.toml says -> runs/config"),
    ("report", "scores it on patients that it has not seen -> report.html"),
    ("predict RUN IMAGES", "masks of new pictures or scans"),
    ("demo", "all of this on phantoms, in a few minutes"),
)
_BACKENDS = {"TensorFlow": ("tensorflow-cpu", "tensorflow"), "JAX": ("jax",), "PyTorch": ("torch",)}


class Parser(argparse.ArgumentParser):
    """argparse, with the nearest option in place of a mistyped one."""

    def parse(self, words: Sequence[str]) -> argparse.Namespace:
        """As `parse_args`; an option that there is not ends with the nearest one."""
        arguments, unknown = self.parse_known_args(words)
        if unknown:
            self._refuse(unknown, getattr(arguments, "command", None))
        return arguments

    def _refuse(self, unknown: Sequence[str], command: str | None) -> NoReturn:
        parser = self._commands().get(command or "", self)
        options = [option for action in parser._actions for option in action.option_strings]
        said = []
        for word in unknown:
            near = get_close_matches(word.split("=")[0], options, n=1) if word.startswith("-") else []
            said.append(f"{word} (did you mean {near[0]}?)" if near else word)
        parser.error(f"there is no {', '.join(said)}; {parser.prog} --help lists what there is")

    def _commands(self) -> dict[str, argparse.ArgumentParser]:
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                return dict(action.choices)
        return {}


def welcome(names: Sequence[str]) -> str:
    """The commands that matter, and how to go on."""
    width = max(len(usage) for usage, _ in _FIRST)
    lines = [f"  maskwright {usage:<{width}}  {what}" for usage, what in _FIRST]
    others = [name for name in names if name not in {usage.split()[0] for usage, _ in _FIRST}]
    more = "maskwright COMMAND --help has arguments and an example; maskwright doctor says what is installed."
    about = "Image segmentation from one configuration file."
    return "\n".join([about, "", *lines, "", f"Also: {', '.join(others)}.", more])


def no_such_command(word: str, names: Sequence[str]) -> int:
    """Say that there is no such command, and which one may be meant; the exit code."""
    near = get_close_matches(word, names, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}"
    sys.stderr.write(f"error: there is no command {word!r}; {hint}\n")
    return 2


def version() -> str:
    """Ours, Keras's, and those of the backends that are installed; nothing is imported for it."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as version_of

    from maskwright import __version__

    found = []
    for name, packages in {"Keras": ("keras",), **_BACKENDS}.items():
        for package in packages:
            try:
                found.append(f"{name} {version_of(package)}")
                break
            except PackageNotFoundError:
                continue
    return f"maskwright {__version__} ({', '.join(found)})"
