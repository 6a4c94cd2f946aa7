"""Healing waits for nobody: not for nodes whose handlers hold them up, however many there are."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import resilkit as rk
from resilkit import faults
from resilkit.cluster.cluster import Cluster
from tests.cluster.harm import Probe, hears, took, wait_until, wait_whole

ALL = ["n1", "n2", "n3"]


class Held(Probe):
    """Stops its node's loop until it is let go."""

    def hold(self, gate: str) -> None:
        """Wait for a writer at `gate`, a named pipe, as a handler waits that blocks."""
        Path(gate).with_suffix(".held").touch()
        Path(gate).read_bytes()


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with rk.Cluster(nodes=3, seed=3, detect_after=30.0) as cluster:
        for name in cluster.nodes:
            cluster.start(Held, name=f"on-{name}", node=name)
        wait_whole(cluster)
        yield cluster


def test_healing_does_not_wait_for_handlers_that_hold_their_nodes(
    cluster: Cluster, tmp_path: Path
) -> None:
    injections = [
        cluster.inject(faults.Loss(1.0, targets="n1")),
        cluster.partition(["n3"], ["n2"], ["n1"]),
        cluster.inject(faults.ServerCrash(method="tick", targets=["on-n1", "on-n2"])),
        cluster.inject(faults.OpenFiles(0.5, targets=["n1", "n2"])),
    ]
    gates = {name: tmp_path / name for name in ("n1", "n2")}
    for name, gate in gates.items():
        os.mkfifo(gate)
        cluster.whereis(f"on-{name}").cast.hold(str(gate))
        wait_until(gate.with_suffix(".held").exists)
    with took(0.9, 4.0):
        for injection in injections:
            injection.heal()
    alerts = cluster.events.frame("alert")
    assert sorted(alerts[alerts["event"] == "heals_late"]["target"]) == ["n1", "n2"]
    for gate in gates.values():
        gate.write_bytes(b"")
    # What they were told meanwhile, they do now.
    wait_until(lambda: [hears(cluster, name) for name in ALL] == [ALL, ALL, ALL])
    for name in gates:
        cluster.whereis(f"on-{name}").call.tick()
    assert cluster._session.faults.patience.silent == set()
    with took(0.0, 4.0), cluster.partition(["n1"]):
        assert hears(cluster, "n2") == ["n2", "n3"]
    assert hears(cluster, "n2") == ALL, "those that answer again are waited for again"
