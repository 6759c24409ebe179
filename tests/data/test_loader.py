import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskwright.augment.pipeline import apply, draw
from maskwright.config import load
from maskwright.data.dataset import Dataset, input_rule
from maskwright.data.loader import Batches, order
from maskwright.data.preprocess import to_floats
from maskwright.data.samples import SampleId
from maskwright.data.splits import collect
from maskwright.errors import MaskwrightError
from maskwright.labels.rule import LabelRule

patients = st.lists(st.sampled_from("abcdefg"), min_size=1, max_size=60)


@given(patients, st.integers(0, 99))
def test_an_epoch_has_every_picture_once(names, seed):
    found = order(names, None, np.random.default_rng(seed))
    assert sorted(found) == list(range(len(names)))


@given(patients, st.integers(1, 80), st.integers(0, 99))
def test_a_shorter_epoch_takes_patients_in_turns(names, count, seed):
    found = order(names, count, np.random.default_rng(seed))
    taken = Counter(names[i] for i in found)
    assert len(found) == count
    assert max(taken.values()) - min(taken.get(name, 0) for name in set(names)) <= 1


@pytest.fixture
def batches(config_file):
    config = load(config_file).config
    dataset = Dataset(collect(config.data, ("train",))["train"], [], LabelRule(), input_rule(config, "uint8"))

    def augment(sample, image, label, pair):
        return apply(image, label, draw(sample.rng(), config.augmentation, label.shape))

    def make(**options):
        return Batches(dataset, 5, **({"seed": 3, "shuffle": True, "augment": augment} | options))

    return make


def test_shapes_and_ranges(batches):
    images, labels = next(iter(batches().epoch(0)))
    assert images.shape == (5, 32, 32, 1) and labels.shape == (5, 32, 32, 1)
    assert images.dtype == labels.dtype == np.float32
    assert images.min() >= 0 and images.max() <= 1
    assert set(np.unique(labels)) <= {0, 1}


def test_batches_do_not_depend_on_the_number_of_workers(batches):
    runs = [list(batches(workers=workers).epoch(2)) for workers in (1, 2, 5)]
    for other in runs[1:]:
        for (a, b), (c, d) in zip(runs[0], other, strict=True):
            assert np.array_equal(a, c) and np.array_equal(b, d)


def test_an_epoch_can_be_entered_in_its_middle(batches):
    whole, rest = list(batches().epoch(1)), list(batches().epoch(1, start=1))
    assert len(whole) == len(rest) + 1
    assert all(np.array_equal(a, c) for (a, _), (c, _) in zip(whole[1:], rest, strict=True))


def test_epochs_differ(batches):
    (a, _), (b, _) = next(iter(batches().epoch(0))), next(iter(batches().epoch(1)))
    assert not np.array_equal(a, b)


def test_the_last_batch_is_smaller_and_steps_limit(batches):
    assert [len(x) for x, _ in batches().epoch(0)] == [5, 5, 2]
    assert [len(x) for x, _ in batches(steps=7).epoch(0)] == [5] * 7
    assert [len(x) for x, _ in batches(steps=2, shuffle=False, augment=None).epoch(0)] == [5, 5]


def test_an_error_in_a_worker_arrives_with_its_file(batches):
    bad = batches()
    object.__setattr__(bad.dataset, "cached", None)
    bad.dataset.pairs[3].image.write_bytes(b"")
    with pytest.raises(MaskwrightError, match=bad.dataset.pairs[3].image.name):
        list(bad.epoch(0))


def test_any_error_in_a_worker_names_the_file_and_the_reason(batches):
    def broken(sample, image, label, pair):
        if sample.place == 7:
            raise MemoryError("no room for 12 GB")
        return image, label

    bad = batches(augment=broken)
    name = bad.dataset.pairs[bad.order(0)[7]].image.name
    with pytest.raises(MaskwrightError, match=rf"{name}.*MemoryError: no room for 12 GB"):
        list(bad.epoch(0))


def test_a_stuck_worker_is_noticed_and_does_not_keep_the_process_alive(tmp_path, config_file):
    script = f"""
import threading
from maskwright.config import load
from maskwright.data.dataset import Dataset, input_rule
from maskwright.labels.rule import LabelRule
from maskwright.data.loader import Batches
from maskwright.data.splits import collect
from maskwright.errors import MaskwrightError

config = load({str(config_file)!r}).config
pairs = collect(config.data, ("train",))["train"]
dataset = Dataset(pairs, [], LabelRule(), input_rule(config, "uint8"))

def hang(sample, image, label, pair):
    if sample.place == 7:
        threading.Event().wait()  # as a read from a network folder that does not answer
    return image, label

batches = Batches(dataset, 5, augment=hang, workers=2, stuck_after=1.0)
made = []
try:
    for batch in batches.epoch(0):
        made.append(batch)
except MaskwrightError as error:
    print(len(made), error.where == str(pairs[7].image), error)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("1 True") and "hangs" in done.stdout and "--resume" in done.stdout


def test_a_sample_can_be_made_again_from_its_place_in_the_training(batches):
    one = batches()
    images, labels = list(one.epoch(2))[1]
    sample = SampleId(seed=3, epoch=2, place=6)  # the second of the second batch of five
    image, label = one.pair(sample, int(one.order(2)[6]))
    assert np.array_equal(to_floats(image, one.dataset.input_rule), images[1])
    assert np.array_equal(label, labels[1, ..., 0])


def test_a_batch_keeps_its_content_while_others_are_made(batches):
    held = list(batches(steps=30).epoch(0))
    copies = [(images.copy(), labels.copy()) for images, labels in held]
    list(batches(steps=30).epoch(1))
    for (a, b), (c, d) in zip(held, copies, strict=True):
        assert np.array_equal(a, c) and np.array_equal(b, d)
