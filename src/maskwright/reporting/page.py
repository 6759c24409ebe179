"""The page: sections put together into one HTML file that loads nothing."""

from __future__ import annotations

import html
import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import Any

from maskwright import __version__
from maskwright.config import write_toml
from maskwright.errors import MaskwrightError
from maskwright.evaluation.compare import as_text, compare
from maskwright.reporting import charts
from maskwright.reporting.card import card, citation
from maskwright.reporting.facts import Facts
from maskwright.reporting.gallery import COLOURS, Album, colour, worst_first
from maskwright.storage import write_text

_HEADLINE = (  # name, title, digits
    ("dice", "Dice", 3), ("iou", "IoU", 3), ("sensitivity", "Sensitivity", 3), ("precision", "Precision", 3),
    ("hausdorff95", "95th percentile of distances", 2), ("surface_distance", "Surface distance", 2),
    ("surface_dice", "Surface Dice", 3), ("volume_difference", "Volume difference", 2),
    ("component_f1", "F1 of parts", 3),
)  # fmt: skip


MARK = '<meta name="generator" content="Maskwright">'


def page(runs: Sequence[Facts], albums: Sequence[Album] = ()) -> str:
    """The whole page.

    Args:
        runs: one, or several to stand side by side. albums: pictures, of one run.
    """
    first = runs[0]
    title = first.config.about.title or " and ".join(run.name for run in runs)
    body = [f"<h1>{_e(title)}</h1>", f'<p class="soft">{_e(_subtitle(runs))}</p>']
    body += [_banner(run, len(runs) > 1) for run in runs]
    if len(runs) > 1:
        body += [_compared(runs), _charts_of_several(runs)]
    else:
        body += [_cards(first), _class_table(first), _charts(first), _worst(first), _gallery(first, albums)]
        body += [_confusion(first), _card(first)]
    body += [_configuration(run, len(runs) > 1) for run in runs]
    assets = files("maskwright.reporting") / "assets"
    style, script = ((assets / name).read_text(encoding="utf-8") for name in ("report.css", "report.js"))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"{MARK}"
        f'<link rel="icon" href="data:,"><title>{_e(title)}</title><style>{style}</style></head><body><main>'
        + "\n".join(part for part in body if part)
        + f"</main><script>{script}</script></body></html>\n"
    )


def write_page(path: Path, text: str) -> None:
    """Write a page over an earlier one of ours.

    Raises:
        MaskwrightError: a file is in the way that Maskwright did not write.
    """
    if path.exists() and (path.is_dir() or MARK not in path.read_text(encoding="utf-8", errors="replace")):
        raise MaskwrightError(
            "is there already, and Maskwright did not write it", where=path, fix="Choose another file with --output."
        )
    write_text(path, text)


def script_json(value: object) -> str:
    """JSON for a <script> element: no name in it ends the element, begins a comment or breaks a line."""
    text = json.dumps(value, separators=(",", ":"))  # letters beyond ASCII, U+2028 among them, are escaped already
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def _e(text: object) -> str:
    return html.escape(str(text))


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None or not math.isfinite(value) else f"{value:.{digits}f}"


def _subtitle(runs: Sequence[Facts]) -> str:
    one = runs[0].summary
    counts = f"{one['images']} images of {one['patients']} patients ({one['split']} part)"
    return f"{counts}; Maskwright {__version__}; scored {', '.join(str(run.folder) for run in runs)}"


def _banner(run: Facts, named: bool) -> str:
    if not run.summary["warnings"]:
        return ""
    lines = "".join(f"<p>{_e(warning)}</p>" for warning in run.summary["warnings"])
    name = f"{_e(run.name)}: " if named else ""
    return f'<div class="banner" role="alert">{name}These scores do not mean what they seem to.{lines}</div>'


def _unit(name: str, units: dict[str, Any]) -> str:
    if name in ("hausdorff", "hausdorff95", "surface_distance"):
        return f" {units['distance']}"
    if name == "surface_dice":
        return f" within {units['tolerance']:g} {units['distance']}"
    return f" {units['volume']}" if name.startswith("volume") and "relative" not in name else ""


def _cards(run: Facts) -> str:
    parts, units = [], run.summary["units"]
    for name, title, digits in _HEADLINE:
        found = run.summary["per_patient"].get(name)
        if not found:
            continue
        interval = found.get("ci95")
        spread = f"{_number(interval[0], digits)} to {_number(interval[1], digits)}" if interval else "no interval"
        left_out = f"; {found['undefined']} undefined" if found["undefined"] else ""
        unit = _unit(name, units)
        shown, told = (unit, "") if "within" not in unit else ("", unit)
        parts.append(f'<div class="card">{_e(title)}{_e(told)}<b>{_number(found["mean"], digits)}'
                     f'{_e(shown)}</b><span class="soft">{spread}{left_out}</span></div>')  # fmt: skip
    note = "Means over patients" + (" and classes" if len(run.classes) > 1 else "") + ", with 95 % intervals."
    return f'<div class="cards">{"".join(parts)}</div><p class="soft">{note}</p>'


def _class_table(run: Facts) -> str:
    if len(run.classes) < 2:
        return ""
    names = [(name, title, digits) for name, title, digits in _HEADLINE if name in run.summary["per_patient"]]
    head = "".join(f"<th>{_e(title)}{_e(_unit(name, run.summary['units']))}</th>" for name, title, _ in names)
    rows = "".join(
        f"<tr><td>{_e(one)}</td>"
        + "".join(
            f"<td>{_number(run.summary['per_patient'][one][name]['mean'], digits)}</td>" for name, _, digits in names
        )
        + "</tr>"
        for one in run.classes
    )
    return f"<h2>Classes</h2>{_table(f'<td></td>{head}', rows)}"


def _table(head: str, rows: str) -> str:
    """A table that may be wider than the page; it can be scrolled by keys too, as `_pre`."""
    return f'<div class="wide" tabindex="0"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


def _pre(text: str) -> str:
    return f'<pre tabindex="0">{_e(text)}</pre>'


def _figure(svg: str, caption: str) -> str:
    return f"<figure>{svg}<figcaption>{_e(caption)}</figcaption></figure>" if svg else ""


def _dice(run: Facts) -> dict[str, dict[str, float]]:
    return {name: {patient: row["dice"] for patient, row in run.patients.get(name, {}).items()} for name in run.classes}


def _charts(run: Facts) -> str:
    units = run.summary["units"]
    parts = [_figure(charts.distribution(_dice(run), "Dice"), "Dice of each patient; the box holds the middle half.")]
    for name in run.classes:
        rows = run.patients.get(name, {})
        pairs = {patient: (row["volume_predicted"], row["volume_true"]) for patient, row in rows.items()}
        found = run.summary["agreement"][name]
        told = ", ".join(
            f"{word} {_number(found[key], 3)}"
            for key, word in (("correlation", "correlation"), ("concordance", "concordance"))
        )
        parts.append(_figure(charts.bland_altman(pairs, found, units["volume"]), f"Volumes of {name}: {told}."))
    if calibration := run.summary.get("calibration"):
        caption = (
            f"Calibration: Brier score {calibration['brier']:.4f}, expected calibration error "
            f"{calibration['expected_calibration_error']:.4f}."
        )
        parts.append(_figure(charts.reliability(calibration["bins"]), caption))
    history, fold = run.history, " of the first fold" if run.folds else ""
    parts.append(_figure(charts.curves(history, ["loss", "val_loss"], "loss"), f"Loss{fold}."))
    metrics = [name for name in history[0] if name.startswith("val_") and name != "val_loss"]
    wanted = [one for name in metrics for one in (name.removeprefix("val_"), name)]
    parts.append(_figure(charts.curves(history, wanted, "metrics"), f"Metrics{fold}."))
    return f'<h2>Scores, volumes, training</h2><div class="charts">{"".join(parts)}</div>'


def _worst(run: Facts) -> str:
    rows = "".join(f"<tr><td>{_e(one['patient'])}</td><td>{one['dice']:.3f}</td></tr>" for one in run.summary["worst"])
    return f"<h2>The worst patients</h2><table><thead><tr><th>patient</th><th>Dice</th></tr></thead>{rows}</table>"


def _gallery(run: Facts, albums: Sequence[Album]) -> str:
    if not albums:
        return ""
    ordered = worst_first(albums)
    items = []
    for index, album in enumerate(ordered):
        count, middle = len(album.slides), len(album.slides) // 2
        slider = (
            f'<input type="range" min="0" max="{count - 1}" value="{middle}" aria-label="slice of {_e(album.patient)}">'
            if count > 1
            else ""
        )
        items.append(
            f'<div class="album" data-index="{index}" data-patient="{_e(album.patient)}" data-dice="{album.dice:.6f}">'
            f"<h3><span>{_e(album.patient)}</span><span>{album.dice:.3f}</span></h3>"
            f'<button class="stage" type="button"></button>{slider}<div class="soft where"></div></div>'
        )
    keys = "".join(
        f'<span><span class="key{" again" * (place > COLOURS)}" style="background:var(--{colour(place)})"></span>'
        f"{_e(name)}</span>"
        for place, name in enumerate(run.classes, start=1)
    )
    data = script_json([[asdict(slide) for slide in album.slides] for album in ordered])
    return (
        '<h2>Pictures</h2><div class="bar"><label>Order <select id="sort"><option value="worst">worst first</option>'
        '<option value="best">best first</option><option value="name">by name</option></select></label>'
        '<label><input type="checkbox" id="show-prediction" checked> prediction</label>'
        f'<label><input type="checkbox" id="show-truth" checked> truth (white, dashed)</label>{keys}</div>'
        f'<div class="gallery">{"".join(items)}</div>'
        '<dialog><button class="stage" type="button"></button><p></p></dialog>'
        f'<script type="application/json" id="slides">{data}</script>'
    )


def _confusion(run: Facts) -> str:
    table = run.summary.get("confusion")
    if not table or run.metadata.label_rule.regions:
        return ""
    names = run.metadata.class_names
    head = "".join(f"<th>{_e(name)}</th>" for name in names)
    rows = ""
    for name, row in zip(names, table, strict=True):
        total = max(sum(row), 1)
        rows += f"<tr><td>{_e(name)}</td>" + "".join(f"<td>{value / total:.2%}</td>" for value in row) + "</tr>"
    return (
        "<h2>Confusion</h2><p class='soft'>Of the pixels of each true class (rows), the share predicted as each.</p>"
        f"{_table(f'<td></td>{head}', rows)}"
    )


def _card(run: Facts) -> str:
    parts = []
    for title, answers in card(run):
        lines = "".join(f"<dt>{_e(question)}</dt><dd>{_e(answer)}</dd>" for question, answer in answers)
        parts.append(f"<h3>{_e(title)}</h3><dl>{lines}</dl>")
    return f"<h2>Model card</h2>{''.join(parts)}<h3>How to cite</h3>{_pre(citation(run))}"


def _configuration(run: Facts, named: bool) -> str:
    title = f"Configuration of {run.name}" if named else "Configuration"
    return f"<details><summary>{_e(title)}</summary>{_pre(write_toml(run.config))}</details>"


def _compared(runs: Sequence[Facts]) -> str:
    head = "".join(f"<th>{_e(run.name)}</th>" for run in runs)
    rows = ""
    for name, title, digits in _HEADLINE:
        found = [run.summary["per_patient"].get(name) for run in runs]
        if not all(found):
            continue
        cells = "".join(
            f"<td>{_number(one['mean'], digits)} <span class='soft'>± {_number(one['std'], digits)}</span></td>"
            for one in found
            if one
        )
        rows += f"<tr><td>{_e(title)}{_e(_unit(name, runs[0].summary['units']))}</td>{cells}</tr>"
    patients = {run.name: _by_patient(run) for run in runs}
    return f"<h2>Side by side</h2>{_table(f'<td></td>{head}', rows)}{_pre(as_text(compare(patients), 'Dice'))}"


def _by_patient(run: Facts) -> dict[str, dict[str, float]]:
    rows = _dice(run)
    return {patient: {name: row[patient] for name, row in rows.items()} for patient in next(iter(rows.values()))}


def _mean_dice(run: Facts) -> dict[str, float]:
    """The mean over the classes that some truth has."""
    found = {patient: [v for v in row.values() if not math.isnan(v)] for patient, row in _by_patient(run).items()}
    return {patient: sum(values) / len(values) for patient, values in found.items() if values}


def _charts_of_several(runs: Sequence[Facts]) -> str:
    parts = [_figure(charts.distribution({run.name: _mean_dice(run) for run in runs}, "Dice"), "Dice of each patient.")]
    parts += [_figure(charts.curves(run.history, ["loss", "val_loss"], "loss"), f"Loss of {run.name}.") for run in runs]
    return f'<div class="charts">{"".join(parts)}</div>'
