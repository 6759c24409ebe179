"""Does the data ever make the training step wait? The seed's network at 256x256, against Keras's own loop on arrays.

    python benchmarks/training.py [--precision mixed_bfloat16]

Plain: `model.fit(x, y)`, and a bare loop of `train_on_batch`, on arrays that are decoded, resized
and normalised already. Ours: the loop of `maskwright
train` from the cache on disk, with the seed's augmentation, in threads. Same network, same batches, in turns.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from statistics import median

import numpy as np
from _common import interleaved, show, write_pictures

from maskwright.backend import import_keras, seed_everything


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--pictures", type=int, default=48)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    import_keras().config.set_dtype_policy(options.precision)

    from maskwright.config import load
    from maskwright.models.registry import create_model
    from maskwright.progress import Reporter
    from maskwright.training.fit import compile_model
    from maskwright.training.prepare import prepare
    from maskwright.training.train import _batches

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_pictures(folder, options.pictures, 512)
        (folder / "seed.config").write_text(
            "[model]\ngenerator = True\nimage_width = 256\nimage_height = 256\nimage_channels = 3\nnum_classes = 1\n"
            "base_filters = 16\nbase_kernels = (5,5)\nnum_layers = 7\ndropout_rate = 0.08\nlearning_rate = 0.0001\n"
            'clipvalue = 0.5\ndilation = (2,2)\nloss = "bce_iou_loss"\nmetrics = ["binary_accuracy"]\n'
            "[train]\nepochs = 1\nbatch_size = 4\n"
            f"steps_per_epoch = {options.pictures // 4}\nimage_datapath = 'images'\nmask_datapath = 'masks'\n"
            "[mask]\nbinarize = True\nthreshold = 74\nblur = True\nblur_size = (5,5)\n[generator]\ndebug = False\n"
            "[augmentor]\nvflip = False\nhflip = False\nrotation = True\nangles = [5, 10,]\nshears = [0.2]\n"
            "transformer = True\nalpah = 1300\nsigmoid = 8\n",
            encoding="utf-8",
        )
        overrides = ["data.valid_fraction=0", f"data.cache_dir={folder / 'cache'}"]
        config = load(folder / "seed.config", overrides).config
        prepared = prepare(config, Reporter(quiet=True))
        seed_everything(137, deterministic=False)  # as a plain Keras user has it; repeating to the last bit is free
        section = config.model
        model = create_model(
            "unet",
            (256, 256, 3),
            base_filters=16,
            num_layers=7,
            base_kernels=section.base_kernels,
            dilation=section.dilation,
            dropout_rate=section.dropout_rate,
        )
        compile_model(model, config)
        batches, _ = _batches(prepared, config, fresh=True)
        x = np.random.default_rng(0).random((options.pictures, 256, 256, 3), dtype=np.float32)
        y = (x[..., :1] > 0.9).astype(np.float32)
        waited = []

        def ours() -> None:
            for images, labels in batches.epoch(len(waited)):
                model.train_on_batch(images, labels, return_dict=True)
            waited.append(batches.waited)

        def plain() -> None:
            model.fit(x, y, batch_size=4, verbose=0)

        def steps() -> None:
            for start in range(0, options.pictures, 4):
                model.train_on_batch(x[start : start + 4], y[start : start + 4], return_dict=True)

        ways = {"ours": ours, "plain": plain, "steps": steps}
        interleaved(ways, 1)
        seconds = interleaved(ways, options.rounds)
    speed = {name: options.pictures / median(values) for name, values in seconds.items()}
    ratio, ratio_steps = (
        median(p / o for o, p in zip(seconds["ours"], seconds[name], strict=True)) for name in ("plain", "steps")
    )
    share = sum(waited[1:]) / sum(seconds["ours"])
    show(
        f"training the seed's network at 256x256, {options.precision}",
        {
            "plain Keras fit on arrays in memory": speed["plain"],
            "train_on_batch on arrays in memory": speed["steps"],
            "maskwright, from disk, augmented": speed["ours"],
        },
        "img/s",
        {
            "ratio": round(ratio, 3),
            "ratio_train_on_batch": round(ratio_steps, 3),
            "asked": 0.95,
            "waiting_for_data": round(share, 4),
        },
    )


if __name__ == "__main__":
    main()
