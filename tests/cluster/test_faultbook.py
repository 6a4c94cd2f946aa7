"""What is written down for nodes that start again, and healing that others interrupt or share."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Iterator
from typing import Any

import pytest

import resilkit as rk
from resilkit import faults
from resilkit.cluster.cluster import Cluster
from resilkit.network.codec import from_value
from tests.cluster.harm import fault_events, took, wait_until


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with rk.Cluster(nodes=3, seed=7) as cluster:
        yield cluster


def test_a_cut_is_in_the_boot_record_of_both_ends_for_as_long_as_it_stands(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A process that starts again connects long before the notebook reaches it and tells it more.
    launcher = cluster._session.launcher
    update, told = launcher.update_boot, {}

    async def update_boot(name: str, boot: bytes) -> Any:
        told[name] = from_value(pickle.loads(boot)["faults"])["cuts"]
        return await update(name, boot)

    monkeypatch.setattr(launcher, "update_boot", update_boot)
    with cluster.partition(["n1"]):
        ways = {"n1": {"n2": "both", "n3": "both"}, "n2": {"n1": "both"}, "n3": {"n1": "both"}}
        wait_until(lambda: told == ways)
    wait_until(lambda: told == {"n1": {}, "n2": {}, "n3": {}})


def test_an_interrupt_of_who_heals_does_not_stop_the_healing(cluster: Cluster) -> None:
    injection = cluster.inject(faults.Latency(0.01, 0.01))
    (strike,) = injection._active
    undo = strike.undo

    async def interrupted() -> None:
        begun, gate = asyncio.Event(), asyncio.Event()

        async def held() -> dict[str, Any]:
            begun.set()
            await gate.wait()
            return await undo()

        strike.undo = held  # type: ignore[method-assign]
        healing = asyncio.create_task(injection.close())
        await begun.wait()
        healing.cancel()
        await asyncio.gather(healing, return_exceptions=True)
        gate.set()
        await injection.close()

    cluster._session.thread.sync(interrupted())
    assert injection.done
    assert cluster._session.faults.injections == {}
    assert [row.event for row in fault_events(cluster, injection)] == ["injected", "healed"]


def test_faults_that_are_due_to_heal_together_do_not_wait_for_each_other(cluster: Cluster) -> None:
    when: dict[str, float] = {"at": 0.2, "duration": 1.0}
    with took(1.2 - 0.002, 1.8):
        injections = [
            cluster.inject(fault)
            for fault in (
                # It counts from its beginning.
                faults.OpenFiles(0.5, ramp=0.8, targets="n2", **when),
                faults.Latency(0.01, 0.02, **when),
                faults.Loss(0.1, **when),
                faults.Duplicate(0.1, **when),
                faults.Reorder(0.1, **when),
                faults.Bandwidth(1e6, **when),
            )
        ]
        assert all(injection.wait(20.0) for injection in injections)
    for injection in injections:
        injected, healed = fault_events(cluster, injection)
        assert healed.time - injected.time >= 1.0 - 0.002, injection.id
