import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskwright.data.pairs import Pair
from maskwright.data.patches import Patches, covering, cut, remember
from maskwright.data.preprocess import InputRule
from maskwright.data.samples import SampleId
from maskwright.labels.rule import LabelRule

edges = st.tuples(*[st.integers(1, 14)] * 3)


@given(edges, edges)
def test_patches_cover_a_volume_and_no_fewer_would(shape, size):
    seen = np.zeros(shape, int)
    corners = covering(shape, size)
    for corner in corners:
        marks = np.zeros([max(c + s, e) - min(c, 0) for c, s, e in zip(corner, size, shape, strict=True)], int)
        index = tuple(slice(c - min(c, 0), c - min(c, 0) + s) for c, s in zip(corner, size, strict=True))
        marks[index] = 1
        seen += marks[tuple(slice(-min(c, 0), -min(c, 0) + e) for c, e in zip(corner, shape, strict=True))]
    assert (seen > 0).all()
    assert len(corners) == np.prod([max(1, -(-e // s)) for e, s in zip(shape, size, strict=True)])


@given(edges, edges, st.tuples(*[st.integers(-16, 16)] * 3))
def test_a_box_is_what_padding_and_slicing_would_give(shape, size, corner):
    array = np.random.default_rng(0).integers(1, 99, shape)
    padded = np.pad(array, 32)
    expected = padded[tuple(slice(c + 32, c + 32 + s) for c, s in zip(corner, size, strict=True))]
    assert np.array_equal(cut(array, corner, size), expected)


class Files:
    """Scans in `NNNN.npy` and `NNNN-label.npy` of a folder."""

    def __init__(self, folder):
        self.folder = folder

    def whole(self, index):
        return np.load(self.folder / f"{index:04d}.npy"), np.load(self.folder / f"{index:04d}-label.npy")


@pytest.fixture
def patches(tmp_path):
    def make(shape=(20, 24, 22), size=(8, 10, 12), share=0.5):
        label = np.zeros(shape, np.uint8)
        label[2, 3, 4], label[-3:, -4:, -2:] = 1, 2
        image = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
        np.save(tmp_path / "0000.npy", image[..., None])
        np.save(tmp_path / "0000-label.npy", label)
        rule = InputRule(size[1], size[2], 1, depth=size[0])
        places = [remember(label, 3, np.random.default_rng(0))]
        return Patches(
            [Pair("a", tmp_path, tmp_path)], [], LabelRule("index", 3), rule, Files(tmp_path), [shape], places, share
        )

    return make


def test_a_share_of_the_patches_holds_a_structure_each_class_alike(patches):
    found = [patches(share=1.0).sample(SampleId(1, 0, place), 0)[1] for place in range(60)]
    with_one, with_two = (np.mean([(label == number).any() for label in found]) for number in (1, 2))
    assert all((label > 0).any() for label in found) and 0.3 < with_one < 0.75 and 0.3 < with_two < 0.75
    plain = [(patches(share=0.0).sample(SampleId(1, 0, place), 0)[1] == 1).any() for place in range(60)]
    assert np.mean(plain) < 0.3


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1000))
def test_the_same_sample_is_the_same_patch_inside_the_volume(tmp_path_factory, place):
    folder = tmp_path_factory.mktemp("patch")
    shape, size = (9, 5, 30), (8, 10, 12)  # smaller than a patch along the rows
    image = np.arange(1, np.prod(shape) + 1, dtype=np.float32).reshape(shape)
    np.save(folder / "0000.npy", image[..., None])
    np.save(folder / "0000-label.npy", (image % 7 == 0).astype(np.uint8))
    rule = InputRule(size[1], size[2], 1, depth=size[0])
    places = [remember((image % 7 == 0).astype(np.uint8), 2, np.random.default_rng(0))]
    one = Patches([Pair("a", folder, folder)], [], LabelRule(), rule, Files(folder), [shape], places)
    patch, label = one.sample(SampleId(5, 1, place), 0)
    again, _ = one.sample(SampleId(5, 1, place), 0)
    assert patch.shape == (*size, 1) and label.shape == size and np.array_equal(patch, again)
    assert (patch > 0).sum() == 8 * 5 * 12  # all of the rows, and nothing but the volume
    assert np.array_equal(label > 0, (patch[..., 0] % 7 == 0) & (patch[..., 0] > 0))
    volume, truth, (corner, size_) = one.around(SampleId(5, 1, place), 0)
    assert size_ == size and np.array_equal(cut(volume, corner, size_), patch)
    assert np.array_equal(cut(truth, corner, size_), label)
