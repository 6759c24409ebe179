import numpy as np
from tests.conftest import draw_pair

from maskwright.data.records import Record
from maskwright.data.thumbnails import thumbnail
from maskwright.evaluation.leaks import find_leak


def record(name, image, patient="p", thumb=None):
    kept = thumbnail(image) if thumb is None else thumb
    return Record(name, patient, *image.shape, "uint8", 0, 255, [1, 1], str(hash(image.tobytes())), "m", kept)


RNG = np.random.default_rng(0)
ONE, TWO, THREE = (RNG.integers(0, 255, (12, 16)).astype(np.uint8).repeat(8, 0).repeat(8, 1) for _ in range(3))
TRAINED = [record("a", ONE, "1"), record("b", TWO, "2")]


def test_copies_are_named_by_how_near_they_are():
    leak = find_leak(
        [record("x", ONE, "8"), record("y", TWO[:, ::-1], "2"), record("z", THREE)], TRAINED, by_patient=True
    )
    assert [message.split(":")[1].strip() for message in leak.messages] == ["2", "x = a", "y = b"]
    assert "identical to" in leak.messages[1] and "nearly" not in leak.messages[1]
    assert "nearly identical" in leak.messages[2]
    assert [item["training_image"] for item in leak.as_dict()["images"]] == ["a", "b"]


def test_nothing_shared_says_nothing():
    assert find_leak([record("z", draw_pair(RNG)[0])], TRAINED, by_patient=False).messages == []
    assert find_leak([record("z", THREE)], [], by_patient=False).messages == []


def test_what_cannot_be_compared_is_said():
    old = [record("a", ONE, thumb=np.zeros((32, 32), np.uint8))]
    leak = find_leak([record("x", ONE), record("z", THREE)], old, by_patient=False)
    assert [d.identical for d in leak.duplicates] == [True]  # bytes need no thumbnail
    assert leak.unknown == 1 and "1 of 2 images could only be looked up by their bytes" in leak.messages[1]
