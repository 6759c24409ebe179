"""The readers that are fed with damaged files: what good files of each are, and how a file is read."""

from __future__ import annotations

import gzip
import io
import random
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import seed_basics
import seed_models
import seed_pictures
import seed_scans
import seeds
from mutate import damaged, damaged_json, damaged_message, png_mended

Files = list[tuple[str, bytes]]


def _written(folder: Path, name: str, data: bytes) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / name).write_bytes(data)
    return folder / name


def _damage(name: str, data: bytes, others: list[bytes], draw: random.Random) -> bytes:
    """By what the file is: inside of what is packed, with right checksums, or of values."""
    way = draw.random()
    if name.endswith((".json", ".rdf")) and way < 0.7:
        return damaged_json(data, others, draw)
    if name.endswith((".onnx", ".pb")) and way < 0.8:
        return damaged_message(seed_models.message(name, data), draw)
    if name.endswith(".png") and way < 0.7:
        return png_mended(damaged(data, others, draw))
    if data[:2] == b"\x1f\x8b" and way < 0.75:
        return gzip.compress(damaged(gzip.decompress(data), [b"\0" * 9], draw), 1)
    if data[:4] == b"PK\x03\x04" and way < 0.85:
        return _damaged_zip(data, others, draw)
    return damaged(data, others, draw)


def _damaged_zip(data: bytes, others: list[bytes], draw: random.Random) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w") as new:
        names = old.namelist()
        chosen = draw.choice(names)
        for name in names:
            inner = old.read(name)
            if name == chosen:
                json_too = name.endswith(".json") or (name.endswith(".npy") and inner[128:129] == b"{")
                if name.endswith(".json") and draw.random() < 0.75:
                    inner = damaged_json(inner, [], draw)
                elif json_too and name == "state.npy" and draw.random() < 0.7:
                    inner = seed_basics.npy(np.frombuffer(damaged_json(inner[128:], [], draw), np.uint8))
                else:
                    inner = damaged(inner, [b"x"], draw)
            new.writestr(name, inner)
    return buffer.getvalue()


@dataclass(frozen=True)
class Reader:
    """A reader.

    Attributes:
        seeds: writes good files into a folder, and gives names and bytes of those to be damaged. read: reads one.
        write: puts a file where it can be read, with what it needs beside it.
    """

    seeds: Callable[[Path], Files]
    read: Callable[[Path], Any]
    write: Callable[[Path, str, bytes], Path] = _written
    damage: Callable[[str, bytes, list[bytes], random.Random], bytes] = _damage


def _beside(name: str, data: bytes) -> Callable[[Path, str, bytes], Path]:
    """Where another file must lie beside it; the name of a file that is not damaged now is its own."""

    def write(folder: Path, file: str, content: bytes) -> Path:
        path = _written(folder, file, content)
        if file != name:
            (folder / name).write_bytes(data)
        return path

    return write


def _image(path: Path) -> Any:
    from maskwright.data.images import read_image

    return read_image(path)


def _mask(path: Path) -> Any:
    from maskwright.data.mask_files import read_mask

    return read_mask(path).shown


def _scan(path: Path) -> Any:
    from maskwright.volumes.read import read_volume

    return read_volume(path)


def _labels(path: Path) -> Any:
    from maskwright.volumes.read import read_labels

    return read_labels(path)


def _slices(folder: Path, name: str, data: bytes) -> Path:
    """A slice among others of its series."""
    _written(folder, name, data)
    for other, content in seed_scans.slices():
        (folder / other).write_bytes(content)
    return folder if name.startswith("slice") else folder / name


def _pair(folder: Path, name: str, data: bytes) -> Path:
    path = _written(folder, name, data)
    (folder / "scan.img").write_bytes(seed_scans.voxels())
    return path


def _config(path: Path) -> Any:
    from maskwright.config import load

    return load(path, [])


def _plan(path: Path) -> Any:
    from maskwright.plan.files import read_plan

    plan = read_plan(path.parent)
    return plan and (plan.part("train"), plan.shares(), plan.records("valid"))


def _metadata(path: Path) -> Any:
    from maskwright.inference.model_files import read_metadata

    return read_metadata(path)


def _described(path: Path) -> Any:
    from maskwright.models.described import require_described
    from maskwright.models.saving import read_metadata

    require_described(path, read_metadata(path))


def _checkpoint(path: Path) -> Any:
    from maskwright.training.checkpoint import load_checkpoint
    from maskwright.training.schedules import EarlyStopping, ReduceOnPlateau
    from maskwright.training.state import State

    state = State(**load_checkpoint(path, seed_models.Model()))
    EarlyStopping(**({"patience": 1} | state.stopping)).update(0.5)
    ReduceOnPlateau(**({"factor": 0.5, "patience": 1} | state.reducer)).update(0.5, 0.1)


def _history(path: Path) -> Any:
    from maskwright.training.run import Run

    return Run(path.parent).history()


def _trained_on(path: Path) -> Any:
    from maskwright.training.run import Run, read_training_images

    return read_training_images(Run(path.parent))


def _split(path: Path) -> Any:
    from maskwright.data.splits import listed

    return listed(seeds.pairs(), path)


def _geometry(path: Path) -> Any:
    from maskwright.prepare.files import Prepared, is_complete, slice_spacing
    from maskwright.prepare.whole import _box_by_image

    target = Prepared(path.parent.parent)
    facts = target.read_geometry("P1")
    is_complete(target, "P1")
    if facts:
        slice_spacing(facts, 0)
        np.zeros(facts["shape"], np.uint8)[tuple(slice(*edges) for edges in facts["box"])]
        _box_by_image(facts, target.path)


def _prepared(folder: Path, name: str, data: bytes) -> Path:
    return _written(folder / "geometry", name, data)


def _manifest(path: Path) -> Any:
    from maskwright.prepare.files import Prepared, read_manifest

    return read_manifest(Prepared(path.parent))


def _summary(path: Path) -> Any:
    from maskwright.evaluation.compare import read_warnings
    from maskwright.evaluation.files import read_summary
    from maskwright.evaluation.summary import headline

    read_warnings(path.parent)
    return read_summary(path.parent)["per_patient"]["dice"]["mean"], headline


def _patients(path: Path) -> Any:
    from maskwright.evaluation.compare import read_patients

    return read_patients(path.parent, "dice")


def _literal(path: Path) -> Any:
    from maskwright.config.loading import from_overrides
    from maskwright.errors import MaskwrightError

    try:
        text = path.read_bytes().decode()
    except UnicodeDecodeError:
        raise MaskwrightError("no text") from None
    return from_overrides([f"data.spacing={text}"])


def _model(path: Path) -> Any:
    from maskwright.models.saving import load_model

    return load_model(path)


def _with_variables(folder: Path, name: str, data: bytes) -> Path:
    path = _written(folder, name, data)
    for file, content in seed_models.variables():
        (folder / "variables").mkdir(exist_ok=True)
        (folder / "variables" / file).write_bytes(content)
    return path


def _saved_model(path: Path) -> Any:
    from maskwright.inference.runtimes import TensorFlowEngine

    engine = TensorFlowEngine(path.parent, seed_models.metadata())
    return engine.probabilities(np.zeros((1, *seed_models.metadata().input_shape), np.float32))


def _tensors(path: Path) -> Any:
    from maskwright.untrusted.tensors import read_tensors

    return read_tensors(path)


def _resolution(path: Path) -> Any:
    from maskwright.data.resolution import pixel_spacing

    found = pixel_spacing(path)
    assert found is None or all(1e-7 <= step <= 1e3 for step in found)
    return found


READERS = {
    "image": Reader(seed_pictures.images, _image),
    "mask": Reader(seed_pictures.masks, _mask),
    "tiff": Reader(seed_pictures.tiffs, _image),
    "resolution": Reader(seed_pictures.resolutions, _resolution),
    "dicom": Reader(seed_scans.dicom, _scan, _slices),
    "dicom_seg": Reader(seed_scans.dicom_seg, _labels),
    "nifti": Reader(seed_scans.nifti, _scan),
    "nifti_pair": Reader(seed_scans.nifti_pair, _scan, _pair),
    "nrrd_mha": Reader(seed_scans.itk, _scan),
    "scan_zip": Reader(seed_scans.scan_zip, _scan),
    "toml": Reader(seeds.toml, _config),
    "ini": Reader(seeds.ini, _config),
    "overrides": Reader(seeds.literals, _literal),
    "plan": Reader(seeds.plan, _plan, _beside("plan_thumbnails.npy", seeds.thumbnails())),
    "plan_thumbnails": Reader(seeds.plan_thumbnails, _plan, _beside("plan.json", seeds.plan_json())),
    "model_note": Reader(seed_models.models, _metadata),
    "model_file": Reader(seed_models.keras_files, _described),
    "tensors": Reader(seed_models.tensors, _tensors),
    "checkpoint": Reader(seed_models.checkpoints, _checkpoint),
    "history": Reader(seeds.history, _history),
    "trained_on": Reader(seeds.trained_on, _trained_on, _beside("training_thumbnails.npy", seeds.thumbnails())),
    "split": Reader(seeds.splits, _split),
    "geometry": Reader(seeds.geometry, _geometry, _prepared),
    "manifest": Reader(seeds.manifest, _manifest),
    "evaluation": Reader(seeds.evaluation, _summary),
    "scores": Reader(seeds.scores, _patients),
}
# These start Keras or TensorFlow and take long a file: some hundred are read.
SLOW = {
    "keras_model": Reader(seed_models.whole_models, _model),
    "saved_model": Reader(seed_models.saved_models, _saved_model, _with_variables),
}
READERS |= SLOW
