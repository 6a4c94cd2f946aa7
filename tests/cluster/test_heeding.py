"""A blocked thread heeds an interrupt though the signal did not wake it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

import resilkit as rk
from resilkit.cluster import waiting
from resilkit.cluster.cluster import Cluster
from resilkit.cluster.loop_thread import LoopThread
from resilkit.cluster.waiting import Condition, slices
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


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    ("begin", "act"),
    [
        (lambda reference, _: reference.monitor().wait, lambda one, _: one.kill()),
        (lambda _, cluster: cluster.subscribe("t").get, lambda _, cluster: cluster.publish("t")),
        (lambda reference, _: partial(reference.trace().wait, 1), lambda one, _: one.cast.get()),
    ],
    ids=["monitor", "subscription", "trace"],
)
def test_who_waits_is_told_at_once_and_not_when_interrupts_are_heeded(
    cluster: Cluster, begin: Any, act: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "HEED_EVERY", 600.0)
    reference, wait_for, looks = cluster.start(Counter), Condition.wait_for, []

    def after_a_look(self: Condition, predicate: Callable[[], object], timeout: Any) -> bool:
        def look() -> object:
            found = predicate()
            looks.append(found)
            if len(looks) == 1:
                act(reference, cluster)
            return found

        return wait_for(self, look, timeout)

    wait = begin(reference, cluster)
    monkeypatch.setattr(Condition, "wait_for", after_a_look)
    assert wait(timeout=300.0)
    assert not looks[0]


def test_slices_add_up_to_the_timeout() -> None:
    assert list(slices(0.0)) == [0.0]
    some = slices(None)
    assert [next(some) for _ in range(3)] == [0.2, 0.2, 0.2]
    assert 0.0 < next(slices(0.01)) <= 0.01


class Interrupted:
    """A loop whose first call from another thread is interrupted before the loop has taken it."""

    def __init__(self, loop: Any, meanwhile: Callable[[], None]) -> None:
        self._loop = loop
        self._meanwhile: Callable[[], None] | None = meanwhile

    def call_soon_threadsafe(self, *args: Any) -> None:
        """Let the other thread have its turn, and be interrupted; the next time, do it."""
        if self._meanwhile is None:
            self._loop.call_soon_threadsafe(*args)
            return
        meanwhile, self._meanwhile = self._meanwhile, None
        meanwhile()
        raise KeyboardInterrupt

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Pass it on."""
        self._loop.call_exception_handler(context)


def test_an_interrupted_submit_does_not_keep_the_work_of_another_thread() -> None:
    thread = LoopThread()
    loop, done = thread.loop, threading.Event()

    def another() -> None:
        other = threading.Thread(target=thread.submit, args=(done.set,))
        other.start()
        other.join(10.0)
        assert not other.is_alive()

    thread.loop = Interrupted(loop, another)  # type: ignore[assignment]
    try:
        with pytest.raises(KeyboardInterrupt):
            thread.submit(lambda: None)
        assert done.wait(10.0)
    finally:
        thread.loop = loop
        thread.end()
