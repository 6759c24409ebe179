"""How long a step of a training takes on this machine: some steps on noise, before anything is decided."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from maskwright.backend import import_keras
from maskwright.config import Configuration
from maskwright.data.cache import default_folder
from maskwright.models.registry import create_model, find_architecture
from maskwright.models.supervision import joined
from maskwright.precision import choose_precision
from maskwright.training.fit import compile_model

_STEPS = 6  # that count; one before them is compiled


@dataclass(frozen=True)
class Pace:
    """Seconds that a network takes: until the first step is done, for a step, and to predict a batch."""

    start: float
    step: float
    prediction: float


def measure(config: Configuration) -> Pace:
    """Train the configuration's network for some steps on noise, with random weights.

    Raises:
        MaskwrightError: the configuration's network cannot be built.
    """
    keras, model = import_keras(), config.model
    found = find_architecture(model.name)
    section = model.model_dump()
    options = {name: section[name] for name in found.options if section.get(name) is not None} | dict(model.options)
    options.pop("weights", None)
    flat = (model.image_height, model.image_width, model.image_channels * (2 * config.data.neighbours + 1))
    shape: tuple[int, ...] = (model.image_depth, *flat) if model.image_depth else flat
    begin = time.perf_counter()
    before = keras.config.dtype_policy()
    folder = config.data.cache_dir or default_folder()

    def build() -> Any:
        return create_model(model.name, shape, model.num_classes, **options)

    try:
        keras.config.set_dtype_policy(choose_precision(config.train.precision, folder, build))
        network = joined(build())
    finally:
        keras.config.set_dtype_policy(before)
    compile_model(network, config)
    rng = np.random.default_rng(0)
    images = rng.random((config.train.batch_size, *shape), dtype=np.float32)
    labels = rng.integers(0, max(2, model.num_classes), (*images.shape[:-1], 1)).astype(np.float32)
    network.train_on_batch(images, labels)
    network.predict_on_batch(images)
    start = time.perf_counter() - begin
    step = _median(lambda: network.train_on_batch(images, labels))
    prediction = _median(lambda: network.predict_on_batch(images))
    keras.backend.clear_session()
    return Pace(start, step, prediction)


def _median(work: Callable[[], object]) -> float:
    times = []
    for _ in range(_STEPS):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return float(np.median(times))
