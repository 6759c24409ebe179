"""How alike the masks of one trained model are by every engine, on real pictures.

    python benchmarks/agreement.py RUN IMAGES

Dice over all pixels of all pictures (at their own size), and its mean over pictures in which either finds something:
to Keras in float32, and to Keras in the same arithmetic. An int8 export in RUN/exports counts too.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np


def main() -> None:
    from maskwright.config.loading import from_overrides
    from maskwright.data.pairs import list_images
    from maskwright.inference.model_files import read_metadata
    from maskwright.inference.runtimes import open_runtime
    from maskwright.inference.slices import predict_image

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("images", type=Path)
    arguments = parser.parse_args()
    model, images = arguments.run / "model.keras", list_images(arguments.images)
    options = from_overrides([], {"predict": read_metadata(model).predict}).predict
    ways = [
        ("keras", model, "float32"), ("keras", model, "mixed_bfloat16"), ("onnx", model, "float32"),
        ("openvino", model, "float32"), ("openvino", model, "mixed_bfloat16"),
        ("openvino", arguments.run / "exports" / "model-int8.xml", "float32"),
    ]  # fmt: skip
    masks: dict[str, list[np.ndarray]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, path, precision in ways:
            if path.exists():
                engine = open_runtime(name, path, precision, Path(folder))
                found = [predict_image(engine, image, options) > 0 for image in images]
                masks[f"{name} {'int8' if path.suffix == '.xml' else precision}"] = found
    for name, found in masks.items():
        for other in dict.fromkeys(("keras float32", f"keras {name.split()[1]}")):
            if other in masks and other != name:
                whole, mean, least = agreement(found, masks[other])
                print(f"{name:<26} to {other:<22} Dice {whole:.5f}, mean over pictures {mean:.5f}, least {least:.4f}")


def agreement(ones: list[np.ndarray], others: list[np.ndarray]) -> tuple[float, float, float]:
    both = np.array([float((one & other).sum()) for one, other in zip(ones, others, strict=True)])
    sizes = np.array([float(one.sum() + other.sum()) for one, other in zip(ones, others, strict=True)])
    each = 2 * both[sizes > 0] / sizes[sizes > 0]
    return 2 * both.sum() / sizes.sum(), each.mean(), each.min()


if __name__ == "__main__":
    main()
