import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from test_engines import Fake

from maskwright.data.preprocess import InputRule
from maskwright.inference.windows import slabs

edges = st.tuples(*[st.integers(3, 17)] * 3)


def assembled(engine, image, batch_size=2):
    found = np.full((*image.shape, engine.metadata.channels), np.nan, np.float32)
    last = 0
    for first, part in slabs(engine, image[..., None], batch_size):
        assert first == last  # slab after slab, without gap or overlap
        found[first : first + len(part)] = part
        last = first + len(part)
    assert last == len(image)
    return found


@settings(max_examples=60, deadline=None)
@given(edges, st.tuples(*[st.integers(4, 10)] * 3))
def test_what_every_window_agrees_on_is_the_result(shape, size):
    image = np.random.default_rng(0).random(shape, np.float32)
    engine = Fake(lambda x: x, InputRule(size[1], size[2], 1, depth=size[0]))
    assert np.allclose(assembled(engine, image)[..., 0], image, atol=1e-5)


def test_several_classes_and_the_middle_of_a_window_counts_most():
    rule = InputRule(8, 8, 1, depth=8)

    def middle(inputs):
        """Sure in its middle only."""
        near = np.zeros((8, 8, 8), bool)
        near[2:6, 2:6, 2:6] = True
        found = np.zeros((*inputs.shape[:-1], 2), np.float32)
        found[..., 1] = np.where(near, inputs[..., 0], 0.5)
        found[..., 0] = 1 - found[..., 1]
        return found

    image = np.zeros((20, 20, 20), np.float32)
    image[5:15, 5:15, 5:15] = 1
    found = assembled(Fake(middle, rule, 2), image)
    assert np.allclose(found.sum(-1), 1, atol=1e-5)
    inner = found[2:18, 2:18, 2:18, 1]
    assert np.array_equal(inner > 0.5, image[2:18, 2:18, 2:18] > 0.5) and (np.abs(inner - 0.5) > 0.1).all()


@settings(max_examples=60, deadline=None)
@given(st.tuples(*[st.integers(3, 40)] * 2), st.tuples(*[st.integers(4, 12)] * 2))
def test_rows_of_a_picture_are_slabs_as_slices_of_a_volume_are(shape, size):
    image = np.random.default_rng(0).random(shape, np.float32)
    engine = Fake(lambda x: x, InputRule(*size, 1, fit="patch"))
    assert np.allclose(assembled(engine, image)[..., 0], image, atol=1e-5)
