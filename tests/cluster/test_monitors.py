"""Monitors of a notebook: they end with the process, when they are cancelled, and when dropped."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

import resilkit as rk
from resilkit.cluster.cluster import Cluster
from resilkit.cluster.monitor import Monitor
from tests.cluster.harm import wait_until
from tests.cluster.servers import Counter


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with rk.Cluster(nodes=1) as cluster:
        cluster.start(Counter, name="counter")
        yield cluster


def watches(cluster: Cluster) -> int:
    return len(cluster._session.console.monitors)


def test_monitors_that_nobody_holds_are_taken_down(cluster: Cluster) -> None:
    counter = cluster.whereis("counter")
    kept = [counter.monitor() for _ in range(2)]
    for _ in range(50):
        counter.monitor()
    gc.collect()
    wait_until(lambda: watches(cluster) == 2)
    del kept
    gc.collect()
    wait_until(lambda: watches(cluster) == 0)


def test_a_cancelled_monitor_hears_nothing_and_the_others_do(cluster: Cluster) -> None:
    doomed = cluster.start(Counter, name="doomed")
    cancelled, other = doomed.monitor(), doomed.monitor()
    cancelled.cancel()
    cancelled.cancel()
    assert repr(cancelled).endswith(": cancelled>")
    wait_until(lambda: watches(cluster) == 1)
    doomed.kill()
    assert other.wait(20.0).reason == "killed"
    with pytest.raises(rk.InvalidArgument, match="was cancelled"):
        cancelled.wait(0.0)
    other.cancel()
    assert other.wait(0.0).reason == "killed", "what has come stays"
    assert watches(cluster) == 0


def test_a_cancel_wakes_who_waits(cluster: Cluster) -> None:
    monitor = cluster.whereis("counter").monitor()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(monitor.wait, None)
        monitor.cancel()
        with pytest.raises(rk.InvalidArgument, match="was cancelled"):
            waiting.result(20.0)


def test_a_monitor_can_be_dropped_or_cancelled_after_the_end() -> None:
    with rk.Cluster(nodes=1) as cluster:
        counter = cluster.start(Counter)
        first, second = counter.monitor(), counter.monitor()
    first.cancel()
    del second
    gc.collect()


def test_only_what_can_be_called_is_public() -> None:
    assert {name for name in vars(Monitor) if not name.startswith("_")} == {"cancel", "wait"}
