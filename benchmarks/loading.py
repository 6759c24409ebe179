"""Which loader brings augmented batches fastest to the training step: ours, or a well-kept one?

    python benchmarks/loading.py [--rounds 3]      (needs grain and loky: pip install grain loky)

Every loader runs the same function for the same samples: read a 512x512 pair (JPEG, or from the cache), draw, apply,
normalise, batch by four. Ours in threads; the same in processes that hand batches over in shared memory; Keras's
PyDataset in threads; tf.data; Grain in threads. In turns, best epoch of each.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from multiprocessing import shared_memory
from pathlib import Path

import numpy as np
from _delivery import modes, pictures

from maskwright.backend import import_keras
from maskwright.config import load
from maskwright.data.loader import Batches, cores
from maskwright.progress import Reporter
from maskwright.training.prepare import prepare
from maskwright.training.samples import augmenter

Loader = Callable[[int], Iterator[object]]
_batches: Batches | None = None  # of a worker process
_shared: dict[str, shared_memory.SharedMemory] = {}


def build(config_path: str, overrides: list[str]) -> Batches:
    """Batches of four of the benchmark's pictures."""
    config = load(config_path, overrides).config
    dataset = prepare(config, Reporter(quiet=True)).train
    augment = augmenter(config.augmentation, dataset.input_rule, fresh=True)
    return Batches(dataset, 4, shuffle=True, augment=augment, workers=cores())


def _begin(config_path: str, overrides: list[str]) -> None:
    global _batches
    _batches = build(config_path, overrides)


def _make_shared(epoch: int, step: int, name: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    images, labels = _batches.make(epoch, step, _batches.order(epoch))
    if name not in _shared:
        _shared[name] = shared_memory.SharedMemory(name)
    target = np.frombuffer(_shared[name].buf, np.float32)
    target[: images.size] = images.ravel()
    target[images.size : images.size + labels.size] = labels.ravel()
    return images.shape, labels.shape


def processes(config_path: str, overrides: list[str], batches: Batches, made: list[object]) -> Loader:
    """Worker processes and shared memory."""
    from loading import _begin as begin
    from loading import _make_shared as make
    from loky import ProcessPoolExecutor

    pool = ProcessPoolExecutor(cores(), initializer=begin, initargs=(config_path, overrides))
    slots = [shared_memory.SharedMemory(create=True, size=10 * 2**20) for _ in range(2 * cores() + 2)]
    made += [pool, *slots]

    def epoch(number: int) -> Iterator[object]:
        free, queue, begun = deque(slots), deque(), 0
        for _ in range(batches.steps):
            while free and begun < batches.steps:
                slot = free.popleft()
                queue.append((slot, pool.submit(make, number, begun, slot.name)))
                begun += 1
            slot, future = queue.popleft()
            images, labels = future.result()
            values = np.frombuffer(slot.buf, np.float32)
            count = int(np.prod(images))
            yield values[:count].reshape(images).copy(), values[count : count + int(np.prod(labels))].copy()
            free.append(slot)

    return epoch


def pydataset(batches: Batches) -> Loader:
    """Keras's PyDataset in threads, read by the enqueuer that `fit` uses."""
    keras = import_keras()
    from keras.src.trainers.data_adapters.py_dataset_adapter import OrderedEnqueuer

    class Steps(keras.utils.PyDataset):
        epoch = 0

        def __len__(self) -> int:
            return batches.steps

        def __getitem__(self, step: int) -> object:
            return batches.make(self.epoch, step, batches.order(self.epoch))

    def epoch(number: int) -> Iterator[object]:
        data = Steps(workers=cores(), max_queue_size=2 * cores() + 2)
        data.epoch = number
        enqueuer = OrderedEnqueuer(data)
        enqueuer.start()
        source = enqueuer.get()
        for _ in range(batches.steps):
            yield next(source)
        enqueuer.stop()

    return epoch


def tfdata(batches: Batches) -> Loader:
    """tf.data with a parallel map."""
    import tensorflow as tf

    def epoch(number: int) -> Iterator[object]:
        order = batches.order(number)
        data = tf.data.Dataset.range(batches.steps).map(
            lambda step: tf.numpy_function(
                lambda one: batches.make(number, int(one), order), [step], (tf.float32, tf.float32)
            ),
            num_parallel_calls=cores(),
            deterministic=True,
        )
        yield from data.prefetch(2 * cores()).as_numpy_iterator()

    return epoch


def grain(batches: Batches) -> Loader:
    """Grain in threads."""
    import grain.python as library

    def epoch(number: int) -> Iterator[object]:
        order = batches.order(number)
        data = library.MapDataset.range(batches.steps).map(lambda step: batches.make(number, int(step), order))
        yield from data.to_iter_dataset(library.ReadOptions(num_threads=cores(), prefetch_buffer_size=2 * cores() + 2))

    return epoch


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    result: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        config_path = pictures(Path(folder))
        for what, overrides in modes(Path(folder)):
            made: list[object] = []
            batches = build(str(config_path), overrides)
            loaders: dict[str, Loader] = {
                "ours, threads": batches.epoch,
                "ours, processes": processes(str(config_path), overrides, batches, made),
                "keras PyDataset, threads": pydataset(batches),
                "tf.data": tfdata(batches),
                "grain, threads": grain(batches),
            }
            seconds: dict[str, list[float]] = {name: [] for name in loaders}
            for number in range(rounds + 1):
                for name, loader in loaders.items():
                    begin = time.perf_counter()
                    for _ in loader(number):
                        pass
                    seconds[name].append(time.perf_counter() - begin)
            result[what] = {name: round(len(batches.dataset) / min(took[1:]), 1) for name, took in seconds.items()}
            print(f"{what}, {cores()} workers")
            for name, speed in result[what].items():
                print(f"  {name:<28}{speed:>8.1f} pairs/s")
            made[0].shutdown(kill_workers=True)
            for slot in made[1:]:
                slot.close()
                slot.unlink()
    print(json.dumps({"benchmark": "loaders 512x512", "unit": "pairs/s", "workers": cores(), **result}))


if __name__ == "__main__":
    main()
