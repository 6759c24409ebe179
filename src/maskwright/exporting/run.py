"""Exporting a model: written whole or not at all, then opened again and compared with Keras."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from maskwright.config import Configuration
from maskwright.data.pairs import Pair
from maskwright.errors import MaskwrightError, choices
from maskwright.exporting import bioimageio, formats, int8
from maskwright.exporting.samples import sample_inputs
from maskwright.inference.engines import KerasEngine
from maskwright.inference.model_files import KINDS, is_model, read_metadata
from maskwright.inference.runtimes import open_runtime
from maskwright.models.metadata import Metadata
from maskwright.models.saving import load_model
from maskwright.progress import Reporter
from maskwright.storage import keep_aside, make_folder, sweep, temporary_prefix

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
    """A file (or folder) that was written.

    Attributes:
        difference: the largest in probability to Keras. dice: of int8, mean Dice of the validation patients by Keras
            and by the file; None otherwise.
    """

    path: Path
    format: str
    bytes: int
    difference: float
    dice: tuple[float, float] | None = None


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
    model, metadata = load_model(source)
    with _new(path, format, reporter) as made:
        reporter.say(f"exporting {source} as {format}")
        FORMATS[format](model, metadata, made)
        difference = _difference(made, format, KerasEngine(model, metadata), made.parent)
        if not difference <= _MOST:  # NaN too
            raise MaskwrightError(
                f"differs from Keras by {difference:.2g} in probability, more than rounding leaves; nothing is kept",
                where=f"the model as {format}",
                fix="Choose another --format, or predict with Keras.",
            )
    return Exported(path, format, _size(path), difference)


def export_int8(
    source: Path, config: Configuration, pairs: Sequence[Pair], target: Path | None, reporter: Reporter
) -> Exported:
    """Export the model of a run for OpenVINO with 8-bit convolutions, calibrated on the run's validation cases.

    Args:
        config: of the run. pairs: its validation cases. target: the `.xml` file;
            `exports/model-int8.xml` beside the model where None.

    Raises:
        MaskwrightError: as `export_model`, or masks that lose `MOST_LOSS` of Dice or more.
    """
    path = target or source.absolute().parent / "exports" / "model-int8.xml"
    model, metadata = load_model(source)
    keras = KerasEngine(model, metadata)
    recorder = int8.Recorder(keras)
    with _new(path, "openvino", reporter) as made:
        before = int8.dice_on(recorder, pairs, config, reporter)
        reporter.say(f"calibrating on {len(recorder.kept)} inputs of {len(pairs)} validation cases")
        formats.write_openvino(model, metadata, made, lambda graph, out: int8.quantize(graph, recorder.kept, out))
        engine = open_runtime("openvino", made, "float32", made.parent)
        after = int8.dice_on(engine, pairs, config, reporter)
        if before - after >= int8.MOST_LOSS:
            raise MaskwrightError(
                f"loses {before - after:.4f} of Dice on the validation patients ({before:.4f} -> {after:.4f}), "
                f"{int8.MOST_LOSS:g} or more; nothing is kept",
                where="--precision int8",
                fix="Export it in float32; OpenVINO runs it in bfloat16 where the processor can.",
            )
        difference = _difference(made, "openvino", keras, made.parent)
    return Exported(path, "openvino", _size(path), difference, (before, after))


@contextmanager
def _new(path: Path, format: str, reporter: Reporter) -> Iterator[Path]:
    """A path to write to, whose files are moved to `path` when the block ends well; what was there is put aside."""
    ending = KINDS[format].ending
    if not path.name.lower().endswith(ending):
        raise MaskwrightError(f"does not end in {ending}", where=path, fix=f"Name it {path.name}{ending}.")
    _check_room(path)
    make_folder(path.parent)
    sweep(path.parent)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=temporary_prefix(path)) as folder:
        made = Path(folder) / path.name
        yield made
        for file in files_of(path):
            if kept := keep_aside(file):
                reporter.say(f"kept what was at {file} as {kept.name}")
        for file in files_of(made):
            file.replace(path.parent / file.name)


def _size(path: Path) -> int:
    parts = [one for file in files_of(path) for one in (file, *file.rglob("*"))]
    return sum(one.stat().st_size for one in parts if one.is_file())


def files_of(path: Path) -> list[Path]:
    """What makes up an exported model: its file or folder, and the weights of an OpenVINO model."""
    weights = path.with_suffix(".bin")
    return [path, weights] if path.suffix == ".xml" and weights.exists() else [path]


def _check_room(path: Path) -> None:
    """Refuse to write where something of another is."""
    if path.exists() and not _is_ours(path):
        raise MaskwrightError(
            "is there already, and Maskwright did not write it", where=path, fix="Choose another --output."
        )


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
    return float(np.abs(engine.probabilities(samples[chosen]) - expected[chosen]).max())
