"""Surface scores of two masks of 512x512x100, in turns with MONAI (which needs torch).

    python benchmarks/scores.py [--rounds 3]

Two blobs of an organ's size, and a body that fills most of the slices; the Hausdorff distance, its 95th percentile, the
average symmetric surface distance and the surface Dice. MONAI computes each by itself; ours all four at once.
"""

from __future__ import annotations

import argparse
import json
from statistics import median

import numpy as np
from _common import interleaved

SPACING = (2.5, 0.8, 0.8)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    result: dict[str, object] = {"benchmark": "scores"}
    for name, radii, shift in (("organ", (30, 60, 80), 3), ("body", (60, 200, 220), 4)):
        result[name] = compared(name, ellipsoid(radii, 0), ellipsoid(radii, shift), options.rounds)
    print(json.dumps(result))


def ellipsoid(radii: tuple[int, int, int], shift: int) -> np.ndarray:
    """Bool `(100, 512, 512)`, with a rough surface."""
    z, y, x = np.ogrid[:100, :512, :512]
    far = ((z - 50) / radii[0]) ** 2 + ((y - 256 - shift) / radii[1]) ** 2 + ((x - 256) / radii[2]) ** 2
    wave = 0.05 * np.sin(y / (7.0 + shift)) * np.sin(x / 9.0)
    return far + wave < 1


def compared(name: str, one: np.ndarray, other: np.ndarray, rounds: int) -> dict[str, float]:
    import torch
    from monai.metrics import compute_average_surface_distance, compute_hausdorff_distance, compute_surface_dice

    from maskwright.evaluation.distances import surface_scores

    torch.set_num_threads(2)
    tensors = [torch.from_numpy(mask.astype(np.float32))[None, None] for mask in (one, other)]
    settings = {"include_background": True, "spacing": list(SPACING)}
    found: dict[str, dict[str, float]] = {}

    def ours() -> None:
        found["ours"] = surface_scores(one, other, SPACING, 2.0)

    def hausdorff() -> None:
        found["MONAI"] = {"hausdorff": float(compute_hausdorff_distance(*tensors, **settings))}

    def surface() -> None:
        found["MONAI"]["surface_distance"] = float(
            compute_average_surface_distance(*tensors, symmetric=True, **settings)
        )

    def all_four() -> None:
        hausdorff()
        compute_hausdorff_distance(*tensors, percentile=95, **settings)
        surface()
        compute_surface_dice(*tensors, class_thresholds=[2.0], **settings)

    seconds = {
        key: median(values)
        for key, values in interleaved(
            {"ours": ours, "hausdorff": hausdorff, "surface": surface, "four": all_four}, rounds
        ).items()
    }
    apart = max(abs(found["ours"][key] - value) for key, value in found["MONAI"].items())
    print(
        f"{name}: all four {seconds['ours']:.2f} s; MONAI: Hausdorff distance {seconds['hausdorff']:.2f} s "
        f"({seconds['hausdorff'] / seconds['ours']:.1f} times), surface distance {seconds['surface']:.2f} s "
        f"({seconds['surface'] / seconds['ours']:.1f} times), all four {seconds['four']:.2f} s "
        f"({seconds['four'] / seconds['ours']:.1f} times); largest difference {apart:.1e}"
    )
    return seconds


if __name__ == "__main__":
    main()
