"""Charts as SVG, drawn by hand so that the page needs no library; colours come from the page's style sheet."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence

import numpy as np

_WIDTH, _HEIGHT = 460, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 12, 12, 40
_COLOURS = 4  # of curves, in the style sheet


class _Axes:
    """From values to places in the picture, with ticks at round numbers."""

    def __init__(self, x: tuple[float, float], y: tuple[float, float]) -> None:
        self.x, self.y = _apart(x), _apart(y)

    def at(self, x: float, y: float) -> tuple[float, float]:
        across = (x - self.x[0]) / (self.x[1] - self.x[0])
        up = (y - self.y[0]) / (self.y[1] - self.y[0])
        return (
            round(_LEFT + across * (_WIDTH - _LEFT - _RIGHT), 1),
            round(_HEIGHT - _BOTTOM - up * (_HEIGHT - _TOP - _BOTTOM), 1),
        )

    def frame(self, x_title: str, y_title: str, *, x_ticks: bool = True) -> list[str]:
        parts = []
        for value in ticks(*self.y):
            _, y = self.at(self.x[0], value)
            parts.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y}" y2="{y}"/>')
            parts.append(f'<text class="tick" x="{_LEFT - 6}" y="{y + 4}" text-anchor="end">{_short(value)}</text>')
        for value in ticks(*self.x) if x_ticks else []:
            x, _ = self.at(value, self.y[0])
            parts.append(
                f'<text class="tick" x="{x}" y="{_HEIGHT - _BOTTOM + 16}" text-anchor="middle">{_short(value)}</text>'
            )
        middle = (_TOP + _HEIGHT - _BOTTOM) / 2
        parts.append(f'<text class="title" x="{(_LEFT + _WIDTH) / 2}" y="{_HEIGHT - 6}" text-anchor="middle">'
                     f"{html.escape(x_title)}</text>")  # fmt: skip
        parts.append(f'<text class="title" transform="translate(11 {middle}) rotate(-90)" text-anchor="middle">'
                     f"{html.escape(y_title)}</text>")  # fmt: skip
        return parts


def _apart(limits: tuple[float, float]) -> tuple[float, float]:
    low, high = limits
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def ticks(low: float, high: float, wanted: int = 5) -> list[float]:
    """Some round numbers from low to high."""
    step = 10 ** math.floor(math.log10((high - low) / wanted))
    step *= next(factor for factor in (1, 2, 5, 10) if (high - low) / (step * factor) <= wanted)
    first = math.ceil(low / step - 1e-9)
    return [round((first + place) * step, 10) for place in range(int((high - low) / step) + 2) if
            (first + place) * step <= high + 1e-9 * step]  # fmt: skip


def _short(value: float) -> str:
    """A number that fits beside an axis: `15k`, `1.2M`."""
    for size, letter in ((1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            return f"{value / (1e6 if letter == 'M' else 1e3):g}{letter}"
    return f"{value:g}"


def _svg(parts: Sequence[str], label: str) -> str:
    return f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{html.escape(label)}">{"".join(parts)}</svg>'


def curves(rows: Sequence[Mapping[str, float]], names: Sequence[str], title: str) -> str:
    """Log entries over the epochs, each in a colour of its own; those of validation dashed."""
    shown = [name for name in names if any(name in row for row in rows)]
    values = [row[name] for row in rows for name in shown if name in row and math.isfinite(row[name])]
    if not values:
        return ""
    axes = _Axes((rows[0]["epoch"], rows[-1]["epoch"]), (min(0.0, *values), max(values)))
    parts = axes.frame("epoch", title)
    for place, name in enumerate(shown):
        points = [axes.at(row["epoch"], row[name]) for row in rows if name in row and math.isfinite(row[name])]
        kind = f"c{place % _COLOURS + 1}" + (" dashed" if name.startswith("val_") else "")
        line = " ".join(f"{x},{y}" for x, y in points)
        shape = f'<polyline class="line {kind}" points="{line}">'
        if len(points) == 1:  # a line of one point is not to be seen
            shape = f'<circle class="line {kind}" cx="{points[0][0]}" cy="{points[0][1]}" r="3">'
        parts.append(f"{shape}<title>{html.escape(name)}</title></{shape[1:].split()[0]}>")
        parts.append(f'<text class="legend {kind}" x="{_WIDTH - _RIGHT - 4}" y="{_TOP + 14 + 16 * place}" '
                     f'text-anchor="end">{html.escape(name)}</text>')  # fmt: skip
    return _svg(parts, f"{title} over the epochs")


def distribution(groups: Mapping[str, Mapping[str, float]], title: str) -> str:
    """A point for each patient of each group, its quartiles as a box and its median as a line."""
    everything = [value for patients in groups.values() for value in patients.values() if math.isfinite(value)]
    if not everything:
        return ""
    axes = _Axes((0, len(groups)), (min(0.0, *everything), max(1.0, *everything)))
    parts = axes.frame("", title, x_ticks=False)
    for place, (name, patients) in enumerate(groups.items()):
        values = np.array([value for value in patients.values() if math.isfinite(value)])
        x, _ = axes.at(place + 0.5, 0)
        parts.append(_label(x, name, len(groups)))
        if len(values) == 0:
            continue
        wide = min(22.0, 0.4 * (_WIDTH - _LEFT - _RIGHT) / len(groups))
        low, middle, high = (axes.at(0, float(q))[1] for q in np.percentile(values, [25, 50, 75]))
        parts.append(
            f'<rect class="box" x="{x - wide:.1f}" width="{2 * wide:.1f}" y="{high}" '
            f'height="{max(low - high, 1):.1f}"/>'
        )
        parts.append(f'<line class="median" x1="{x - wide:.1f}" x2="{x + wide:.1f}" y1="{middle}" y2="{middle}"/>')
        for index, (patient, value) in enumerate(patients.items()):
            if math.isfinite(value):
                # Beside each other, always in the same place.
                dx = ((index * 0.618) % 1 - 0.5) * 1.6 * wide
                _, y = axes.at(0, value)
                parts.append(f'<circle class="dot" cx="{x + dx:.1f}" cy="{y}" r="3.5">'
                             f"<title>{html.escape(patient)}: {value:.3f}</title></circle>")  # fmt: skip
    return _svg(parts, f"{title} of each patient")


_FLAT = 5  # names that fit beside each other under an axis


def _label(x: float, name: str, groups: int) -> str:
    """The name of a group under its points; slanted where there are many."""
    y = _HEIGHT - _BOTTOM + 16
    how = f'x="{x}" y="{y}" text-anchor="middle"'
    if groups > _FLAT:
        name = name if len(name) <= 14 else f"{name[:13]}…"
        how = f'transform="translate({x + 4} {y - 6}) rotate(-35)" text-anchor="end"'
    return f'<text class="tick" {how}>{html.escape(name)}</text>'


def bland_altman(pairs: Mapping[str, tuple[float, float]], agreement: Mapping[str, object], unit: str) -> str:
    """Differences of volumes (predicted - true) over their means, with the mean and the limits of agreement."""
    if not pairs:
        return ""
    means = {name: (one + other) / 2 for name, (one, other) in pairs.items()}
    differences = {name: one - other for name, (one, other) in pairs.items()}
    limits = agreement.get("limits_of_agreement") or [agreement["mean_difference"]] * 2
    mean_difference = float(agreement["mean_difference"])  # type: ignore[arg-type]
    lines = [(float(value), kind) for value, kind in zip(limits, ("lower limit", "upper limit"), strict=True)]  # type: ignore[call-overload]
    lines = [one for one in lines if one[0] != mean_difference]  # of one patient, or where all differ alike
    lines.append((mean_difference, "mean difference"))
    heights = [*differences.values(), *(value for value, _ in lines), 0.0]
    margin = (max(heights) - min(heights)) * 0.08
    axes = _Axes((min(means.values()), max(means.values())), (min(heights) - margin, max(heights) + margin))
    parts = axes.frame(f"mean of both volumes, {unit}", f"predicted - true, {unit}")
    taken = float("inf")
    for value, kind in sorted(lines):
        _, y = axes.at(axes.x[0], value)
        style = "median" if kind == "mean difference" else "limit"
        parts.append(f'<line class="{style}" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y}" y2="{y}">'
                     f"<title>{kind}: {value:.3g}</title></line>")  # fmt: skip
        parts.append(
            f'<text class="tick" x="{_WIDTH - _RIGHT}" y="{(taken := min(y - 4, taken - 12)):.1f}" text-anchor="end">'
            f"{kind} {_short(float(f'{value:.3g}'))}</text>"
        )
    for name, mean in means.items():
        x, y = axes.at(mean, differences[name])
        parts.append(f'<circle class="dot" cx="{x}" cy="{y}" r="3.5"><title>{html.escape(name)}: true '
                     f"{pairs[name][1]:.3g}, predicted {pairs[name][0]:.3g}</title></circle>")  # fmt: skip
    return _svg(parts, "Bland-Altman plot of volumes")


def reliability(bins: Sequence[Mapping[str, float]]) -> str:
    """How often pixels are right, over how sure the network was; the diagonal is perfect, areas are pixel counts."""
    axes = _Axes((0, 1), (0, 1))
    parts = axes.frame("probability of the most probable class", "share that is right")
    (x1, y1), (x2, y2) = axes.at(0, 0), axes.at(1, 1)
    parts.append(f'<line class="limit" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>')
    most = max((one["pixels"] for one in bins), default=0)
    for one in bins:
        if one["pixels"]:
            x, y = axes.at(one["probability"], one["right"])
            radius = 3 + 6 * math.sqrt(one["pixels"] / most)
            parts.append(f'<circle class="dot" cx="{x}" cy="{y}" r="{radius:.1f}"><title>{one["pixels"]:,} pixels: '
                         f"{one['probability']:.3f} sure, {one['right']:.3f} right</title></circle>")  # fmt: skip
    return _svg(parts, "Calibration")
