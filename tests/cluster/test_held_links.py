"""Links of real nodes on which messages wait until the fault is over."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import resilkit as rk
from resilkit import faults
from resilkit.cluster.cluster import Cluster
from tests.cluster.harm import Probe, fault_events, wait_until, wait_whole


class Caller(Probe):
    """Calls another server, and tells what came of it."""

    async def ask(self, name: str, timeout: float) -> str:
        """Call `name`, which is to answer within `timeout` seconds."""
        try:
            await self.whereis(name).with_timeout(timeout).call.note("asked")
        except rk.CallTimeout:
            return "timeout"
        return "answered"


@pytest.fixture(scope="module")
def callers(shared: Cluster) -> Cluster:
    shared.start(Caller, name="caller", node="n1")
    return shared


@pytest.fixture
def cluster(callers: Cluster) -> Iterator[Cluster]:
    yield callers
    callers.heal()
    wait_whole(callers)
    for name in callers.nodes:
        callers.whereis(f"on-{name}").call.forget()


def test_what_is_sent_over_a_held_link_comes_when_it_heals_in_order(cluster: Cluster) -> None:
    one, two, three = (cluster.whereis(f"on-n{number}") for number in (1, 2, 3))
    with cluster.inject(faults.Hold(targets="n1<->n2")) as injection:
        one.call.tell("on-n2", list(range(200)))
        one.call.tell("on-n3", ["free"])
        two.call.tell("on-n1", ["back"])
        wait_until(lambda: three.call.noted() == ["free"])
        assert one.call.noted() == two.call.noted() == []
        assert cluster.links["n1<->n2"].cut == ""
        assert "hold-" in next(iter(cluster.links["n1<->n2"].faults))
    wait_until(lambda: len(two.call.noted()) == 200)
    assert two.call.noted() == list(range(200))
    wait_until(lambda: one.call.noted() == ["back"])
    assert injection.outcomes[0]["touched"] >= 201
    assert [row.event for row in fault_events(cluster, injection)] == ["injected", "healed"]


def test_a_call_over_a_held_link_times_out_and_is_handled_when_it_heals(cluster: Cluster) -> None:
    caller, two = cluster.whereis("caller"), cluster.whereis("on-n2")
    with cluster.inject(faults.Hold(targets="n2")):
        assert caller.call.ask("on-n2", 0.2) == "timeout"
        assert two.call.noted() == []
    wait_until(lambda: two.call.noted() == ["asked"])
    assert caller.call.ask("on-n2", 10.0) == "answered"


def test_a_held_link_counts_as_up_for_longer_than_a_silent_one_would() -> None:
    with rk.Cluster(nodes=2, detect_after=0.3) as cluster:
        cluster.start(Probe, name="on-n1", node="n1")
        two = cluster.start(Probe, name="on-n2", node="n2")
        wait_until(lambda: two.call.reached() == ["n1", "n2"])
        with cluster.inject(faults.Hold(duration=1.0)) as injection:
            cluster.whereis("on-n1").call.tell("on-n2", [1, 2, 3])
            injection.wait(20.0)
        wait_until(lambda: two.call.noted() == [1, 2, 3])
        assert "lost" not in [row.event for row in cluster.events if row.kind == "node"]


def test_a_node_that_starts_while_its_links_are_held_holds_them_too() -> None:
    with rk.Cluster(nodes=2, restart="on_crash") as cluster:
        cluster.start(Probe, name="on-n1", node="n1")
        with cluster.inject(faults.Hold()) as injection:
            cluster.nodes["n2"].restart()
            session = cluster._session
            # As it says itself: what is on its links came with its boot record.
            assert session.faults.for_node("n2")["links"][0][0] == injection.id
            counted = session.thread.sync(session.ask_agent("n2", "remove", injection.id))
            assert counted > 0, "it has had something to say to n1 since"


def test_what_a_killed_node_was_to_get_is_lost(cluster: Cluster) -> None:
    one = cluster.whereis("on-n1")
    with cluster.inject(faults.Hold(targets="n3")):
        one.call.tell("on-n3", ["lost"])
        cluster.nodes["n3"].kill()
    cluster.nodes["n3"].restart()
    wait_whole(cluster)
    one.call.tell("on-n3", ["after"])
    three = cluster.whereis("on-n3")
    wait_until(lambda: three.call.noted() == ["after"])
