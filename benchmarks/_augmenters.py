"""One augmenter in a process of its own: affine and elastic deformation of a 512x512 pair, timed on request.

    python _augmenters.py NAME WORKERS [threads]

Reads how many pairs to make from standard input, a line at a time, and answers with the seconds it took; with one
worker these are seconds of the processor, which other work on the machine lengthens little. Every
augmenter does the same in its own way: rotation by up to 15 degrees, scaling by up to 10 %, shear by up to 6 degrees
and an elastic deformation of sigma 8 px with displacements of about 2 px; linear for the image, nearest for the label
unless its own recipe says otherwise. Each is held to one thread in each of WORKERS processes, or (`threads`) in as many
threads of one process.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import cv2
import numpy as np

cv2.setNumThreads(1)
SIZE = 512
Augment = Callable[[int], object]


def pair() -> tuple[np.ndarray, np.ndarray]:
    """A smooth 8-bit image `(H, W)` and a label of three classes."""
    rng = np.random.default_rng(0)
    image = cv2.GaussianBlur(rng.integers(0, 255, (SIZE, SIZE), np.uint8), (0, 0), 3)
    image = cv2.normalize(image, None, 0, 255, cv2.NORM_MINMAX)
    return image, (image > 110).astype(np.uint8) + (image > 170)


def maskwright() -> Augment:
    """Draw and apply, as training does."""
    from maskwright.augment.pipeline import apply, draw
    from maskwright.config import Configuration

    options = {"probability": 1.0, "intensity_probability": 0.0, "hflip": False, "shears": [-0.1, 0.1],
               "scale_range": (0.9, 1.1), "elastic_alpha": 1300.0, "elastic_sigmas": [8.0]}  # fmt: skip
    section = Configuration.model_validate({"augmentation": options}).augmentation
    image, label = pair()
    image = image[..., None]
    return lambda seed: apply(image, label, draw(np.random.default_rng(seed), section, label.shape))


def classical() -> Augment:
    """SciPy as the reference has it: Gaussian fields and map_coordinates, then rotate, then shear."""
    from scipy import ndimage

    image, label = pair()
    y, x = np.mgrid[:SIZE, :SIZE].astype(np.float32)

    def augment(seed: int) -> object:
        rng = np.random.default_rng(seed)
        angle, factor = rng.uniform(-15, 15), rng.uniform(-0.1, 0.1)
        fields = [ndimage.gaussian_filter(rng.uniform(-1, 1, (SIZE, SIZE)).astype(np.float32), 8) for _ in range(2)]
        where = [y + 113 * fields[0], x + 113 * fields[1]]
        matrix = np.array([[1.0, -factor], [0.0, 1.0]])
        made = []
        for array, order in ((image, 1), (label, 0)):
            moved = ndimage.map_coordinates(array, where, order=order, mode="constant")
            turned = ndimage.rotate(moved, angle, reshape=False, order=order)
            made.append(ndimage.affine_transform(turned, matrix, (factor * (SIZE - 1) / 2, 0), order=order))
        return made

    return augment


def one_pass() -> Augment:
    """SciPy at its best: the fields of `classical`, but all three steps in one map, sampled once."""
    from scipy import ndimage

    image, label = pair()
    y, x = np.mgrid[:SIZE, :SIZE].astype(np.float32)
    middle = np.float32((SIZE - 1) / 2)

    def augment(seed: int) -> object:
        rng = np.random.default_rng(seed)
        angle, factor, scale = np.deg2rad(rng.uniform(-15, 15)), rng.uniform(-0.1, 0.1), rng.uniform(0.9, 1.1)
        fields = [ndimage.gaussian_filter(rng.uniform(-1, 1, (SIZE, SIZE)).astype(np.float32), 8) for _ in range(2)]
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        (a, b), (c, d) = (turn @ np.array([[1.0, -factor], [0.0, 1.0]]) / scale).astype(np.float32)
        where = [
            a * (y - middle) + b * (x - middle) + middle + 113 * fields[0],
            c * (y - middle) + d * (x - middle) + middle + 113 * fields[1],
        ]
        return [ndimage.map_coordinates(array, where, order=order) for array, order in ((image, 1), (label, 0))]

    return augment


def albumentations() -> Augment:
    """Affine and ElasticTransform."""
    import albumentations as library

    cv2.setNumThreads(1)
    steps = library.Compose(
        [
            library.Affine(rotate=(-15, 15), scale=(0.9, 1.1), shear=(-6, 6), p=1),
            library.ElasticTransform(alpha=113, sigma=8, p=1),
        ]
    )
    image, label = pair()
    return lambda seed: steps(image=image, mask=label)


def monai() -> Augment:
    """Rand2DElastic, which rotates, scales and shears in the same pass, on dictionaries of plain tensors.

    Without MetaTensor, which takes longer. Lazy resampling has nothing to join: this transform is one pass already, and
    MONAI resamples lazily for affine ones only.
    """
    import torch
    from monai.data import set_track_meta
    from monai.transforms import Rand2DElasticd

    torch.set_num_threads(1)
    set_track_meta(False)
    step = Rand2DElasticd(
        keys=["image", "label"],
        spacing=(16, 16),
        magnitude_range=(2, 4),
        prob=1.0,
        rotate_range=0.26,
        scale_range=(0.1, 0.1),
        shear_range=0.1,
        mode=["bilinear", "nearest"],
        padding_mode="zeros",
    )
    image, label = pair()
    sample = {"image": torch.from_numpy(image[None]).float(), "label": torch.from_numpy(label[None]).float()}
    return lambda seed: step(dict(sample))


def batchgeneratorsv2() -> Augment:
    """nnU-Net's SpatialTransform with elastic deformation, labels by its own default."""
    import torch
    from batchgeneratorsv2.transforms.spatial.spatial import SpatialTransform

    torch.set_num_threads(1)
    step = SpatialTransform(
        (SIZE, SIZE),
        patch_center_dist_from_border=0,
        random_crop=False,
        p_elastic_deform=1,
        elastic_deform_scale=(8 / SIZE, 8 / SIZE),
        elastic_deform_magnitude=(2, 4),
        p_rotation=1,
        rotation=(-0.26, 0.26),
        p_scaling=1,
        scaling=(0.9, 1.1),
        p_synchronize_scaling_across_axes=1,
    )
    image, label = pair()
    sample = {"image": torch.from_numpy(image[None]).float(), "segmentation": torch.from_numpy(label[None]).short()}
    return lambda seed: step(**sample)


BUILDERS = {f.__name__: f for f in (maskwright, classical, one_pass, albumentations, monai, batchgeneratorsv2)}
_augment: Augment | None = None


def _begin(name: str) -> None:
    global _augment
    _augment = BUILDERS[name]()
    for seed in range(3):
        _augment(seed)


def _work(seeds: range) -> None:
    for seed in seeds:
        _augment(seed)


def main() -> None:
    name, workers = sys.argv[1], int(sys.argv[2])
    _begin(name)
    pool = None
    if workers > 1 and "threads" in sys.argv[3:]:
        pool = ThreadPoolExecutor(workers)
    elif workers > 1:
        pool = ProcessPoolExecutor(workers, get_context("spawn"), _begin, (name,))
    if pool:
        list(pool.map(_work, [range(3)] * 4 * workers))
    print("ready", flush=True)
    for line in sys.stdin:
        count = int(line)
        clock = time.perf_counter if pool else time.process_time
        begin = clock()
        if pool:
            list(pool.map(_work, [range(first, count, workers) for first in range(workers)]))
        else:
            _work(range(count))
        print(clock() - begin, flush=True)


if __name__ == "__main__":
    main()
