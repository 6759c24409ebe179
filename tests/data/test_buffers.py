import gc

import numpy as np

from maskwright.data.buffers import Buffers


def place(array):
    return array.__array_interface__["data"][0]


def test_memory_comes_back_when_the_array_is_gone():
    buffers = Buffers()
    first = buffers.array((4, 5, 6))
    before = place(first)
    first[:] = 1
    del first
    gc.collect()
    again = buffers.array((6, 5, 4))
    assert place(again) == before and again.shape == (6, 5, 4) and again.dtype == np.float32
    again[:] = 2  # writable


def test_a_view_keeps_its_memory():
    buffers = Buffers()
    first = buffers.array((4, 5))
    first[:] = 7
    views = [first[1:], first.reshape(-1)[3:], np.transpose(first)[::2]]
    del first
    gc.collect()
    for _ in range(len(views)):
        other = buffers.array((4, 5))
        other[:] = 1
        assert all((view == 7).all() for view in views)
        views.pop()
        gc.collect()


def test_arrays_in_use_never_share_memory():
    buffers = Buffers()
    held = [buffers.array((3, 3)) for _ in range(5)]
    assert len({place(one) for one in held}) == 5
