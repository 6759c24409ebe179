"""Preparing a data set: look at every label map, split the patients, then cut scan after scan in parallel."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from maskwright.config import Configuration, write_toml
from maskwright.config.schema import PrepareSection
from maskwright.data.map_values import map_values
from maskwright.data.mask_values import Seen
from maskwright.data.pairs import shorten
from maskwright.data.threads import cores
from maskwright.ending import finishing, worker_pool
from maskwright.errors import MaskwrightError
from maskwright.labels.regions import IGNORED
from maskwright.prepare.cases import Case, find_cases
from maskwright.prepare.files import PARTS, Prepared, forget_patient, is_complete, write_manifest, write_patient
from maskwright.prepare.scan_labels import classes, read_case, structure
from maskwright.prepare.slices import cut
from maskwright.prepare.split import stratified
from maskwright.progress import Reporter
from maskwright.storage import make_folder, note_folder, require_same, staying, write_text
from maskwright.volumes.read import read_labels

_FREE = {"output_dir", "workers"}  # may differ between a preparation and its continuation
_CUTTING = 2  # how slices are chosen: by 1, those of validation and test patients were thinned and cropped too


@dataclass(frozen=True)
class Result:
    """What was prepared: the folder, slices, and patients of each part; `failed` are messages."""

    target: Prepared
    slices: int
    patients: dict[str, list[str]]
    failed: list[str]


def prepare_scans(options: PrepareSection, reporter: Reporter) -> Result:
    """Make or complete a data set.

    Patients that are done are left as they are, so that an interrupted preparation goes on; one that fails leaves
    nothing behind, and the others go on.

    Raises:
        MaskwrightError: nothing to prepare, too few patients, or a folder that was prepared with other settings.
    """
    if options.output_dir is None:
        raise MaskwrightError(
            "is not set", where="[prepare] output_dir", fix="Name the folder of the pairs to be made."
        )
    target = Prepared(options.output_dir)
    cases, notes = find_cases(options)
    for note in notes:
        reporter.warn(note)
    key = _settings(options)
    _require_same(target, key)
    if options.crop == "structures":
        reporter.warn(
            "training slices are cut around the structures; those of validation and test are whole, as a new scan is: "
            "the network is scored on another field of view than it learns"
        )
    sizes, failed = _sizes(cases, options, reporter)
    fractions = {"valid": options.valid_fraction, "test": options.test_fraction}
    parts = stratified(sizes, fractions, options.seed)
    todo = [case for case in cases if case.name in sizes and not is_complete(target, case.name)]
    if len(todo) < len(sizes):
        reporter.say(f"{len(sizes) - len(todo)} of {len(sizes)} patients are done already")
    make_folder(target.path / "geometry")  # by which the folder is ours, should we be ended before a patient is done
    with staying(target.path), reporter.task("preparing", len(todo), "patients") as advance:
        note_folder(target.path)
        for case, problem, remarks in _work(todo, parts, options, key, target):
            require_same(target.path)  # which workers of its own write into
            advance()
            for remark in remarks:
                reporter.warn(f"{case.scan}: {remark}")
            if problem is not None:
                reporter.warn(problem)
                failed.append(problem)
    done = [patient for patient in target.patients() if is_complete(target, patient)]
    if not done:
        raise MaskwrightError(
            f"not one of {len(cases)} patients could be prepared", where=options.scans_dir, fix="See the list above."
        )
    slices = write_manifest(target, done)
    _write_config(target, options)
    found = {part: [name for name in done if (target.read_geometry(name) or {}).get("split") == part] for part in PARTS}
    return Result(target, slices, found, failed)


def _settings(options: PrepareSection) -> str:
    plain = {key: value for key, value in options.model_dump(mode="json").items() if key not in _FREE}
    plain["cutting"] = _CUTTING
    return hashlib.blake2b(json.dumps(plain, sort_keys=True).encode(), digest_size=8).hexdigest()


def _require_same(target: Prepared, key: str) -> None:
    for patient in target.patients():
        facts = target.read_geometry(patient)
        if facts is not None and "not_whole" not in facts:
            raise MaskwrightError(
                "was begun by an earlier version, which left out empty slices of validation and test patients too",
                where=target.path,
                fix="Choose another prepare.output_dir, or remove this folder and prepare it anew.",
            )
        if facts is not None and facts.get("settings") != key:
            raise MaskwrightError(
                "was prepared with other settings",
                where=target.path,
                fix="Choose another prepare.output_dir, or the settings that it was started with.",
            )
    strange = [path.name for path in target.path.iterdir()] if target.path.is_dir() else []
    if strange and not target.patients() and not (target.path / "geometry").is_dir():
        raise MaskwrightError(
            f"holds other files ({', '.join(sorted(strange)[:3])})",
            where=target.path,
            fix="Choose an empty prepare.output_dir; nothing of yours is overwritten.",
        )


def _sizes(cases: list[Case], options: PrepareSection, reporter: Reporter) -> tuple[dict[str, float], list[str]]:
    """Millilitres of all structures of each patient, from the label maps alone.

    Raises:
        MaskwrightError: nothing says which of several numbers are structures.
    """
    sizes, failed, values = {}, [], []
    with reporter.task("looking at label maps", len(cases), "patients") as advance:
        for case in cases:
            try:
                labels = read_labels(case.labels)
                inside = structure(classes(labels.array, options))
                sizes[case.name] = float(np.count_nonzero(inside)) * labels.grid.voxel_ml
                values.append(map_values(labels.array, case.labels))
            except MaskwrightError as error:
                if error.where == "[prepare] structures":
                    raise
                reporter.warn(str(error))
                failed.append(str(error))
            advance()
    seen = Seen({"": values})
    _require_known(seen, options)
    if values:
        reporter.say(f"label maps hold {seen.shares()}")
    return sizes, failed


def _require_known(seen: Seen, options: PrepareSection) -> None:
    numbers = {int(number) for number in seen.numbers()} - {0, *options.ignore}
    named = {number for several in options.structures.values() for number in several}
    if not options.structures and len(numbers) > 1:
        listed = shorten(sorted(numbers), 8)
        raise MaskwrightError(
            f"are not named, and the label maps hold {listed} beside 0: {seen.shares()}",
            where="[prepare] structures",
            fix="Name each, as --set prepare.structures.NAME=[NUMBER]; one of several numbers takes them together, and "
            "prepare.ignore has numbers that count for nothing.",
        )
    if absent := sorted(named - numbers):
        nowhere = [name for name, several in options.structures.items() if not numbers & {*several}]
        if nowhere:
            raise MaskwrightError(
                f"{', '.join(nowhere)} ({shorten(absent)}) is in no label map, and these hold {seen.shares()}",
                where="[prepare] structures",
                fix="Correct its numbers, or leave it out.",
            )


def _work(
    todo: list[Case], parts: dict[str, str], options: PrepareSection, key: str, target: Prepared
) -> Iterator[tuple[Case, str | None, tuple[str, ...]]]:
    """Patients as they are done, with what went wrong and what is worth saying."""
    one = partial(prepare_patient, options=options, key=key, target=target)
    workers = min(options.workers or cores(), len(todo))
    if workers <= 1:
        for case in todo:
            yield case, *one(case, parts[case.name])
        return
    try:
        with worker_pool(workers) as pool:
            waiting = {pool.submit(finishing, one, case, parts[case.name]): case for case in todo}
            for future in as_completed(waiting):
                yield waiting[future], *future.result()
    except BrokenProcessPool:
        raise MaskwrightError(
            "one of the workers was ended from outside, mostly because there is no memory left",
            where="[prepare] workers",
            fix=f"Start it again with fewer than {workers}; what is done already stays.",
        ) from None


def prepare_patient(
    case: Case, part: str, *, options: PrepareSection, key: str, target: Prepared
) -> tuple[str | None, tuple[str, ...]]:
    """Cut one patient; the message of what went wrong, after which nothing of it is left, and notes."""
    forget_patient(target, case.name)
    try:
        scan, labels = read_case(case, options)
        done = cut(scan, labels, options, training=part == "train")
        facts: dict[str, Any] = {"settings": key, "scan": str(case.scan), "labels": str(case.labels)}
        facts["structures"] = options.structures or {"foreground": []}
        facts["ignore"] = options.ignore
        write_patient(target, case.name, part, done, len(facts["structures"]) + 1, facts)
    except MaskwrightError as error:
        forget_patient(target, case.name)
        return str(error), ()
    return None, scan.source.notes


def _write_config(target: Prepared, options: PrepareSection) -> None:
    """A configuration that trains on the data set as it is, unless there is one."""
    if target.config.exists():
        return
    names = list(options.structures) or ["foreground"]
    patients = r"^(.+?)(?:-crop\d+)?-\d+$"
    data: dict[str, Any] = {"patient_pattern": patients, "orientation": options.orientation}
    if options.crop != "structures":  # else no new scan can be cut alike, and a model must not try
        data["window"] = options.window
    if options.crop == "body":
        data["body_border"] = options.crop_border
    for part in PARTS:
        if target.images(part).is_dir():
            data[part] = {"images": f"{part}/images", "masks": f"{part}/masks"}
    mask: dict[str, Any] = {} if options.regions else {"classes": ["background", *names]}
    mask |= {"format": "index"} if len(names) > 1 or options.ignore else {}
    mask |= {"ignore": IGNORED} if options.ignore else {}
    if options.regions:
        mask["regions"] = {region: [names.index(part) + 1 for part in few] for region, few in options.regions.items()}
    count = len(options.regions) or (1 if len(names) == 1 else len(names) + 1)
    settings: dict[str, Any] = {"data": data, "mask": mask, "model": {"num_classes": count}}
    config = Configuration.model_validate(settings)
    write_text(target.config, write_toml(config, comments=["Made by `maskwright prepare`; edit as you like.", ""]))
