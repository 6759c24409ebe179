"""Builds and runs every architecture and loss on the backend of this process, and a training from a configuration.

python backend_worker.py make FOLDER         on TensorFlow: models, inputs and outputs into FOLDER
python backend_worker.py check FOLDER N OF   on the backend of KERAS_BACKEND: how every OFth from the Nth on differs, as
                                             JSON on standard output
python backend_worker.py run CONFIG          trains, goes on, evaluates and predicts: what came of it, as JSON
"""

import json
import sys
from pathlib import Path

import keras
import numpy as np
from architecture_cases import SMALL, phantoms

import maskwright as mw
from maskwright.losses import LOSSES, get_loss
from maskwright.models.registry import create_model
from maskwright.progress import Reporter

# Whose many layers take a compiler minutes; their output is compared, but they are not trained.
LARGE = {
    "efficientnet_b7_unet",
    "efficient_unet",
    "efficientnet_lite_unet",
    "basnet",
    "u2net",
    "deeplab_v3_plus",
    "segformer",
    "mednext",
}
# Whose training XLA takes ten seconds each to compile: JAX's output is compared, and PyTorch, which compiles nothing, trains.
SLOWLY_COMPILED = {
    "dense_unet_3d", "multires_unet", "nnunet_resenc", "residual_unet_3d", "swin_unet", "trans_unet", "unet3plus",
    "unet_plus_plus",
}  # fmt: skip


def make(folder: Path) -> None:
    """Save each model with fresh weights, and what it says of two phantoms."""
    for name, (shape, options, _) in SMALL.items():
        keras.utils.set_random_seed(3)
        model = create_model(name, shape, 2, **options)
        images, _ = phantoms(shape, count=2)
        model.save(folder / f"{name}.keras")
        np.savez(folder / f"{name}.npz", images=images, outputs=numpy(model(images, training=False)))
        keras.backend.clear_session()
    (folder / "losses.json").write_text(json.dumps(losses()), encoding="utf-8")


def losses() -> dict[str, float]:
    """Each loss of three classes, a stripe of it unknown; and some of Keras's own."""
    random = np.random.default_rng(5)
    truth = random.integers(0, 3, (2, 16, 16)).astype(np.uint8)
    truth[:, :, :3] = 255
    scores = np.exp(random.normal(size=(2, 16, 16, 3)))
    prediction = (scores / scores.sum(-1, keepdims=True)).astype(np.float32)
    names = [*LOSSES, "CategoricalFocalCrossentropy", "Dice", "Tversky"]
    return {name: float(numpy(get_loss(name)(truth[..., None], prediction))) for name in names}


def run(config: Path) -> None:
    """Two epochs and two more, beside four without an interruption."""
    folder, said = config.parent, Reporter(quiet=True)

    def train(name: str, epochs: int, **more: bool) -> object:
        overrides = [
            f"train.epochs={epochs}",
            "train.loss='dice_ce_loss'",
            "train.metrics=['iou_coef', 'binary_accuracy']",
        ]
        return mw.train(config, overrides=overrides, run_dir=folder / name, reporter=said, **more)

    whole = train("whole", 4)
    train("part", 2)
    part = train("part", 4, resume=True)
    with np.load(whole.checkpoint_file) as one, np.load(part.checkpoint_file) as other:
        apart = max(float(np.abs(one[name] - other[name]).max()) for name in one.files if name != "state")
    evaluated = mw.evaluate(part, reporter=said)
    images = sorted((folder / "dataset" / "images").iterdir())[:3]
    masks = mw.predict(part, images, output=folder / "masks", reporter=said)
    found = {
        "apart": apart,
        "history": part.history(),
        "dice": evaluated.summary["per_patient"]["dice"]["mean"],
        "masks": len(masks.masks),
    }
    print(json.dumps({"backend": keras.backend.backend(), **found}))


def check(folder: Path, first: str, step: str) -> None:
    """Load each of a share, count, compare, and train."""
    found = {}
    untrained = LARGE | (SLOWLY_COMPILED if keras.backend.backend() == "jax" else set())
    for name, (shape, options, rate) in list(SMALL.items())[int(first) :: int(step)]:
        keras.utils.set_random_seed(3)
        fresh = create_model(name, shape, 2, **options)
        model = keras.models.load_model(folder / f"{name}.keras", safe_mode=True)
        with np.load(folder / f"{name}.npz") as arrays:
            difference = np.abs(numpy(model(arrays["images"], training=False)) - arrays["outputs"]).max()
        found[name] = {
            "fresh": fresh.count_params(),
            "parameters": model.count_params(),
            "difference": float(difference),
            "losses": [] if name in untrained else train(name, shape, options, rate),
        }
        keras.backend.clear_session()
        print(name, found[name], file=sys.stderr, flush=True)
    print(json.dumps({"backend": keras.backend.backend(), "architectures": found, "losses": losses()}))


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
    {"make": make, "check": check, "run": run}[sys.argv[1]](Path(sys.argv[2]), *sys.argv[3:])
