import shutil
import time
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest

from maskwright.config import load
from maskwright.data import cache, dataset
from maskwright.data.dataset import cache_name, input_rule, open_dataset
from maskwright.data.part import PartFiles
from maskwright.data.records import common_dtype, examine, file_hash
from maskwright.data.splits import collect
from maskwright.errors import MaskwrightError
from maskwright.labels.rule import LabelRule


@pytest.fixture
def opened(config_file):
    config = load(config_file).config

    def open_(**changes):
        data = config.data.model_copy(update=changes)
        pairs = collect(data, ("train",))["train"]
        hashes = [(file_hash(*pair.images), file_hash(pair.mask)) for pair in pairs]
        return open_dataset(
            PartFiles(pairs, examine(pairs, LabelRule()), hashes), LabelRule(), input_rule(config, "uint8"), data
        )

    return open_


def test_cached_and_decoded_anew_are_the_same(opened):
    cached, again, direct = opened(), opened(), opened(cache=False)
    assert cached.cached and not direct.cached
    for i in range(len(direct)):
        for one, other, third in zip(cached.load(i), again.load(i), direct.load(i), strict=True):
            assert one.dtype == np.uint8
            assert np.array_equal(one, third) and np.array_equal(other, third)
    assert cached.records == direct.records == again.records


def test_a_changed_file_makes_a_new_entry(opened, config_file):
    first = opened()
    path = first.pairs[0].image
    shutil.copyfile(first.pairs[1].image, path)
    second = opened()
    assert np.array_equal(second.load(0)[0], second.load(1)[0])
    assert not np.array_equal(first.load(0)[0], second.load(0)[0])
    assert len(cache.entries(config_file.parent / "cache")) == 2


def test_settings_are_part_of_the_key(config_file):
    config = load(config_file).config
    rule = input_rule(config, "uint8")
    content = [["a", ["1", "2"]], ["b", ["3", "4"]]]
    keys = {
        cache_name(content, LabelRule(), rule),
        cache_name(content[1:], LabelRule(), rule),
        cache_name(content, LabelRule(threshold=9), rule),
        cache_name(content, LabelRule(), input_rule(config, "uint16")),
    }
    assert len(keys) == 4


def test_the_longest_unused_entry_goes_first(opened, config_file, monkeypatch):
    monkeypatch.setattr(cache, "_RECENT", -1)
    opened()
    folder = config_file.parent / "cache"
    size = cache.entries(folder)[0][1]
    opened(valid_fraction=0.4, cache_limit_gb=1.2 * size / 1e9)
    assert len(cache.entries(folder)) == 1


def test_too_large_for_the_limit_is_decoded_anew(opened):
    assert opened(cache_limit_gb=1e-9).cached is None


def test_what_may_be_in_use_stays_and_the_limit_holds(opened, config_file):
    opened()
    folder = config_file.parent / "cache"
    size = cache.entries(folder)[0][1]
    assert opened(valid_fraction=0.4, cache_limit_gb=1.2 * size / 1e9).cached is None
    assert len(cache.entries(folder)) == 1


def test_a_folder_that_looks_like_an_entry_is_never_removed(opened, config_file, monkeypatch):
    monkeypatch.setattr(cache, "_RECENT", -1)
    folder = config_file.parent / "cache"
    theirs = folder / "pictures-0123456789abcdef01234567"
    theirs.mkdir(parents=True)
    for name in ("records.json", "images.raw", "thesis.txt"):
        (theirs / name).write_text("[]")
    entry = Path(opened().cached[0].path).parent
    (entry / "thesis.txt").write_text("mine")  # somebody's file in an entry of ours
    size = cache.entries(folder)[0][1]
    opened(valid_fraction=0.4, cache_limit_gb=1.2 * size / 1e9)
    assert len(list(theirs.iterdir())) == 3 and [path.name for path in entry.iterdir()] == ["thesis.txt"]


def test_no_room_is_told_before_anything_is_written(opened, config_file, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(cache.shutil, "disk_usage", lambda folder: usage(1, 1, 10))
    with pytest.raises(MaskwrightError, match=r"data\.cache = false"):
        opened()
    assert cache.entries(config_file.parent / "cache") == []


def test_a_pair_that_goes_bad_meanwhile_leaves_nothing_half_written(opened, config_file, monkeypatch):
    read = dataset.read_pair

    def broken(pair, rule):
        if pair.name.endswith("-2"):
            raise MaskwrightError("is damaged", where=pair.image)
        return read(pair, rule)

    monkeypatch.setattr(dataset, "read_pair", broken)
    with pytest.raises(MaskwrightError, match="is damaged"):
        opened()
    assert list((config_file.parent / "cache").iterdir()) == []


@pytest.mark.parametrize(
    ("depths", "expected"), [({"uint8"}, "uint8"), ({"uint8", "uint16"}, "uint16"), ({"float32"}, "float32")]
)
def test_the_common_depth(depths, expected):
    assert common_dtype(depths) == expected


def test_floats_and_integers_do_not_mix():
    with pytest.raises(MaskwrightError, match="mixed"):
        common_dtype({"uint8", "float32"})


def _build(number, target):
    (target / "x.bin").write_bytes(bytes([number]) * 100)


def test_the_cache_is_looked_through_once_however_many_entries_come(tmp_path, monkeypatch):
    looked, entries, steps = [], cache.entries, []

    def counted(folder):
        looked.append(folder)
        return entries(folder)

    monkeypatch.setattr(cache, "entries", counted)
    names = [f"picture-{number}" for number in range(50)]
    for _ in range(2):
        found = cache.open_entries(tmp_path, names, [100] * 50, 1, _build, step=lambda: steps.append(0))
        assert found == [tmp_path / name for name in names] and len(steps) == 50
        assert [(entry / "x.bin").read_bytes()[0] for entry in found] == list(range(50))
        steps.clear()
    assert len(looked) == 1  # the second time all are there


def test_files_of_the_same_content_are_one_entry(tmp_path):
    found = cache.open_entries(tmp_path, ["a", "b", "a"], [100] * 3, 1, _build)
    assert found == [tmp_path / "a", tmp_path / "b", tmp_path / "a"]
    assert [(entry / "x.bin").read_bytes()[0] for entry in found] == [0, 1, 0]


def test_those_that_are_wanted_make_no_room_for_the_others(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "_RECENT", 0.05)
    cache.open_entries(tmp_path, ["a", "b"], [100] * 2, 1, _build)
    time.sleep(0.1)
    limit = 1e-9 * (sum(size for _, size, _ in cache.entries(tmp_path)) + 299)  # one of them must go
    found = cache.open_entries(tmp_path, ["a", "c"], [300] * 2, limit, _build)
    assert found is not None and (tmp_path / "a").exists() and (tmp_path / "c").exists()
    assert not (tmp_path / "b").exists()
