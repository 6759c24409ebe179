"""Packs the viewer's two libraries, which npm brings, into the wheel."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

VENDOR = Path("src/maskwright/serving/static/vendor")
FILES = ("niivue.js", "swagger-ui-bundle.js", "swagger-ui.css", "LICENCES.txt")


class ViewerHook(BuildHookInterface):
    """Packs them where node and npm are; a wheel to be given away is built with MASKWRIGHT_VIEWER=required."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called before the wheel is built."""
        if all((Path(self.root) / VENDOR / name).exists() for name in FILES):
            return
        try:
            pack(Path(self.root))
        except (OSError, subprocess.CalledProcessError) as error:
            if os.environ.get("MASKWRIGHT_VIEWER") == "required":
                raise SystemExit(f"The viewer's libraries could not be packed: {error}") from None
            sys.stderr.write(f"The viewer is left out ({error}); `make viewer` packs it, with node and npm.\n")


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
