"""Batches in a reproducible order, prepared by threads ahead of the training step."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from maskwright.data.dataset import Dataset
from maskwright.data.preprocess import normalize

Batch = tuple[np.ndarray, np.ndarray]
Augment = Callable[[np.random.Generator, np.ndarray, np.ndarray, str], tuple[np.ndarray, np.ndarray]]


def order(patients: Sequence[str], count: int | None, rng: np.random.Generator) -> np.ndarray:
    """Indices of the pictures of one epoch.

    Args:
        patients: the patient of each picture.
        count: how many pictures; None is every picture once.
        rng: where the order comes from.

    Returns:
        Every picture once, each patient's spread over the whole epoch; or `count` pictures drawn in turns from every
        patient, so that one with many slices does not outweigh the others.
    """
    groups: dict[str, list[int]] = {}
    for index in rng.permutation(len(patients)):
        groups.setdefault(patients[index], []).append(int(index))
    if count is None:
        places = np.empty(len(patients))
        for group in groups.values():
            places[group] = (np.arange(len(group)) + rng.random(len(group))) / len(group)
        return np.argsort(places, kind="stable")
    chosen: list[int] = []
    turn = 0
    names = list(groups)
    while len(chosen) < count:
        chosen += [groups[names[i]][turn % len(groups[names[i]])] for i in rng.permutation(len(names))]
        turn += 1
    return np.array(chosen[:count])


class Batches:
    """The batches of a data set; what is in one depends on seed, epoch and step alone, not on threads or timing.

    A batch is images `(B, H, W, C)` float32, normalised, and labels `(B, H, W, 1)` float32 class numbers.
    """

    def __init__(
        self,
        dataset: Dataset,
        batch_size: int,
        *,
        seed: int = 0,
        steps: int | None = None,
        augment: Augment | None = None,
        shuffle: bool = False,
        workers: int = 2,
    ) -> None:
        self.dataset, self.batch_size, self.seed = dataset, batch_size, seed
        self.augment, self.shuffle, self.workers = augment, shuffle, workers
        whole = -(-len(dataset) // batch_size)
        self.count = steps * batch_size if steps and shuffle else None
        self.steps = steps if steps and shuffle else min(steps or whole, whole)
        self.waited = 0.0  # seconds that the consumer waited for batches since `epoch` was called

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        """The batches of epoch `number`, from step `start` on, prepared ahead in threads.

        Raises:
            MaskwrightError: a picture cannot be read any more; its file is named.
        """
        self.waited = 0.0
        indices = self._order(number)
        ahead = 2 * self.workers + 2
        with ThreadPoolExecutor(self.workers, thread_name_prefix="batches") as pool:
            queue: deque[Future[Batch]] = deque()
            try:
                for step in range(start, self.steps):
                    while len(queue) < ahead and step + len(queue) < self.steps:
                        queue.append(pool.submit(self.make, number, step + len(queue), indices))
                    begin = time.perf_counter()
                    batch = queue.popleft().result()
                    self.waited += time.perf_counter() - begin
                    yield batch
            finally:
                for future in queue:
                    future.cancel()

    def make(self, number: int, step: int, indices: np.ndarray) -> Batch:
        """Prepare one batch."""
        chosen = indices[step * self.batch_size : (step + 1) * self.batch_size]
        pairs = [self._one(number, step * self.batch_size + place, int(index)) for place, index in enumerate(chosen)]
        images = normalize(np.stack([image for image, _ in pairs]), self.dataset.input_rule)
        labels = np.stack([label for _, label in pairs])[..., None].astype(np.float32)
        return images, labels

    def _order(self, number: int) -> np.ndarray:
        if not self.shuffle:
            return np.arange(len(self.dataset))
        patients = [pair.patient for pair in self.dataset.pairs]
        return order(patients, self.count, np.random.default_rng((self.seed, number)))

    def _one(self, number: int, place: int, index: int) -> tuple[np.ndarray, np.ndarray]:
        image, label = self.dataset.load(index)
        if self.augment is None:
            return image, label
        rng = np.random.default_rng((self.seed, number, place))
        return self.augment(rng, image, label, self.dataset.pairs[index].name)
