"""Builds and runs every architecture on the backend of this process.

python backend_worker.py make FOLDER     on TensorFlow: models, inputs and outputs into FOLDER
python backend_worker.py check FOLDER    on the backend of KERAS_BACKEND: how it differs, as JSON on standard output
"""

import json
import sys
from pathlib import Path

import keras
import numpy as np
from architecture_cases import SMALL, phantoms

from maskwright.losses import get_loss
from maskwright.models.registry import create_model

# Whose many layers take a compiler minutes; their output is compared, but they are not trained.
LARGE = {"efficientnet_b7_unet", "efficient_unet", "basnet", "u2net", "deeplab_v3_plus", "segformer", "mednext"}


def make(folder: Path) -> None:
    """Save each model with fresh weights, and what it says of two phantoms."""
    for name, (shape, options, _) in SMALL.items():
        keras.utils.set_random_seed(3)
        model = create_model(name, shape, 2, **options)
        images, _ = phantoms(shape, count=2)
        model.save(folder / f"{name}.keras")
        np.savez(folder / f"{name}.npz", images=images, outputs=numpy(model(images, training=False)))
        keras.backend.clear_session()


def check(folder: Path) -> None:
    """Load each, count, compare, and train."""
    found = {}
    for name, (shape, options, rate) in SMALL.items():
        keras.utils.set_random_seed(3)
        fresh = create_model(name, shape, 2, **options)
        model = keras.models.load_model(folder / f"{name}.keras", safe_mode=True)
        with np.load(folder / f"{name}.npz") as arrays:
            difference = np.abs(numpy(model(arrays["images"], training=False)) - arrays["outputs"]).max()
        found[name] = {
            "fresh": fresh.count_params(),
            "parameters": model.count_params(),
            "difference": float(difference),
            "losses": [] if name in LARGE else train(name, shape, options, rate),
        }
        keras.backend.clear_session()
        print(name, found[name], file=sys.stderr, flush=True)
    print(json.dumps({"backend": keras.backend.backend(), "architectures": found}))


def train(name: str, shape: tuple, options: dict, rate: float) -> list[float]:
    """The losses of thirty steps on four phantoms."""
    images, labels = phantoms(shape)
    model = create_model(name, shape, 1, **options)
    model.compile(keras.optimizers.Adam(rate), get_loss("bce_dice_loss"))
    return [float(model.train_on_batch(images, labels)) for _ in range(30)]


def numpy(tensor: object) -> np.ndarray:
    """Any backend's tensor as an array."""
    return keras.ops.convert_to_numpy(tensor)


if __name__ == "__main__":
    {"make": make, "check": check}[sys.argv[1]](Path(sys.argv[2]))
