"""Links of real nodes on which messages wait until the fault is over."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import resilkit as rk
from resilkit import faults
from tests.cluster.harm import Probe, fault_events
from tests.parity.grounds import eventually
from tests.parity.probing import probed, until_probed


class Speaker(rk.Server):
    """Says something to another server."""

    def speak_to(self, other: rk.Reference) -> None:
        """Say it."""
        other.cast.note("from a new node")


class Caller(Probe):
    """Calls another server, and tells what came of it."""

    async def ask(self, name: str, timeout: float) -> str:
        """Call `name`, which is to answer within `timeout` seconds."""
        try:
            await self.whereis(name).with_timeout(timeout).call.note("asked")
        except rk.CallTimeout:
            return "timeout"
        return "answered"


@pytest.fixture
def cluster(cluster: rk.Cluster) -> rk.Cluster:
    """Three nodes with a probe on each, and a caller on the first."""
    cluster.start(Caller, name="caller", node="n1")
    return probed(cluster)


def test_what_is_sent_over_a_held_link_comes_when_it_heals_in_order(cluster: rk.Cluster) -> None:
    one, two, three = (cluster.whereis(f"on-n{number}") for number in (1, 2, 3))
    with cluster.inject(faults.Hold(targets="n1<->n2")) as injection:
        one.call.tell("on-n2", list(range(200)))
        one.call.tell("on-n3", ["free"])
        two.call.tell("on-n1", ["back"])
        eventually(cluster, lambda: three.call.noted() == ["free"])
        assert one.call.noted() == two.call.noted() == []
        assert cluster.links["n1<->n2"].cut == ""
        assert "hold-" in next(iter(cluster.links["n1<->n2"].faults))
    eventually(cluster, lambda: len(two.call.noted()) == 200)
    assert two.call.noted() == list(range(200))
    eventually(cluster, lambda: one.call.noted() == ["back"])
    assert injection.outcomes[0]["touched"] >= 201
    assert [row.event for row in fault_events(cluster, injection)] == ["injected", "healed"]


def test_a_call_over_a_held_link_times_out_and_is_handled_when_it_heals(
    cluster: rk.Cluster,
) -> None:
    caller, two = cluster.whereis("caller"), cluster.whereis("on-n2")
    with cluster.inject(faults.Hold(targets="n2")):
        assert caller.call.ask("on-n2", 0.2) == "timeout"
        assert two.call.noted() == []
    eventually(cluster, lambda: two.call.noted() == ["asked"])
    assert caller.call.ask("on-n2", 10.0) == "answered"


def test_a_held_link_counts_as_up_for_longer_than_a_silent_one_would(
    cluster_of: Callable[..., rk.Cluster],
) -> None:
    with cluster_of(nodes=2, detect_after=0.6) as cluster:
        cluster.start(Probe, name="on-n1", node="n1")
        two = cluster.start(Probe, name="on-n2", node="n2")
        eventually(cluster, lambda: two.call.reached() == ["n1", "n2"])
        with cluster.inject(faults.Hold(duration=1.5)) as injection:
            cluster.whereis("on-n1").call.tell("on-n2", [1, 2, 3])
            injection.wait(20.0)
        eventually(cluster, lambda: two.call.noted() == [1, 2, 3])
        assert "lost" not in [row.event for row in cluster.events if row.kind == "node"]


def test_a_node_that_starts_while_its_links_are_held_holds_them_too(
    cluster_of: Callable[..., rk.Cluster],
) -> None:
    with cluster_of(nodes=2, restart="on_crash") as cluster:
        one = cluster.start(Probe, name="on-n1", node="n1")
        with cluster.inject(faults.Hold()) as injection:
            cluster.nodes["n2"].restart()
            cluster.start(Speaker, node="n2").call.speak_to(
                rk.ClusterReference(one._session, one.pid)
            )
            session = cluster._session
            # As it says itself: what is on its links came with its boot record.
            assert session.faults.for_node("n2")["links"][0][0] == injection.id
            counted = session.thread.sync(session.ask_agent("n2", "remove", injection.id))
            assert counted > 0


def test_what_a_killed_node_was_to_get_is_lost(cluster: rk.Cluster) -> None:
    one = cluster.whereis("on-n1")
    with cluster.inject(faults.Hold(targets="n3")):
        one.call.tell("on-n3", ["lost"])
        cluster.nodes["n3"].kill()
    cluster.nodes["n3"].restart()
    until_probed(cluster)
    one.call.tell("on-n3", ["after"])
    three = cluster.whereis("on-n3")
    eventually(cluster, lambda: three.call.noted() == ["after"])
