"""One of our networks, trained or run on request, in a process of its own; as `_torch_networks.py`.

python _keras_networks.py NAME PRECISION
"""

from __future__ import annotations

import json
import os
import sys
import time

import numpy as np

from maskwright.backend import import_keras

os.environ["TF_NUM_INTRAOP_THREADS"] = "2"  # before TensorFlow starts

# What the architecture is built with, where its own default is not what the other side has.
OPTIONS: dict[str, dict[str, object]] = {
    "unet": {"normalization": True},
    "nnunet 3D": {"num_layers": 5},
}


def main() -> None:
    name, precision = sys.argv[1:]
    keras = import_keras()
    keras.config.set_dtype_policy(precision)
    from maskwright.config import Configuration
    from maskwright.losses import get_loss
    from maskwright.models.fused import fuse
    from maskwright.models.registry import create_model, find_architecture
    from maskwright.training.optimizers import make_optimizer

    short = name.removesuffix(" 3D")
    volumes = name.endswith(" 3D") or find_architecture(short).dims == (3,)
    shape = (64, 64, 64, 1) if volumes else (256, 256, 1)
    count = 1 if volumes else 4
    model = create_model(short, shape, 1, **OPTIONS.get(name, {}))
    fuse(model)  # with the optimiser, what every training of ours has
    model.compile(make_optimizer(Configuration()), get_loss("bce_dice_loss"), jit_compile=False)
    image = np.random.default_rng(0).random((count, *shape), np.float32)
    label = (image > 0.5).astype(np.float32)
    steps = {"train": lambda: model.train_on_batch(image, label), "predict": lambda: model.predict_on_batch(image)}
    for step in steps.values():
        step()
        step()
    count = sum(int(np.prod(one.shape)) for one in model.trainable_variables)
    print(json.dumps({"parameters": count}), flush=True)
    for line in sys.stdin:
        what, number = line.split()
        begin = time.perf_counter()
        for _ in range(int(number)):
            steps[what]()
        print(time.perf_counter() - begin, flush=True)


if __name__ == "__main__":
    main()
