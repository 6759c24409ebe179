"""Packs the viewer's two libraries, which npm brings, into the wheel."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

VENDOR = Path("src/maskwright/serving/static/vendor")
FILES = ("niivue.js", "swagger-ui-bundle.js", "swagger-ui.css", "LICENCES.txt")


class ViewerHook(BuildHookInterface):
    """A wheel is complete or not built; a working tree may do without the viewer until somebody wants it."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called before the wheel is built; `version` is `editable` for a working tree."""
        if all((Path(self.root) / VENDOR / name).exists() for name in FILES):
            return
        try:
            pack(Path(self.root))
        except (OSError, subprocess.CalledProcessError) as error:
            if version != "editable":
                raise SystemExit(
                    f"The viewer's libraries could not be packed ({error}); node and npm are needed."
                ) from None
            sys.stderr.write("The viewer is left out: node and npm are needed for it (make viewer).\n")


def pack(root: Path) -> None:
    """Fetch what viewer/package-lock.json names, and copy what is needed of it."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        raise OSError("npm is not installed")
    folder = root / "viewer"
    subprocess.run(
        [npm, "ci", "--ignore-scripts", "--omit=optional"], cwd=folder, check=True, stdout=subprocess.DEVNULL
    )
    subprocess.run([node, "pack.mjs"], cwd=folder, check=True)
