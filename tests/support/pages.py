"""Pages of the documentation, run as a reader would type them, on networks and data made small.

In a page of docs/tutorials and docs/how-to

- ```sh holds commands, each of which begins with `maskwright`; one that is to fail ends with `# ends with 2`;
- ```python holds code, all of a page in one name space;
- ```toml whose first line is a comment `# name.toml` is written into that file;
- anything else (```console, ```text, ```powershell) is to be looked at only.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

# What is added to a command, so that it is done in a second; what stands in the page is accepted or refused as before.
_SMALL = ["train.epochs=1", "train.steps_per_epoch=2", "model.base_filters=4", "model.num_layers=2"]
ADDED = {
    "demo": ["--cases", "8"],
    "init": [*(word for one in ["model.name='unet'", "model.weights=none", *_SMALL] for word in ("--set", one))],
    "train": [*(word for one in _SMALL for word in ("--set", one))],
}


def blocks(page: Path) -> Iterator[tuple[str, str]]:
    """Kind and text of each block of a page, in order."""
    yield from re.findall(r"^```(\w+)\n(.*?)^```$", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def commands(text: str) -> Iterator[tuple[list[str], int]]:
    """The words of each command of a block, without `maskwright`, and the exit code that it should have."""
    for line in text.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if not words:
            continue
        assert words[0] == "maskwright", f"{line!r}: other commands stand in ```console, and are not run"
        wanted = re.search(r"#\s*ends with (\d+)", line)
        yield words[1:], int(wanted[1]) if wanted else 0


def run(page: Path, small: bool = True) -> int:
    """Run a page in the folder that one is in; how many commands and blocks of Python it had.

    Raises:
        AssertionError: a command that ends with another exit code.
    """
    from maskwright.cli import main

    names: dict[str, object] = {}
    count = 0
    for kind, text in blocks(page):
        if kind == "sh":
            for words, wanted in commands(text):
                added = ADDED.get(words[0], []) if small and wanted == 0 else []
                done = main([*words, *added, "--quiet"])
                assert done == wanted, f"{page.name}: maskwright {' '.join(words)} ended with {done}, not {wanted}"
                count += 1
        elif kind == "python":
            exec(compile(text, str(page), "exec"), names)  # noqa: S102 - our own page
            count += 1
        elif kind == "toml" and (name := re.match(r"# ([\w./-]+\.toml)\n", text)):
            Path(name[1]).write_text(text, encoding="utf-8")
    return count
