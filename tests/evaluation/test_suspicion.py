import numpy as np
import pytest

from maskwright.evaluation.suspicion import as_row, suspicion
from maskwright.labels.regions import IGNORED


def square(low, high, size=40):
    mask = np.zeros((size, size), np.uint8)
    mask[low:high, low:high] = 1
    return mask


def probable(mask, sure=0.98, unsure=0.01):
    """Probabilities of a network that sees just this."""
    return np.where(mask[..., None] > 0, sure, unsure).astype(np.float32)


ONE = [(1,)]


@pytest.mark.parametrize(
    ("marked", "what"),
    [
        (square(0, 0), "nothing is marked"),
        (square(5, 38), "more is marked"),
        (square(12, 18), "less is marked"),
        (square(24, 34), "elsewhere"),
    ],
)
def test_a_mask_that_shows_something_else_is_doubted(marked, what):
    found = suspicion(probable(square(10, 20)), marked, ONE)
    assert found.score > 0.4 and found.sure == 1 and what in found.what


def test_a_mask_that_shows_the_same_is_not():
    assert suspicion(probable(square(10, 20)), square(10, 20), ONE).score == 0


def test_a_network_without_certainty_doubts_little():
    grades = np.linspace(0, 1, 40, dtype=np.float32)
    unsure = np.broadcast_to(grades, (40, 40))[..., None]
    assert suspicion(unsure, square(10, 20), ONE).score < 0.75
    hardly = probable(square(10, 20), sure=0.55)  # found, but nowhere beyond 0.7
    assert suspicion(hardly, square(24, 34), ONE).score == 0


def test_what_is_marked_and_not_seen_at_all():
    found = suspicion(probable(square(0, 0)), square(10, 20), ONE)
    assert found.score > 0.9 and "sure not to see" in found.what
    some = np.full((40, 40, 1), 0.43, np.float32)  # almost a half everywhere: no certainty
    assert suspicion(some, square(10, 20), ONE).score < 0.6


def test_networks_that_have_learnt_from_a_mask_defend_it():
    unseen, marked = probable(square(10, 20)), square(24, 34)
    assert suspicion(unseen, marked, ONE, probable(marked)).score == 0
    still = suspicion(unseen, marked, ONE, probable(square(10, 20)))
    assert still.score > 0.9 and still.learnt == 0


def test_ignored_pixels_and_specks_say_nothing():
    truth = square(10, 20) * 0
    truth[5:25, 5:25] = IGNORED
    assert suspicion(probable(square(10, 20)), truth, ONE).score == 0
    assert suspicion(probable(square(10, 13)), square(30, 32), ONE).score == 0


def test_of_several_structures_the_doubtful_one_is_named():
    truth = square(2, 12) + 2 * square(20, 34)
    seen = np.concatenate([probable(square(2, 12)), probable(square(20, 24))], axis=-1)
    found = suspicion(seen, truth, [(1,), (2,)])
    assert found.structure == 2
    row = as_row("a", "P", found, ["background", "left", "right"])
    assert row["structure"] == "right" and row["dice_seen"] == "" and row["marked"] == 196


def test_overlapping_regions_go_by_their_numbers():
    truth = square(2, 30)
    truth[10:20, 10:20] = 2
    whole, core = square(2, 30), square(22, 28)
    found = suspicion(np.concatenate([probable(whole), probable(core)], axis=-1), truth, [(1, 2), (2,)])
    assert found.structure == 2 and found.marked == 100


def test_of_a_scan_the_slice_that_differs_most():
    truth = np.stack([square(10, 20)] * 5)
    seen = truth.copy()
    seen[3] = square(24, 38)
    found = suspicion(probable(seen), truth, ONE)
    assert found.place == 3
