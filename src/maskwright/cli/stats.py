"""maskwright stats"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maskwright.cli._main import Outcome
from maskwright.cli._shared import add_overrides

if TYPE_CHECKING:
    from maskwright.config import Configuration
    from maskwright.progress import Reporter

HELP = "count a data set: sizes, levels, classes, patients, duplicates; draw the bar chart"
EXAMPLE = r"maskwright stats dataset/ --set 'data.patient_pattern=PANCREAS_(\d+)'"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this command."""
    parser.add_argument(
        "config",
        metavar="CONFIG|FOLDER",
        help="a configuration, or a folder with images/ and masks/ (or train/, valid/, test/ with them)",
    )
    add_overrides(parser)
    parser.add_argument("--patient-pattern", metavar="REGEX", help="finds the patient in a name, in one group")
    parser.add_argument("--output", metavar="DIR", default=".", help="where the chart goes (default: here)")


def run(arguments: argparse.Namespace, reporter: Reporter) -> Outcome:
    """Count and draw."""
    from maskwright.data.dataset import class_names
    from maskwright.data.records import examine
    from maskwright.data.remarks import folders_of, remarks
    from maskwright.data.statistics import as_text, bar_chart, describe_dataset
    from maskwright.plan.masks import decide
    from maskwright.storage import give_way, reading, write_bytes

    config = _configuration(arguments)
    splits = _parts(config)
    for note in remarks(config.data, splits):
        reporter.warn(note)
    with reporter.task("looking at masks", sum(map(len, splits.values())), "masks") as step:
        decided = decide(config, splits, step)
    for note in decided.notes:
        reporter.warn(note)
    parts = {}
    for name, pairs in splits.items():
        with reporter.task(f"reading {name}", len(pairs), "pairs") as step:
            parts[name] = examine(pairs, decided.rule, step=step)
    found = describe_dataset(parts, class_names(config), by_patient=config.data.patient_pattern is not None)
    title = Path(arguments.config).resolve().stem
    chart = Path(arguments.output) / f"{title}_Statistics.png"
    with reading(folders_of(config.data)):
        write_bytes(
            give_way(chart, reporter.say), bar_chart(title, {name: len(records) for name, records in parts.items()})
        )
    told = {"masks": {"why": decided.why, "notes": list(decided.notes)}, "chart": chart}
    return Outcome(found | told, f"{as_text(found)}\nmasks: {decided.why}\n{chart}")


def _configuration(arguments: argparse.Namespace) -> Configuration:
    from maskwright.config import load
    from maskwright.config.loading import from_overrides
    from maskwright.errors import MaskwrightError

    overrides = list(arguments.overrides)
    if arguments.patient_pattern:
        overrides.append(f"data.patient_pattern={arguments.patient_pattern}")
    folder = Path(arguments.config)
    if not folder.is_dir():
        return load(folder, overrides).config
    if (folder / "images").is_dir():
        found = {"data": folder}
    else:
        found = {f"data.{part}": folder / part for part in ("train", "valid", "test") if (folder / part).is_dir()}
    if not found:
        raise MaskwrightError(
            "has neither images/ and masks/ nor train/, valid/ or test/ in it",
            where=folder,
            fix="Name the folder above them, or a configuration.",
        )
    paths = [f"{key}.{kind}={path / kind}" for key, path in found.items() for kind in ("images", "masks")]
    return from_overrides([*paths, *overrides])


def _parts(config: Configuration) -> dict[str, Any]:
    from maskwright.data.splits import SPLITS, collect

    data = config.data
    if data.images is not None:
        whole = data.model_copy(update={"valid_fraction": 0.0, "test_fraction": 0.0})
        return {"all": collect(whole, ("train",), seed=config.split_seed)["train"]}
    wanted = [part for part in SPLITS if getattr(data, part).images is not None]
    return collect(data.model_copy(update={"valid_fraction": 0.0}), wanted, seed=config.split_seed)
