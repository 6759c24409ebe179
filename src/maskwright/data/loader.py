"""Batches in a reproducible order, prepared by threads ahead of the training step."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from multiprocessing.context import TimeoutError as StuckError
from multiprocessing.pool import AsyncResult, ThreadPool
from typing import Protocol

import numpy as np

from maskwright.data.buffers import Buffers
from maskwright.data.pairs import Pair
from maskwright.data.patches import Box
from maskwright.data.preprocess import InputRule, normalize
from maskwright.data.samples import SampleId
from maskwright.data.threads import cores
from maskwright.errors import MaskwrightError

Batch = tuple[np.ndarray, np.ndarray]

_MOST_WORKERS = 8
_LEAVING = 5.0  # seconds that batches which are being prepared may take when nobody wants them any more


class Augment(Protocol):
    """What is done to a pair before it enters a batch."""

    def __call__(
        self, sample: SampleId, image: np.ndarray, label: np.ndarray, pair: Pair, patch: Box | None = None
    ) -> Batch:
        """The changed image `(H, W, C)` and label `(H, W)`; the same where `sample` is the same.

        With `patch` they are those of a whole volume, of which that part is wanted.
        """


class Source(Protocol):
    """What batches are made of."""

    @property
    def pairs(self) -> Sequence[Pair]:
        """The pairs, for their patients."""

    @property
    def input_rule(self) -> InputRule:
        """Shape of the input, and how levels become floats."""

    def __len__(self) -> int:
        """Pairs, or patches where they are counted."""

    def steps(self, batch_size: int) -> int | None:
        """Steps of an epoch where nobody says how many; None: every pair once."""

    def pair_of(self, index: int) -> Pair:
        """The pair of an index."""

    def sample(self, sample: SampleId, index: int) -> Batch:
        """Image and label of an index, as that sample of the training."""

    def around(self, sample: SampleId, index: int) -> tuple[np.ndarray, np.ndarray, Box | None]:
        """Image and label that it is taken out of, and which part of them it is; None: they are it."""


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


def spread(patients: Sequence[str], count: int) -> np.ndarray:
    """`count` indices of the pictures, in order, taken in turns from every patient and evenly along its pictures."""
    groups: dict[str, list[int]] = {}
    for index, patient in enumerate(patients):
        groups.setdefault(patient, []).append(index)
    shares = dict.fromkeys(groups, 0)
    left = min(count, len(patients))
    while left:
        for patient, group in groups.items():
            if left and shares[patient] < len(group):
                shares[patient] += 1
                left -= 1
    chosen: list[int] = []
    for patient, group in groups.items():
        middles = (np.arange(shares[patient]) + 0.5) * len(group) / max(shares[patient], 1)
        chosen += [group[int(place)] for place in middles]
    return np.array(sorted(chosen), int)


def _until_done(waiting: Iterable[AsyncResult[Batch]]) -> None:
    """Wait until threads have done what they began; not for ever, because one of them may hang."""
    ends = time.monotonic() + _LEAVING
    for result in waiting:
        result.wait(max(0.0, ends - time.monotonic()))


class Batches:
    """The batches of a data set; what is in one depends on seed, epoch and step alone, not on threads or timing.

    A batch is images `(B, H, W, C)` float32, normalised, and labels `(B, H, W, 1)` float32 class numbers; of volumes
    `(B, D, H, W, C)` and `(B, D, H, W, 1)`.

    Args:
        dataset: a `Dataset` of pictures or `Patches` of volumes.
    """

    def __init__(
        self,
        dataset: Source,
        batch_size: int,
        *,
        seed: int = 0,
        steps: int | None = None,
        augment: Augment | None = None,
        shuffle: bool = False,
        workers: int | None = None,
        stuck_after: float = 300.0,
    ) -> None:
        self.dataset, self.batch_size, self.seed = dataset, batch_size, seed
        self.augment, self.shuffle, self.stuck_after = augment, shuffle, stuck_after
        self.workers = workers or min(_MOST_WORKERS, cores())
        whole = -(-len(dataset) // batch_size)
        self.count = steps * batch_size if steps and shuffle else None
        self.steps = steps if steps and shuffle else min(steps or whole, whole)
        self.waited = 0.0  # seconds that the consumer waited for batches since `epoch` was called
        # A part of what is not shuffled is taken from every patient alike.
        patients = [] if shuffle else [dataset.pair_of(index).patient for index in range(len(dataset))]
        self._fixed = None if shuffle else spread(patients, self.steps * batch_size)
        self._buffers = Buffers()
        self._at: dict[int, Pair] = {}  # what each step is at, for the message about one that hangs

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        """The batches of epoch `number`, from step `start` on, prepared ahead in threads.

        Raises:
            MaskwrightError: a picture cannot be prepared, or not within `stuck_after` seconds; its file is named.
        """
        self.waited = 0.0
        indices = self.order(number)
        ahead = 2 * self.workers + 2
        # These threads do not keep the process alive when one of them hangs in a file system.
        with ThreadPool(self.workers) as pool:
            queue: deque[AsyncResult[Batch]] = deque()
            try:
                for step in range(start, self.steps):
                    while len(queue) < ahead and step + len(queue) < self.steps:
                        queue.append(pool.apply_async(self.make, (number, step + len(queue), indices)))
                    begin = time.perf_counter()
                    try:
                        batch = queue.popleft().get(self.stuck_after or None)
                    except StuckError:
                        raise self._stuck(step) from None
                    self.waited += time.perf_counter() - begin
                    yield batch
            except GeneratorExit:  # somebody left early; a process that ends amid OpenCV's work would be aborted
                _until_done(queue)
                raise

    def order(self, number: int) -> np.ndarray:
        """The pairs of epoch `number`, as indices into the data set."""
        if self._fixed is not None:
            return self._fixed
        patients = [pair.patient for pair in self.dataset.pairs]
        return order(patients, self.count, np.random.default_rng((self.seed, number)))

    def pairs(self, number: int, step: int) -> list[Pair]:
        """The pairs of one batch, in its order."""
        indices = self.order(number)[step * self.batch_size : (step + 1) * self.batch_size]
        return [self.dataset.pair_of(int(index)) for index in indices]

    def make(self, number: int, step: int, indices: np.ndarray) -> Batch:
        """Prepare one batch.

        Raises:
            MaskwrightError: naming the picture that cannot be prepared, and why.
        """
        first = step * self.batch_size
        chosen = indices[first : first + self.batch_size]
        rule = self.dataset.input_rule
        images = self._buffers.array((len(chosen), *rule.shape))
        labels = self._buffers.array((len(chosen), *rule.shape[:-1], 1))
        for place, index in enumerate(chosen):
            pair = self._at[step] = self.dataset.pair_of(int(index))
            try:
                image, label = self.pair(SampleId(self.seed, number, first + place), int(index))
                normalize(image, rule, out=images[place])
                labels[place, ..., 0] = label
            except MaskwrightError:
                raise
            except Exception as error:
                raise MaskwrightError(
                    f"cannot be prepared for training ({type(error).__name__}: {error})",
                    where=pair.image,
                    fix="Look at this file and its mask, or leave them out; --resume then goes on.",
                ) from error
        self._at.pop(step, None)
        return images, labels

    def pair(self, sample: SampleId, index: int) -> Batch:
        """The pair `index` as that sample of the training, its levels as they are in the file."""
        if self.augment is None:
            return self.dataset.sample(sample, index)
        image, label, patch = self.dataset.around(sample, index)
        pair = self.dataset.pair_of(index)
        return self.augment(sample, image, label, pair, *([] if patch is None else [patch]))

    def _stuck(self, step: int) -> MaskwrightError:
        pair = self._at.get(step)
        return MaskwrightError(
            f"has not been prepared within {self.stuck_after:g} s: the worker that reads it hangs",
            where=pair.image if pair else f"batch {step + 1}",
            fix="Look whether its disk or network folder answers; then go on with --resume. A slow one needs a "
            "larger train.stuck_after (0: wait for ever).",
        )
