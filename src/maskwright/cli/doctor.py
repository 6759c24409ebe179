"""maskwright doctor"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from maskwright.cli._main import Outcome

if TYPE_CHECKING:
    from maskwright.progress import Reporter

HELP = "versions, devices, threads, cache, and what is missing"
EXAMPLE = """maskwright doctor
  maskwright doctor scans serve    # whether these work here; exit code 1 if not"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this command."""
    parser.add_argument(
        "parts", nargs="*", metavar="PART", help="extras of the installation that are looked at, as scans or serve"
    )


def run(arguments: argparse.Namespace, reporter: Reporter) -> Outcome:
    """Look at the machine and the installation."""
    return _look_at(arguments.parts) if arguments.parts else _everything()


def _look_at(parts: Sequence[str]) -> Outcome:
    """Whether all packages of these extras are there, new enough, and can be imported."""
    from maskwright.cli._extras import examine

    found = {part: examine(part) for part in parts}
    lines, missing = [], []
    for part, packages in found.items():
        lines += [f"{part}:", *(f"  {one.name:<34}{one.version or 'not installed':<15}{one.problem}".rstrip()
                                for one in packages)]  # fmt: skip
        if any(one.problem or not one.version for one in packages):
            missing.append(part)
    if missing:
        lines.append(f'missing: pip install "maskwright[{",".join(missing)}]"')
    data = {part: [vars(one) for one in packages] for part, packages in found.items()}
    return Outcome({"parts": data, "missing": missing}, "\n".join(lines), code=1 if missing else 0)


def _everything() -> Outcome:
    from maskwright.backend import accelerators, import_keras, processor_name, versions
    from maskwright.data.cache import default_folder, entries
    from maskwright.errors import MaskwrightError
    from maskwright.models.lite_weights import ENCODERS
    from maskwright.precision import processor_has_bfloat16
    from maskwright.volumes.decoders import decoders

    problems = []
    backend, devices = os.environ.get("KERAS_BACKEND", "tensorflow"), []
    try:
        backend = import_keras().backend.backend()
        devices = accelerators()
    except MaskwrightError as error:
        problems.append(str(error))
    folder = default_folder()
    weights = {name: lite.file() is not None for name, lite in ENCODERS.items()}
    kept = entries(folder) if folder.is_dir() else []
    data = {
        "versions": versions(),
        "backend": backend,
        "accelerators": devices,
        "processor": processor_name(),
        "cores": os.cpu_count(),
        "bfloat16": processor_has_bfloat16(),
        "cache": {"folder": folder, "entries": len(kept), "bytes": sum(size for _, size, _ in kept)},
        "dicom": decoders(),
        "pretrained": weights,
        "problems": problems,
    }
    lines = [f"{name:<26}{version or 'not installed'}" for name, version in versions().items()]
    lines += [
        f"{'backend':<26}{backend} (KERAS_BACKEND chooses tensorflow, jax or torch)",
        f"{'processor':<26}{processor_name()}, {os.cpu_count()} cores, "
        f"bfloat16 {'yes' if processor_has_bfloat16() else 'no'}",
        f"{'accelerators':<26}{', '.join(devices) or 'none'}",
        f"{'cache':<26}{len(kept)} data sets, {sum(size for _, size, _ in kept) / 1e9:.2f} GB in {folder}",
        f"{'DICOM':<26}{_dicom(decoders())}",
        f"{'pretrained weights':<26}{_pretrained(weights)}",
        *(f"problem: {problem}" for problem in problems),
    ]
    return Outcome(data, "\n".join(lines), code=1 if problems else 0)


def _pretrained(found: dict[str, bool]) -> str:
    there = [f"EfficientNet-{name}" for name, is_there in found.items() if is_there]
    return ", ".join(there) or 'not installed (pip install "maskwright[pretrained]")'


def _dicom(found: dict[str, bool]) -> str:
    if not found:
        return 'not installed (pip install "maskwright[scans]")'
    missing = [name for name, there in found.items() if not there]
    able = ", ".join(["uncompressed", *(name for name, there in found.items() if there)])
    return able + (f'; not {", ".join(missing)} (pip install "maskwright[scans]")' if missing else "")
