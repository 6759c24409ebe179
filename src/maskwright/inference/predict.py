"""Prediction of images and folders into files: masks, overlays, probabilities."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from maskwright.config.schema import MaskSection, PredictSection
from maskwright.data.cases import CaseFiles, find_cases
from maskwright.data.pairs import by_stem, list_images
from maskwright.data.preprocess import InputRule
from maskwright.data.tiff import UnreadableImage
from maskwright.errors import MaskwrightError
from maskwright.inference.decision import Decision, decision
from maskwright.inference.engines import Engine
from maskwright.inference.journal import NAME as JOURNAL
from maskwright.inference.journal import Journal
from maskwright.inference.large import LargeFiles, is_large, large_files, require_writable, rows_of, seen, segment
from maskwright.inference.postprocess import cleaning
from maskwright.inference.slices import Picture, ahead, full_probabilities, load_picture, rule_of_set, run_batches
from maskwright.inference.written import Found, Masks, Overlays, Written, beside_masks
from maskwright.progress import Reporter
from maskwright.storage import keep_aside, make_folder, write_json
from maskwright.volumes.read import stem

_MANIFEST = "predictions.json"


@dataclass(frozen=True)
class Predictions:
    """What a prediction wrote, and what it could not read."""

    output: Path
    overlays: Path | None
    masks: list[Path] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def mark(self, class_names: Sequence[str], decided: Decision) -> None:
        """Write what was done; the file also says that the folder is ours."""
        write_json(
            self.output / _MANIFEST,
            {
                "masks": [path.name for path in self.masks],
                "failed": self.failed,
                "classes": list(class_names),
                "thresholds": list(decided.thresholds),
            },
        )


@dataclass(frozen=True)
class Job:
    """What a prediction is made with, and where its results go.

    Attributes:
        output: folder of the masks or label maps. tiled: in overlapping tiles.
        ours: the folders are the configuration's own; older results in them are put aside as a whole.
        made_with: by what the models are known again.
    """

    engine: Engine
    options: PredictSection
    output: Path
    reporter: Reporter
    tiled: bool = False
    ours: bool = False
    made_with: Any = None

    def journal(self, *settings: Any) -> Journal:
        """What was done before in the folder with the same models and settings."""
        return Journal(self.output, [self.made_with, self.options.model_dump(), self.tiled, *settings])


def find_images(sources: Sequence[Path], patterns: Sequence[str] = ()) -> list[CaseFiles]:
    """Pictures of files and folders, in the order given; no two may have the same name.

    Args:
        patterns: of the files that are a picture's channels; the sources are then folders of such files, or of cases.

    Raises:
        MaskwrightError: a folder or file is missing, two results would have the same name, or a pattern does not match
            one file of each case.
    """
    if patterns:
        cases = [CaseFiles(name, tuple(files)) for one in sources for name, files in find_cases(one, patterns).items()]
        names = [case.name for case in cases]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise MaskwrightError(
                f"two pictures are named {twice[0]}", where="predict", fix="Predict them into folders of their own."
            )
        return cases
    found: list[Path] = []
    for source in sources:
        if source.is_file():
            found.append(source)
        elif source.is_dir() and not any(source.iterdir()):
            raise MaskwrightError("is an empty folder", where=source, fix="Name pictures, scans, or folders of them.")
        else:
            found += list_images(source)
    by_stem(found)
    return [CaseFiles(stem(path), (path,)) for path in found]


def predict_files(
    job: Job, images: Sequence[CaseFiles], *, mask: MaskSection | None = None, overlays: Path | None = None
) -> Predictions:
    """Predict pictures into files; where an interrupted prediction of the same settings lies there, it goes on.

    What is black and white in pictures of other depths than the model's is decided for all of them together.

    Args:
        images: as `find_images` gives them.
        mask: colours of the classes, for masks in colour.
        overlays: folder of the overlays; `overlays` in the output where None.

    Raises:
        MaskwrightError: files of the same name are there already, the folder cannot be written, or not one image
            could be read.
    """
    engine, options, output, reporter = job.engine, job.options, job.output, job.reporter
    classes, decide = engine.metadata.label_rule.classes, decision(engine.metadata, options)
    merged = (overlays or output / "overlays") if options.overlays else None
    drawn = Overlays(merged, options.outline, own_names=merged.parent != output) if merged else None
    masks = Masks(output, options, classes)
    kinds: list[Written] = [masks, *beside_masks(output, drawn, options, mask, classes, engine.metadata.channels)]
    large = {one.name for one in images if is_large(one, engine.metadata.input_rule)}
    of_large = large_files(output, merged, options, classes)
    if large:
        require_writable(options)
    rule = rule_of_set(engine, [one.paths for one in images], options, reporter.say)
    journal = job.journal(mask and mask.model_dump(), asdict(rule))
    rooms: dict[Path, list[str]] = {}
    for one in images:
        for kind in of_large.kinds if one.name in large else kinds:
            rooms.setdefault(kind.folder, []).extend([] if journal.begun(one.name) else kind.names(one))
    for folder, names in rooms.items():
        make_room(folder, names, reporter, ours=job.ours and not journal.goes_on)
    journal.start()
    result = Predictions(output, merged)
    todo = [one for one in images if journal.done(one.name, one.paths) is None]
    tell_of_done(len(images) - len(todo), len(images), "images", reporter)
    _predict_whole([one for one in todo if one.name not in large], job, rule, kinds, journal, result)
    _predict_large([one for one in todo if one.name in large], job, rule, of_large, journal, result)
    broken = {*result.failed}
    good = [one for one in images if str(one.paths[0]) not in broken]
    result.masks.extend(output / (of_large.mask if one.name in large else masks).name(one) for one in good)
    result.mark(engine.metadata.class_names, decide)
    journal.close()
    if not good:
        raise MaskwrightError(
            f"none of {len(images)} images could be read", where=images[0].paths[0].parent, fix="See the list above."
        )
    return result


def _predict_whole(
    images: Sequence[CaseFiles],
    job: Job,
    rule: InputRule,
    kinds: Sequence[Written],
    journal: Journal,
    result: Predictions,
) -> None:
    engine, options, reporter = job.engine, job.options, job.reporter
    decide, clean = decision(engine.metadata, options), cleaning(engine.metadata, options.postprocess)
    load = partial(load_picture, rule)
    stream: Iterator[tuple[CaseFiles, Picture | MaskwrightError, np.ndarray | None]]
    if job.tiled:
        stream = ((files, item, None) for files, item in ahead(images, load, count=2))
    else:
        stream = run_batches(engine, images, load, lambda item: item, options.batch_size)
    with reporter.task("predicting", len(images), "images") as advance:
        for files, item, small in stream:
            advance()
            if isinstance(item, MaskwrightError):
                _failed(files, item, job, result)
                continue
            probabilities = full_probabilities(engine, item, small, options, tiled=job.tiled)
            found = Found(files, item.image, clean(decide(probabilities)), probabilities)
            with journal.writing(files, kinds):
                for kind in kinds:
                    kind.write(found)


def _predict_large(
    images: Sequence[CaseFiles],
    job: Job,
    rule: InputRule,
    written: LargeFiles,
    journal: Journal,
    result: Predictions,
) -> None:
    decide = decision(job.engine.metadata, job.options)
    for files in images:
        try:
            picture = seen(files, rule)
        except MaskwrightError as error:
            _failed(files, error, job, result)
            continue
        try:
            with job.reporter.task(f"predicting {files.name}", rows_of(picture), "rows of windows") as advance:
                rows = segment(job.engine, picture, decide, job.options.batch_size, advance)
                with journal.writing(files, written.kinds):
                    written.write(files, picture, rows)
        except UnreadableImage as error:  # a part of it; what cannot be written ends the prediction
            _failed(files, error, job, result)


def _failed(files: CaseFiles, error: MaskwrightError, job: Job, result: Predictions) -> None:
    job.reporter.warn(str(error))
    result.failed.append(str(files.paths[0]))


def tell_of_done(done: int, total: int, what: str, reporter: Reporter) -> None:
    """Say that an interrupted prediction goes on."""
    if done:
        reporter.say(f"{done} of {total} {what} are done already")


def make_room(folder: Path, names: Sequence[str], reporter: Reporter, *, ours: bool) -> None:
    """Make the folder; results that are in the way are put aside, files that are not ours stop the prediction."""
    taken = [name for name in names if (folder / name).exists()]
    if taken and (ours or (folder / _MANIFEST).exists() or (folder / JOURNAL).exists()):
        kept = keep_aside(folder)
        reporter.say(f"kept what was in {folder} as {kept.name if kept else ''}")
    elif taken:
        raise MaskwrightError(
            f"holds {taken[0]} already ({len(taken)} such files), and Maskwright did not write it",
            where=folder,
            fix="Choose another folder with --output.",
        )
    make_folder(folder)
