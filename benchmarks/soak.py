"""Does anything grow over an hour? `train`, then `serve` under load with a kill in the middle; ends by itself.

    python benchmarks/soak.py [--minutes 60] [--clients 8] [--work FOLDER]

Each takes its minutes. Every few seconds are counted: what the process holds itself (RssAnon), its threads, its open
files, and what was done meanwhile: pictures learnt from, requests answered. The plot soak.png lies in FOLDER. All load
is bounded, and stays on this machine's own loopback. Exit code 1: something grew, became slower, or failed.
"""

from __future__ import annotations

import argparse
import csv
import http.client
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import matplotlib
import numpy as np
import service
from _common import write_pictures

matplotlib.use("Agg")
from matplotlib import pyplot

_WARM = 0.25  # of the time, which is not looked at: caches fill, compilers compile
_CONFIG = """
[data]
images = "images"
masks = "masks"
patient_pattern = 'P(\\d+)'
cache_dir = "cache"
[model]
image_width = 128
image_height = 128
base_filters = 8
num_layers = 4
[train]
epochs = 1000000
steps_per_epoch = 50
minutes = {minutes}
batch_size = 8
patience = 0
learning_rate_schedule = "cosine"
[augmentation]
probability = 0.5
"""


@dataclass
class Watched:
    """What was seen of a process: time, MB, threads, open files, and things done a second since the last look."""

    name: str
    rows: list[tuple[float, float, int, int, float]] = field(default_factory=list)

    def look(self, pid: int, done: float) -> None:
        """One more row; none where the process is gone."""
        try:
            text = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
            files = len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208 - no entry is looked at
        except OSError:
            return
        held, threads = (re.search(rf"{key}:\s+(\d+)", text) for key in ("RssAnon", "Threads"))
        if held and threads:  # a process that has just ended has no memory
            self.rows.append((time.monotonic(), int(held[1]) / 1000, int(threads[1]), files, done))

    def verdict(self) -> dict[str, object]:
        """The second quarter beside the last: medians, and what grew."""
        rows = np.array(self.rows)
        passed = (rows[:, 0] - rows[0, 0]) / max(rows[-1, 0] - rows[0, 0], 1e-9)
        early, late = rows[(passed >= _WARM) & (passed < 2 * _WARM)], rows[passed >= 1 - _WARM]
        found: dict[str, object] = {"looks": len(rows)}
        grew = []
        for column, name, allowed, least in (
            (1, "memory_mb", 1.10, 20.0),
            (2, "threads", 1.0, 2.0),
            (3, "open_files", 1.0, 5.0),
        ):
            one, other = float(np.median(early[:, column])), float(np.median(late[:, column]))
            found[name] = [round(one, 1), round(other, 1)]
            if other > max(one * allowed, one + least):
                grew.append(name)
        speeds = [float(np.median(part[:, 4][part[:, 4] > 0])) for part in (early, late)]
        found["per_second"] = [round(one, 2) for one in speeds]
        if speeds[1] < 0.85 * speeds[0]:
            grew.append("time")
        return found | {"grew": grew}


def soak_train(folder: Path, minutes: float, every: float) -> Watched:
    """A training of so many minutes; pictures a second are those of its history."""
    write_pictures(folder, 80, 160, 1)
    (folder / "config.toml").write_text(_CONFIG.format(minutes=minutes), encoding="utf-8")
    run, seen = folder / "run", Watched("train")
    words = [sys.executable, "-m", "maskwright", "train", "config.toml", "--run", "run", "--quiet"]
    process = subprocess.Popen(words, cwd=folder)
    while process.poll() is None:
        time.sleep(every)
        seen.look(process.pid, _speed(run / "history.csv"))
    if process.returncode:
        raise SystemExit(f"the training ended with {process.returncode}")
    return seen


def _speed(history: Path) -> float:
    if not history.exists():
        return 0.0
    with history.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))[-5:]
    return float(np.mean([float(row["images_per_second"]) for row in rows])) if rows else 0.0


def soak_serve(folder: Path, minutes: float, clients: int, every: float) -> tuple[list[Watched], dict[str, int]]:
    """A service under load, killed in the middle and started again while the clients go on asking."""
    model, port = service.random_model(folder), service.free_port()
    running = service.Service(model, folder / "serve.log", port)
    running.wait()
    stop, answered, broken = threading.Event(), [0] * clients, [0] * clients
    down = threading.Event()
    threads = [
        threading.Thread(target=_client, args=(number, port, stop, down, answered, broken)) for number in range(clients)
    ]
    for thread in threads:
        thread.start()
    lives = []
    try:
        for life in range(2):
            if life:
                down.set()
                running.process.kill()
                running.process.wait()
                running = service.Service(model, folder / "serve2.log", port)
                running.wait()
                down.clear()
            lives.append(_watch(Watched(f"serve, life {life + 1}"), running.process.pid, minutes * 30, every,
                                lambda: sum(answered)))  # fmt: skip
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        running.process.terminate()
    return lives, {"answered": sum(answered), "failed": sum(broken), "ends_with": running.process.wait(60)}


def _watch(seen: Watched, pid: int, seconds: float, every: float, done: Callable[[], int]) -> Watched:
    ends, before, last = time.monotonic() + seconds, done(), time.monotonic()
    while time.monotonic() < ends:
        time.sleep(every)
        now, total = time.monotonic(), done()
        seen.look(pid, (total - before) / (now - last))
        before, last = total, now
    return seen


def _client(
    number: int, port: int, stop: threading.Event, down: threading.Event, answered: list[int], broken: list[int]
) -> None:
    sent, order = service.good_bodies(), random.Random(number)
    while not stop.is_set():
        try:
            status, _ = service.ask(port, "/v1/segment", sent[order.randrange(len(sent))])
        except (OSError, http.client.HTTPException):
            if not (down.is_set() or stop.is_set()):
                time.sleep(0.5)  # the kill may be told a moment later than it is felt
                broken[number] += not down.is_set()
            time.sleep(0.2)
            continue
        answered[number] += status == 200
        broken[number] += status != 200


def plot(watched: list[Watched], path: Path) -> None:
    """Memory, threads, open files and speed, a column each process."""
    names = ("MB", "threads", "open files", "a second")
    figure, axes = pyplot.subplots(4, len(watched), figsize=(5 * len(watched), 9), sharex="col", squeeze=False)
    for column, one in enumerate(watched):
        rows = np.array(one.rows)
        for line, name in enumerate(names):
            axis = axes[line, column]
            axis.plot((rows[:, 0] - rows[0, 0]) / 60, rows[:, line + 1], lw=0.8)
            axis.set_ylim(bottom=0)
            axis.set_ylabel(name)
        axes[0, column].set_title(one.name)
        axes[-1, column].set_xlabel("minutes")
    figure.tight_layout()
    figure.savefig(path, dpi=90)


def main() -> int:
    """Both, one after the other."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--work", type=Path)
    options = parser.parse_args()
    every = max(1.0, min(10.0, options.minutes * 60 / 200))
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.work or Path(temporary)
        (folder / "train").mkdir(parents=True, exist_ok=True)
        trained = soak_train(folder / "train", options.minutes, every)
        lives, counted = soak_serve(folder, options.minutes, options.clients, every)
        watched = [trained, *lives]
        plot(watched, folder / "soak.png")
        found = {one.name: one.verdict() for one in watched}
    for name, verdict in found.items():
        print(f"{name:<16}{verdict}")
    print(json.dumps({"soak": found, "serve": counted}))
    return int(any(verdict["grew"] for verdict in found.values()) or counted["failed"] > 0 or counted["ends_with"] != 0)


if __name__ == "__main__":
    sys.exit(main())
