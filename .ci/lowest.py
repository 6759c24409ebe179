"""The lowest versions that pyproject.toml allows, as a file of constraints for pip: every `>=` becomes `==`.

    python .ci/lowest.py > lowest.txt

Dependencies and extras; tools of the tests and what others bring are free. A package whose bounds differ between two
extras is an error.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

BOUND = re.compile(r"(?P<name>[\w.-]+)(?:\[[\w,-]+\])?>=(?P<version>[\w.]+)(?P<marker>\s*;.*)?")


def lowest(project: dict) -> list[str]:
    """Lines `name==version; marker`; ValueError where a requirement is anything but one lower bound."""
    extras = [one for name, group in project["optional-dependencies"].items() if name != "all" for one in group]
    found: dict[str, str] = {}
    lines = []
    for requirement in [*project["dependencies"], *extras]:
        parts = BOUND.fullmatch(requirement)
        if parts is None:
            raise ValueError(f"pyproject.toml: {requirement!r} is not `name>=version`, so it has no lowest version")
        name, version = parts["name"].lower(), parts["version"]
        if found.setdefault(name, version) != version:
            raise ValueError(f"pyproject.toml: {name} is asked for from {found[name]} and from {version}")
        lines.append(f"{name}=={version}{parts['marker'] or ''}")
    return list(dict.fromkeys(lines))


if __name__ == "__main__":
    pyproject = Path(__file__).parents[1] / "pyproject.toml"
    sys.stdout.write("\n".join(lowest(tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"])) + "\n")
