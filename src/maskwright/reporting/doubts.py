"""The page of masks that are most probably wrong, and its table."""

from __future__ import annotations

import html
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from maskwright.data.images import read_images
from maskwright.doubts import SHOWN, Doubts, Suspect
from maskwright.evaluation.suspicion import as_row
from maskwright.labels.rule import LabelRule
from maskwright.reporting.gallery import Slide, colour, slide
from maskwright.reporting.page import MARK, write_page
from maskwright.sheets import write_sheet
from maskwright.volumes.channels import read_channels
from maskwright.volumes.orient import reorient

_ONE = LabelRule("binary")


def write_doubts(doubts: Doubts) -> tuple[Path, list[dict[str, Any]]]:
    """Write `suspects.html` and `suspects.csv` beside what was judged; gives the page, and the rows of the table.

    Raises:
        MaskwrightError: a page is in the way that Maskwright did not write.
    """
    suspects, count = doubts.suspects, doubts.count
    rows = [as_row(one.pair.name, one.pair.patient, one.doubt, doubts.names) for one in suspects]
    sheet, page = doubts.folder / "suspects.csv", doubts.folder / "suspects.html"
    columns = ("case", "patient", "suspicion", "structure", "sure", "dice_unseen", "dice_seen", "marked", "found",
               "slice", "what")  # fmt: skip
    write_sheet(sheet, columns, rows)
    figures = [_figure(one, row, doubts.orientation) for one, row in zip(suspects[:SHOWN], rows, strict=False)]
    style = (files("maskwright.reporting") / "assets" / "report.css").read_text(encoding="utf-8")
    more = f" The first {SHOWN} are shown; suspects.csv has all." if len(suspects) > SHOWN else ""
    told = (
        f"{len(suspects)} of {count} cases. Each was looked at by a network that has not learnt from its mask: it is "
        f"sure of what it sees, and the mask shows something else. White, dashed: the mask. Coloured: what the network "
        f"sees. Either may be right; look at them, worst first.{more}"
    )
    write_page(
        page,
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">{MARK}<link rel="icon" href="data:,">'
        f"<title>Masks to look at</title><style>{style}</style></head><body><main><h1>Masks to look at</h1>"
        f'<p class="soft">{html.escape(told)}</p><div class="gallery">{"".join(figures)}</div></main></body></html>\n',
    )
    return page, rows


def _figure(one: Suspect, row: dict[str, Any], orientation: str | None) -> str:
    shown = _slide(one, orientation)
    paths = "".join(
        f'<g class="{kind}">'
        + "".join(f'<path class="{colour(number)}" d="{path}"/>' for number, path in outlines)
        + "</g>"
        for kind, outlines in (("prediction", shown.prediction), ("truth", shown.truth))
    )
    e = html.escape
    return (
        f'<figure class="album"><h3><span>{e(one.pair.name)}</span><span>{one.doubt.score:.2f}</span></h3>'
        f'<div class="stage"><svg viewBox="0 0 {shown.width} {shown.height}" role="img" aria-label="{e(shown.title)}">'
        f'<image href="{shown.picture}" width="{shown.width}" height="{shown.height}"/>{paths}</svg></div>'
        f"<figcaption>{e(str(row['structure']))}: {e(str(row['what']))} ({row['marked']} px marked, "
        f"{row['found']} found; Dice {row['dice_unseen']}, the network's certainty {row['sure']})"
        f"{e(shown.title)}</figcaption></figure>"
    )


def _slide(one: Suspect, orientation: str | None) -> Slide:
    image, aspect, title = np.zeros((1, 1), np.uint8), 1.0, ""
    levels: tuple[float, float] | None = None
    if orientation is None:
        image = read_images(one.pair.images, one.pair.window)
    else:
        turned = reorient(read_channels(one.pair.images), orientation)
        array = turned.array if turned.array.ndim == 3 else turned.array[..., 0]
        low, high = np.percentile(array, [1, 99])
        image, levels = array[one.doubt.place], (float(low), float(high))
        aspect = turned.grid.spacing[1] / turned.grid.spacing[2]
        title = f", slice {one.doubt.place + 1} of {len(array)}"
    return replace(slide("", image, one.found, one.marked, _ONE, aspect, levels), title=title)
