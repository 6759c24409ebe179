"""Scans: how fast are they read, prepared and predicted, and how much memory does that take?

    python benchmarks/volumes.py [--series FOLDER --labels FILE] [--slices 200] [--rounds 7]

Reading: a DICOM series against SimpleITK, in turns. Preparing: copies of that series as patients, in as many processes
as cores; how busy the cores were. Predicting: a scan of 512x512 with the seed's network at 256x256 (random weights),
against the same network on the same batches that lie ready in memory; and the peak memory of a process at several
lengths.
Without --series a series is made, uncompressed.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
from _common import interleaved

SIZE = 512


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--series", type=Path)
    parser.add_argument("--labels", type=Path)
    parser.add_argument("--slices", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--memory", type=int, help=argparse.SUPPRESS)  # in a process of its own
    options = parser.parse_args()
    if options.memory:
        print(peak(options.memory, options.precision))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        series, labels = options.series or made(folder), options.labels or folder / "labels.nii.gz"
        result: dict[str, object] = {"benchmark": "volumes"}
        result["reading"] = reading(series, options.rounds)
        result["preparing"] = preparing(series, labels, folder)
    result["predicting"] = predicting(options.slices, options.rounds, options.precision)
    result["memory_mib"] = memory(options.precision)
    print(json.dumps(result))


def made(folder: Path) -> Path:
    """A series of 40 slices and its label map."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))
    from scans import SERIES_AFFINE, write_series

    from maskwright.volumes import Volume
    from maskwright.volumes.nifti import write_nifti

    hu = np.random.default_rng(0).normal(40, 60, (40, SIZE, SIZE)).astype(np.int16)
    write_series(folder / "series", hu)
    label = np.zeros(hu.shape, np.uint8)
    label[10:30, 200:300, 200:300] = 7
    write_nifti(Volume(label, SERIES_AFFINE), folder / "labels.nii.gz")
    return folder / "series"


def reading(series: Path, rounds: int) -> dict[str, float]:
    import SimpleITK as sitk

    from maskwright.volumes.read import read_volume

    def theirs() -> None:
        reader = sitk.ImageSeriesReader()
        reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(series)))
        sitk.GetArrayFromImage(reader.Execute())

    seconds = interleaved({"ours": lambda: read_volume(series), "SimpleITK": theirs}, rounds)
    found = {name: median(values) for name, values in seconds.items()}
    found["times as fast"] = found["SimpleITK"] / found["ours"]
    print(f"reading a series: ours {found['ours']:.3f} s, SimpleITK {found['SimpleITK']:.3f} s: "
          f"{found['times as fast']:.2f} times as fast")  # fmt: skip
    return found


def preparing(series: Path, labels: Path, folder: Path, patients: int = 12) -> dict[str, float]:
    """Share of both cores that work while patients are prepared, start of the processes included."""
    from maskwright.config.schema import PrepareSection
    from maskwright.data.loader import cores
    from maskwright.prepare.run import prepare_scans
    from maskwright.progress import Reporter

    for kind in ("scans", "labels"):
        (folder / kind).mkdir()
    for number in range(patients):
        (folder / "scans" / f"P{number:02d}").symlink_to(series.resolve())
        (folder / "labels" / f"P{number:02d}.nii.gz").symlink_to(labels.resolve())
    options = PrepareSection(
        scans_dir=folder / "scans", labels_dir=folder / "labels", output_dir=folder / "out", empty_share=1
    )
    begin, before = time.perf_counter(), used()
    done = prepare_scans(options, Reporter(quiet=True))
    wall, busy = time.perf_counter() - begin, used() - before
    found = {"slices_per_second": done.slices / wall, "busy": busy / wall / cores(), "seconds": wall}
    print(f"preparing {done.slices} slices: {found['slices_per_second']:.1f} slices/s, cores {found['busy']:.0%} busy")
    return found


def used() -> float:
    """Seconds of processor time of this process and of those that it has waited for."""
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def engine_of_seed(precision: str):  # type: ignore[no-untyped-def]
    from maskwright.backend import import_keras
    from maskwright.data.cache import default_folder
    from maskwright.data.preprocess import InputRule
    from maskwright.inference.engines import KerasEngine
    from maskwright.labels.rule import LabelRule
    from maskwright.models.metadata import Metadata
    from maskwright.models.saving import build
    from maskwright.precision import choose_precision

    import_keras()
    options = {"base_filters": 16, "base_kernels": (5, 5), "num_layers": 7, "dilation": (2, 2), "dropout_rate": 0.08}
    rule = InputRule(256, 256, 3, window="abdomen")
    metadata = Metadata("unet", options, 1, ["background", "pancreas"], rule, LabelRule())
    return KerasEngine(build(metadata, choose_precision(precision, default_folder())), metadata)


def scan_of(slices: int):  # type: ignore[no-untyped-def]
    from maskwright.volumes import Volume

    hu = np.random.default_rng(0).integers(-160, 240, (slices, SIZE, SIZE), np.int16)
    affine = np.array([[0, 0, -0.8, 200], [0, -0.8, 0, 200], [1.0, 0, 0, -100], [0, 0, 0, 1]])
    return Volume(hu, affine, "CT")


def predicting(slices: int, rounds: int, precision: str) -> dict[str, float]:
    from maskwright.config.schema import PredictSection
    from maskwright.inference.volumes import predict_scan

    engine, scan, options = engine_of_seed(precision), scan_of(slices), PredictSection()
    size = options.batch_size
    ready = np.random.default_rng(0).random((size, 256, 256, 3), np.float32)

    def alone() -> None:
        for _ in range(-(-slices // size)):
            engine.probabilities(ready, size)

    alone()
    seconds = interleaved({"engine": alone, "scan": lambda: predict_scan(engine, scan, options)}, max(3, rounds // 2))
    found = {name: min(values) for name, values in seconds.items()}
    found["overhead"] = found["scan"] / found["engine"] - 1
    print(f"predicting 512x512x{slices}: engine alone {found['engine']:.2f} s, whole scan {found['scan']:.2f} s: "
          f"{found['overhead']:.1%} more")  # fmt: skip
    return found


def memory(precision: str) -> dict[str, float]:
    """Peak of a process that predicts a scan, beyond the scan and its mask themselves."""
    found = {}
    for slices in (100, 200, 400):
        command = [sys.executable, __file__, "--memory", str(slices), "--precision", precision]
        total = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])
        voxels = slices * SIZE * SIZE / 2**20
        found[f"{slices} slices"] = round(total, 0)
        found[f"{slices} slices, without scan and mask"] = round(total - 3 * voxels, 0)
        print(
            f"memory with {slices} slices: {total:.0f} MiB, {total - 3 * voxels:.0f} MiB without the scan and its mask"
        )
    return found


def peak(slices: int, precision: str) -> float:
    from maskwright.config.schema import PredictSection
    from maskwright.inference.volumes import predict_scan

    engine, scan = engine_of_seed(precision), scan_of(slices)
    predict_scan(engine, scan, PredictSection())
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
