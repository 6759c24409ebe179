"""Exporting a model: written whole or not at all, then opened again and compared with Keras."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from maskwright.errors import MaskwrightError, choices
from maskwright.export import bioimageio, formats
from maskwright.export.samples import sample_inputs
from maskwright.inference.engines import KerasEngine
from maskwright.inference.model_files import KINDS, is_model, read_metadata
from maskwright.inference.runtimes import open_runtime
from maskwright.models.metadata import Metadata
from maskwright.models.saving import load_model
from maskwright.progress import Reporter
from maskwright.storage import keep_aside, make_folder

Writer = Callable[[Any, Metadata, Path], None]
FORMATS: dict[str, Writer] = {
    "onnx": formats.write_onnx,
    "openvino": formats.write_openvino,
    "saved_model": formats.write_saved_model,
    "bioimageio": bioimageio.write_package,
}
_NAMES = {"onnx": "model.onnx", "openvino": "model.xml", "saved_model": "saved_model", "bioimageio": "bioimageio.zip"}
# More than rounding would leave: such a file does something else.
_MOST = 1e-3


@dataclass(frozen=True)
class Exported:
    """A file (or folder) that was written, its bytes, and its largest difference in probability to Keras."""

    path: Path
    format: str
    bytes: int
    difference: float


def export_model(source: Path, format: str, target: Path | None, reporter: Reporter) -> Exported:
    """Export a `model.keras`.

    Args:
        format: of `FORMATS`. target: the file, or a folder for `saved_model`; `exports` beside the model where None.

    Raises:
        MaskwrightError: no such format, something of another in the way, a network that the format cannot express, or
            a file that does not find what Keras finds (nothing is left of it then).
    """
    if format not in FORMATS:
        raise MaskwrightError(f"there is no format {format!r}", where="--format", fix=choices(format, list(FORMATS)))
    path = target or source.absolute().parent / "exports" / _NAMES[format]
    ending = KINDS[format].ending
    if not path.name.lower().endswith(ending):
        raise MaskwrightError(f"does not end in {ending}", where=path, fix=f"Name it {path.name}{ending}.")
    model, metadata = load_model(source)
    _make_room(path, reporter)
    make_folder(path.parent)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.stem}-") as folder:
        made = Path(folder) / path.name
        reporter.say(f"exporting {source} as {format}")
        FORMATS[format](model, metadata, made)
        difference = _difference(made, format, KerasEngine(model, metadata), Path(folder))
        for file in files_of(made):
            file.replace(path.parent / file.name)
    size = sum(one.stat().st_size for file in files_of(path) for one in ([file, *file.rglob("*")]) if one.is_file())
    return Exported(path, format, size, difference)


def files_of(path: Path) -> list[Path]:
    """What makes up an exported model: its file or folder, and the weights of an OpenVINO model."""
    weights = path.with_suffix(".bin")
    return [path, weights] if path.suffix == ".xml" and weights.exists() else [path]


def _make_room(path: Path, reporter: Reporter) -> None:
    """Put an earlier export aside; what is of another stops the export."""
    for file in files_of(path):
        if not file.exists():
            continue
        if file == path and not _is_ours(path):
            raise MaskwrightError(
                "is there already, and Maskwright did not write it", where=path, fix="Choose another --output."
            )
        if kept := keep_aside(file):
            reporter.say(f"kept what was at {file} as {kept.name}")


def _is_ours(path: Path) -> bool:
    try:
        return is_model(path) and bool(read_metadata(path))
    except MaskwrightError:
        return False


def _difference(made: Path, format: str, keras: KerasEngine, folder: Path) -> float:
    rule = keras.metadata.input_rule
    samples = sample_inputs(rule)
    expected = np.concatenate([keras.probabilities(one[None]) for one in samples])
    # Most say nothing: background for certain. What the network is least sure of tells most.
    chosen = np.argsort([-one.std() for one in expected])[:2]
    engine = open_runtime(KINDS[format].engines[0], made, "float32", folder)
    if engine.metadata != keras.metadata:
        raise MaskwrightError("does not say of itself what the model says", where=made.name, fix="Report this.")
    largest = float(np.abs(engine.probabilities(samples[chosen]) - expected[chosen]).max())
    if not largest <= _MOST:  # NaN too
        raise MaskwrightError(
            f"differs from Keras by {largest:.2g} in probability, at most {_MOST:g} is rounding; nothing is kept",
            where=f"the model as {format}",
            fix="Choose another --format, or predict with Keras.",
        )
    return largest
