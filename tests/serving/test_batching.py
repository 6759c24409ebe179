"""One thread for many requests."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from service import Bright

from maskwright.serving.batching import NetworkThread, batch_of, batch_sizes
from maskwright.serving.limits import Refused
from maskwright.serving.tickets import Gate, Ticket, TicketEngine


@given(st.integers(1, 40), st.integers(1, 40))
def test_batches_have_few_sizes(count, most):
    size = batch_of(count, most)
    assert size >= count and (size <= most or size == count)
    assert len(batch_sizes(most)) <= most.bit_length() + 1
    assert count > most or size in batch_sizes(most)


def test_everybody_gets_what_is_theirs():
    engine, noted = Bright(seconds=0.01), []
    network = NetworkThread(noted.append)
    rng = np.random.default_rng(0)
    inputs = [rng.random((rng.integers(1, 4), 32, 32, 1), np.float32) for _ in range(60)]
    with ThreadPoolExecutor(12) as pool:
        found = list(pool.map(lambda one: TicketEngine(engine, network, 8, Ticket(30)).probabilities(one, 8), inputs))
    network.close()
    for one, other in zip(inputs, found, strict=True):
        assert np.array_equal(one, other)
    assert max(engine.sizes) > 3 and max(engine.sizes) <= 8  # together, and not more than allowed
    assert sum(engine.sizes) == sum(map(len, inputs)) and noted == engine.sizes
    assert set(engine.asked) <= {1, 2, 4, 8}


def test_engines_and_shapes_are_kept_apart():
    one, other = Bright(seconds=0.2), Bright()
    network = NetworkThread()
    jobs = [network.submit(one, 8, np.zeros((1, 32, 32, 1), np.float32))]
    while not one.sizes:
        time.sleep(0.001)
    for _ in range(3):
        jobs += [network.submit(one, 8, np.zeros((1, 32, 32, 1), np.float32)),
                 network.submit(other, 8, np.zeros((1, 32, 32, 1), np.float32)),
                 network.submit(one, 8, np.zeros((1, 16, 32, 1), np.float32))]  # fmt: skip
    assert [job.result(5).shape[1] for job in jobs] == [32, *[32, 32, 16] * 3]
    network.close()
    assert one.sizes == [1, 3, 3] and other.sizes == [3]


def test_what_fails_is_told_to_those_who_wait_and_the_rest_goes_on():
    class Fails(Bright):
        def probabilities(self, inputs, batch_size=None):
            raise ValueError("out of order")

    network = NetworkThread()
    zeros = np.zeros((1, 32, 32, 1), np.float32)
    with pytest.raises(ValueError, match="out of order"):
        network.submit(Fails(), 8, zeros).result(5)
    assert network.submit(Bright(), 8, zeros).result(5).shape == (1, 32, 32, 1)
    network.close()
    with pytest.raises(RuntimeError):
        network.submit(Bright(), 8, zeros)


def test_who_gives_up_is_not_waited_for():
    engine = Bright(seconds=0.2)
    network, ticket = NetworkThread(), Ticket(0.3)
    zeros = np.zeros((1, 32, 32, 1), np.float32)
    guarded = TicketEngine(engine, network, 1, ticket)
    guarded.probabilities(zeros)
    with pytest.raises(Refused) as refused:
        for _ in range(3):
            guarded.probabilities(zeros)
    assert refused.value.status == 504
    dropped = Ticket(30)
    dropped.drop()
    with pytest.raises(Refused) as refused:
        TicketEngine(engine, network, 1, dropped).probabilities(zeros)
    assert refused.value.status == 499
    network.close()
    assert len(engine.sizes) <= 3


def test_a_bounded_number_is_let_in():
    gate = Gate(3)
    inside, let_go = [], threading.Event()

    def stay():
        with gate.admitted():
            inside.append(1)
            let_go.wait(10)

    threads = [threading.Thread(target=stay) for _ in range(3)]
    for thread in threads:
        thread.start()
    while len(inside) < 3:
        time.sleep(0.005)
    with pytest.raises(Refused) as refused, gate.admitted():
        pass
    assert refused.value.status == 503 and refused.value.retry_after >= 1
    let_go.set()
    for thread in threads:
        thread.join()
    with gate.admitted():
        assert gate.inside == 1
    gate.closing = True
    with pytest.raises(Refused), gate.admitted():
        pass
    assert gate.inside == 0
