"""A blocked thread heeds an interrupt though the signal did not wake it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from functools import partial

import pytest

import resilkit as rk
from resilkit.cluster.cluster import Cluster
from resilkit.cluster.loop_thread import slices
from tests.cluster.servers import Counter


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with rk.Cluster(nodes=1) as cluster:
        cluster.start(Counter, name="counter")
        yield cluster


class Elsewhere:
    """Interrupts this process, but never its main thread: another thread gets the signal."""

    def __init__(self) -> None:
        self._go = threading.Event()
        self._thread = threading.Thread(target=self._interrupt)

    def _interrupt(self) -> None:
        self._go.wait()
        os.kill(os.getpid(), signal.SIGINT)

    def __enter__(self) -> None:
        self._thread.start()  # before the main thread blocks the signal: threads inherit that
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
        self._go.set()

    def __exit__(self, *_: object) -> None:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
        self._thread.join()


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "begin",
    [
        lambda cluster: cluster.whereis("counter").with_timeout(None).call.hold,
        lambda cluster: partial(cluster.whereis("counter").monitor().wait, None),
        lambda cluster: partial(cluster.subscribe("never").get, None),
        lambda cluster: partial(cluster._session.thread.wait, cluster._session.loop.create_future),
    ],
    ids=["call", "monitor", "subscription", "anything"],
)
def test_an_interrupt_that_wakes_nobody_ends_the_wait(
    cluster: Cluster, begin: Callable[[Cluster], Callable[[], object]]
) -> None:
    wait = begin(cluster)
    with Elsewhere(), pytest.raises(KeyboardInterrupt):
        wait()
    assert cluster.whereis("counter").call.get() == 0


def test_slices_add_up_to_the_timeout() -> None:
    assert list(slices(0.0)) == [0.0]
    some = slices(None)
    assert [next(some) for _ in range(3)] == [0.2, 0.2, 0.2]
    assert 0.0 < next(slices(0.01)) <= 0.01
