"""What the benchmarks share: pictures to work on, and how a result is printed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np


def write_pictures(folder: Path, count: int, size: int, channels: int = 3) -> None:
    """`count` random smooth images with masks, PNG, under `folder/images` and `folder/masks`."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:size, :size]
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    for number in range(count):
        centre, radius = rng.integers(size // 4, 3 * size // 4, 2), rng.integers(size // 12, size // 5)
        inside = (x - centre[0]) ** 2 + (y - centre[1]) ** 2 < radius**2
        image = np.clip(80 + 90 * inside + rng.normal(0, 20, (size, size)), 0, 255).astype(np.uint8)
        image = np.repeat(image[..., None], channels, axis=2)
        name = f"P{number // 10:04d}-{number % 10}.png"
        cv2.imwrite(str(folder / "images" / name), image)
        cv2.imwrite(str(folder / "masks" / name), inside.astype(np.uint8) * 255)


def interleaved(functions: dict[str, Callable[[], None]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each function, `rounds` times in turns, so that other work on the machine hits all alike."""
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            begin = time.perf_counter()
            function()
            seconds[name].append(time.perf_counter() - begin)
    return seconds


def show(title: str, rows: dict[str, float], unit: str, summary: dict[str, float]) -> None:
    """A table, and one line of JSON."""
    print(title)
    for name, value in rows.items():
        print(f"  {name:<44}{value:>10.2f} {unit}")
    print(json.dumps({"benchmark": title, "unit": unit, **rows, **summary}))
