"""Runs the worker over numbers of files, and goes on behind a file that ended its process."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def run(reader: str, items: list[str]) -> tuple[list[dict[str, Any]], int]:
    """What went wrong, and how many files were refused (the others were read).

    Args:
        items: `SEED:NUMBER` of each file.
    """
    paths = [HERE, ROOT / "src", ROOT / "tests", ROOT / "tests" / "support"]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    failures, refused, todo = [], 0, items
    while todo:
        command = [sys.executable, str(HERE / "worker.py"), reader, *todo]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, errors="replace")
        lines = done.stdout.splitlines()
        found = [json.loads(line) for line in lines if line.startswith("{")]
        failures += [one for one in found if "error" in one]
        refused += lines.count("refused")
        begun = [line for line in lines if re.fullmatch(r"-?\d+:\d+", line)]
        if not begun:
            raise RuntimeError(f"{reader} did not begin: {done.stderr[-2000:]}")
        if found and "done" in found[-1]:
            break
        told = lines[lines.index(begun[-1]) + 1 :][-12:]
        failures.append({"index": begun[-1], "error": f"the process ended ({done.returncode})", "where": told})
        todo = todo[todo.index(begun[-1]) + 1 :]
    return failures, refused
