"""Everything that must hold before a network for volumes trains: scans read, brought to one space, and described."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from maskwright.config import Configuration
from maskwright.data.cache import default_folder
from maskwright.data.dataset import class_names
from maskwright.data.label_rules import volume_rule
from maskwright.data.labels import LabelRule
from maskwright.data.loader import cores
from maskwright.data.model_space import labels_to_model, scan_classes, to_model
from maskwright.data.pairs import Pair
from maskwright.data.patches import Patches, covering, remember
from maskwright.data.preprocess import InputRule
from maskwright.data.records import Record, describe_volume, file_hash, require_every_class
from maskwright.data.splits import collect
from maskwright.errors import MaskwrightError
from maskwright.progress import Reporter
from maskwright.storage import atomic, make_folder
from maskwright.training.prepare import Prepared, describe, refuse_leak, validates
from maskwright.volumes import Volume
from maskwright.volumes.channels import read_channels
from maskwright.volumes.orient import reorient
from maskwright.volumes.read import read_labels, read_volume

_VERSION = 2


def prepare_volumes(config: Configuration, reporter: Reporter, *, allow_leak: bool = False) -> Prepared:
    """Find, read, check and resample the training and validation scans.

    Raises:
        MaskwrightError: scans that cannot be used (all are listed), a class without a voxel, a shared patient.
    """
    patterns = config.data.channel_patterns
    if patterns and len(patterns) != config.model.image_channels:
        raise MaskwrightError(
            f"is {config.model.image_channels}, and data.channel_patterns names {len(patterns)} files a case",
            where="[model] image_channels",
            fix=f"Set it to {len(patterns)}.",
        )
    wanted = ("train", "valid") if validates(config) else ("train",)
    splits = collect(config.data, wanted, seed=config.split_seed, scans=True)
    refuse_leak(splits, reporter, allow=allow_leak)
    label, rule = (
        volume_rule(config.mask, config.model.num_classes),
        volume_input_rule(config, splits["train"], reporter),
    )
    ready: dict[str, Patches] = {}
    for part, pairs in splits.items():
        ready[part] = _open(pairs, label, rule, config, reporter, part)
    names = class_names(config)
    require_every_class(ready["train"].records, names)
    prepared = Prepared(ready["train"], ready.get("valid"), names)
    describe(prepared, reporter, config.data.patient_pattern, "scans")
    return prepared


def volume_input_rule(config: Configuration, pairs: Sequence[Pair], reporter: Reporter) -> InputRule:
    """Patch size, direction, spacing and levels; the spacing is the median of the training scans where not given."""
    data, model = config.data, config.model
    spacing = tuple(data.spacing)
    if len(spacing) not in (0, 3):
        raise MaskwrightError(
            f"has {len(spacing)} numbers", where="[data] spacing", fix="Give mm along slices, rows and columns."
        )
    if not spacing:
        found = [reorient(read_volume(pair.image), data.orientation).grid.spacing for pair in pairs[:64]]
        spacing = tuple(round(float(value), 4) for value in np.median(found, axis=0))
        reporter.say(f"data: scans are brought to {' x '.join(f'{value:g}' for value in spacing)} mm (data.spacing)")
    return InputRule(
        height=model.image_height,
        width=model.image_width,
        channels=model.image_channels,
        dtype="float32",
        window=data.window or "",
        orientation=data.orientation,
        depth=int(model.image_depth or 0),
        spacing=spacing,
        channel_patterns=tuple(data.channel_patterns),
    )


def _open(
    pairs: Sequence[Pair], label: LabelRule, rule: InputRule, config: Configuration, reporter: Reporter, part: str
) -> Patches:
    space = {
        "orientation": rule.orientation,
        "spacing": rule.spacing,
        "window": rule.window,
        "channels": rule.channels,
        "label": asdict(label),
    }
    digest = hashlib.blake2b(json.dumps([_VERSION, space], sort_keys=True).encode(), digest_size=12)
    hashes = [[file_hash(path) for path in (*pair.images, pair.mask)] for pair in pairs]
    digest.update(json.dumps(hashes).encode())
    folder = (config.data.cache_dir or default_folder()) / f"scans-{digest.hexdigest()}"
    make_folder(folder)

    def one(index: int) -> tuple[Record, tuple[int, ...], dict[int, np.ndarray]] | MaskwrightError:
        pair, path = pairs[index], folder / f"{index:04d}.npy"
        marks = folder / f"{index:04d}-label.npy"
        try:
            if not marks.exists():
                scan = read_channels(pair.images)
                truth = read_labels(pair.mask, scan)
                classes = truth.with_array(scan_classes(truth.array, label, pair.mask))
                _save(path, to_model(scan, rule))
                _save(marks, labels_to_model(classes, rule))  # last: it says that both are there
        except MaskwrightError as error:
            return error
        image, marked = np.load(path, mmap_mode="r"), np.load(marks, mmap_mode="r")
        record = describe_volume(pair, image, marked, label)
        return record, marked.shape, remember(np.asarray(marked), label.classes, np.random.default_rng(index))

    with reporter.task(f"reading {part}", len(pairs), "scans") as step, ThreadPoolExecutor(cores()) as pool:
        results = []
        for result in pool.map(one, range(len(pairs))):
            results.append(result)
            step()
    errors = [result for result in results if isinstance(result, MaskwrightError)]
    if errors:
        lines = "\n  ".join(str(error) for error in errors)
        raise (
            errors[0]
            if len(errors) == 1
            else MaskwrightError(
                f"{len(errors)} of {len(pairs)} scans cannot be used:\n  {lines}",
                fix="Mend or remove them, with their label maps.",
            )
        )
    good = [result for result in results if not isinstance(result, MaskwrightError)]
    shapes = [shape for _, shape, _ in good]
    patches = Patches(
        pairs, [record for record, _, _ in good], label, rule, folder, shapes, [places for _, _, places in good],  # type: ignore[arg-type]
        config.train.foreground_share,
    )  # fmt: skip
    if part == "train":
        return patches
    cover = [(index, corner) for index, shape in enumerate(shapes) for corner in covering(shape, rule.shape[:3])]
    return replace(patches, cover=cover)


def _save(path: Path, volume: Volume) -> None:
    with atomic(path) as temporary:
        np.save(temporary, volume.array)
