"""nnU-Net's rule for strides and kernels, by hand, and that networks of it can be built."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskwright.advice.topology import topology
from maskwright.models.registry import create_model


def test_equal_axes_are_treated_alike():
    found = topology((40, 56, 40), (1, 1, 1))
    assert found.plain and found.layers == 4 and found.multiple == (8, 8, 8)


def test_thick_slices_wait():
    """5 mm slices of 0.8 mm pixels: 5/0.8 = 6.3, then 3.1, then 1.6."""
    found = topology((16, 96, 96), (5, 0.8, 0.8))
    assert found.kernels[:3] == ((1, 3, 3), (1, 3, 3), (3, 3, 3)) and found.strides[:3] == (
        (1, 2, 2),
        (1, 2, 2),
        (2, 2, 2),
    )
    assert not found.plain and found.multiple[0] == 4 and set(found.kernels[2:]) == {(3, 3, 3)}


def test_thin_patches_are_not_halved_away():
    assert topology((6, 64, 64), (1, 1, 1)).multiple[0] == 1
    assert topology((4, 4, 4), (1, 1, 1)).layers == 1


EDGES, STEPS = st.integers(4, 200), st.floats(0.3, 8)


@given(st.tuples(EDGES, EDGES, EDGES), st.tuples(STEPS, STEPS, STEPS))
def test_no_axis_is_lost_and_none_runs_ahead(size, spacing):
    found = topology(size, spacing)
    assert len(found.strides) == found.layers - 1 <= 5
    for edge, multiple in zip(size, found.multiple, strict=True):
        assert edge / multiple >= 4 or multiple == 1
    steps = np.array(spacing)
    for kernel, stride in zip(found.kernels, [*found.strides, (1, 1, 1)], strict=True):
        for axis in range(3):
            if kernel[axis] == 1:
                assert steps[axis] >= 2 * steps.min()
        steps = steps * stride
    assert all(one <= other for few, more in zip(found.kernels, found.kernels[1:], strict=False)
               for one, other in zip(few, more, strict=True))  # fmt: skip


@pytest.mark.parametrize(("size", "spacing"), [((12, 32, 32), (5.0, 0.8, 0.8)), ((16, 16, 20), (1.0, 3.0, 1.0))])
@pytest.mark.parametrize("name", ["nnunet", "nnunet_resenc"])
def test_networks_of_it(name, size, spacing):
    found = topology(size, spacing)
    shape = tuple(-(-edge // step) * step for edge, step in zip(size, found.multiple, strict=True))
    model = create_model(name, (*shape, 1), 2, base_filters=4, num_layers=found.layers, deep_supervision=True,
                         strides=[list(one) for one in found.strides], kernels=[list(one) for one in found.kernels])  # fmt: skip
    first, *sides = model(np.zeros((1, *shape, 1), np.float32), training=False)
    assert (
        "padded" not in model.name and first.shape == (1, *shape, 2) and all(one.shape == first.shape for one in sides)
    )
