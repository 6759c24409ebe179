"""maskwright doctor"""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from maskwright.cli._main import Outcome

if TYPE_CHECKING:
    from maskwright.progress import Reporter

HELP = "versions, devices, threads, cache, and what is missing"
EXAMPLE = "maskwright doctor"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """This command takes no arguments of its own."""


def run(arguments: argparse.Namespace, reporter: Reporter) -> Outcome:
    """Look at the machine and the installation."""
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
