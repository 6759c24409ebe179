import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from maskwright.augment.grid import Grid, left_by_smoothing, smooth, step_for

shapes = st.one_of(
    st.tuples(st.integers(1, 70), st.integers(1, 70)),
    st.tuples(st.integers(1, 9), st.integers(1, 40), st.integers(1, 40)),
)
steps = st.sampled_from([1, 2, 4, 8, 16])


@given(shapes, st.data())
def test_straight_maps_survive_the_enlargement(shape, data):
    grid = Grid(shape, tuple(data.draw(steps) for _ in shape))
    found = grid.enlarge(grid.positions())
    exact = np.meshgrid(*[np.arange(size) - (size - 1) / 2 for size in shape], indexing="ij")
    for one, other in zip(found, exact, strict=True):
        assert one.shape == shape
        assert np.abs(one - other).max() < 1e-4


@given(st.tuples(st.integers(1, 300), st.integers(1, 400)), st.data())
def test_bands_are_the_whole(shape, data):
    grid = Grid(shape, tuple(data.draw(steps) for _ in shape))
    values = np.random.default_rng(0).random((2, *grid.nodes), dtype=np.float32)
    pieces = [(rows, [one.copy() for one in part]) for rows, part in grid.bands(values)]
    assert [rows.stop for rows, _ in pieces[:-1]] == [rows.start for rows, _ in pieces[1:]]
    for axis, whole in enumerate(grid.enlarge(values)):
        assert np.allclose(np.concatenate([part[axis] for _, part in pieces]), whole, atol=1e-6)


@given(shapes, st.data())
def test_nodes_can_be_refined(shape, data):
    fine = tuple(data.draw(st.sampled_from([1, 2])) for _ in shape)
    coarse = Grid(shape, tuple(step * data.draw(st.sampled_from([1, 4])) for step in fine))
    finer = Grid(shape, fine)
    inner = (slice(None), *(slice(1, -1) for _ in shape))
    assert np.allclose(coarse.refine(coarse.positions(), finer)[inner], finer.positions()[inner], atol=1e-4)


def test_steps_follow_the_structure():
    assert [step_for(width) for width in (0, 0.5, 2, 4, 8, 31, 32, 500)] == [1, 1, 1, 2, 4, 8, 16, 16]


@pytest.mark.parametrize("sigmas", [(2.0, 3.0), (1.5, 0.0), (1.0, 2.0, 3.0), (0.0, 1.0, 1.0), (2.5, 0.0, 0.0)])
def test_smoothing_agrees_with_scipy(sigmas):
    values = np.random.default_rng(0).random((12, 30, 40)[-len(sigmas) :], dtype=np.float32)
    expected = ndimage.gaussian_filter(values, sigmas, mode="constant")
    assert np.abs(smooth(values, sigmas) - expected).max() < 1e-5


@pytest.mark.parametrize("sigma", [0.5, 2.0, 8.0])
def test_what_smoothing_leaves_of_noise(sigma):
    noise = np.random.default_rng(0).standard_normal((4, 200_000))
    left = ndimage.gaussian_filter1d(noise, sigma, axis=1).std()
    assert left_by_smoothing(sigma) == pytest.approx(left, rel=0.02)
