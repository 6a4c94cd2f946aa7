"""Nodes that die, pause and restart, links that are cut and slow: what everybody sees of it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator

import pytest

import resilkit as rk
from resilkit.clock import monotonic
from resilkit.cluster.cluster import Cluster
from tests.cluster.servers import COUNTERS, Counter, Slow
from tests.cluster.traces import folders, node_pids, wait_gone


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """Three nodes, with a server of its own on each."""
    with rk.Cluster(nodes=3, seed=7) as cluster:
        for name in cluster.nodes:
            cluster.start(Counter, name=f"on-{name}", node=name)
        yield cluster


def reaches(cluster: Cluster) -> dict[str, tuple[list[str], bool]]:
    """Return whom each node reaches, and whether it is in the majority."""
    return {
        name: (row["reachable"], row["majority"])
        for name, row in cluster.health().items()
        if row["answers"]
    }


ALL = {name: (["n1", "n2", "n3"], True) for name in ("n1", "n2", "n3")}


def test_a_killed_node_is_gone_for_the_others_and_comes_back_with_its_applications(
    cluster: Cluster,
) -> None:
    node = cluster.nodes["n2"]
    pid = node.pid
    node.kill()
    assert (node.status, node.pid) == ("killed", None)
    wait_gone([pid])
    wait_until(lambda: reaches(cluster) == {"n1": (["n1", "n3"], True), "n3": (["n1", "n3"], True)})
    # The notebook's own connection may still be there, with what it last heard of names.
    wait_until(lambda: "on-n2" not in cluster.names())
    with pytest.raises(rk.NoProcess):
        cluster.whereis("on-n2").call.get()
    with pytest.raises(rk.NodeDown):
        cluster.start(Counter, node="n2")
    with pytest.raises(rk.NodeDown):
        node.kill()
    node.restart()
    assert node.status == "running"
    assert node.incarnation == 2
    wait_until(lambda: reaches(cluster) == ALL)
    assert cluster.whereis("on-n2").call.increment() == 1
    assert cluster.whereis("on-n1").call.ask("on-n2", "get") == 1


def test_what_was_synced_survives_the_crash_of_its_node(cluster: Cluster) -> None:
    keeper = cluster.whereis("on-n2")
    keeper.call.keep("k", [1, 2])
    cluster.nodes["n2"].kill()
    cluster.nodes["n2"].restart()
    assert keeper.call.kept("k") == [1, 2]


def test_a_node_that_dies_in_mid_call_is_nodedown_at_once(cluster: Cluster) -> None:
    counter = cluster.whereis("on-n2").with_timeout(30.0)
    outcome: list[BaseException] = []

    def call() -> None:
        try:
            counter.call.hold()
        except rk.ResilkitError as error:
            outcome.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    counter.sync()  # what was sent before is handled: the other thread's call may be, or comes now
    cluster.nodes["n2"].kill()
    thread.join(10.0)
    assert not thread.is_alive()
    assert isinstance(outcome[0], rk.NodeDown)


def test_ten_thousand_messages_in_flight_to_a_node_that_dies_all_end(cluster: Cluster) -> None:
    import asyncio

    limit = 20.0

    async def main() -> list[object]:
        counter = cluster.whereis("on-n2").with_timeout(limit)
        counter.cast.block()
        calls = [asyncio.ensure_future(counter.acall.increment()) for _ in range(10_000)]
        await asyncio.sleep(0)
        os.kill(cluster.nodes["n2"].pid, signal.SIGKILL)
        died = monotonic()
        ends = list(await asyncio.gather(*calls, return_exceptions=True))
        assert monotonic() - died <= limit / 2, "none had to wait for its own limit"
        return ends

    results = asyncio.run(main())
    assert {type(result) for result in results} <= {rk.NodeDown, rk.NoProcess}
    assert len(results) == 10_000


def test_a_paused_node_is_silent_and_goes_on_where_it_stood(cluster: Cluster) -> None:
    counter = cluster.whereis("on-n2")
    counter.call.increment()
    cluster.nodes["n2"].pause()
    assert cluster.nodes["n2"].status == "paused"
    with pytest.raises(rk.CallTimeout):
        counter.with_timeout(0.1).call.get()
    cluster.nodes["n2"].resume()
    assert counter.call.get() == 1
    assert cluster.nodes["n2"].status == "running"


def test_a_paused_node_can_be_killed_and_the_cluster_closed(cluster: Cluster) -> None:
    cluster.nodes["n2"].pause()
    cluster.nodes["n3"].pause()
    cluster.nodes["n2"].kill()
    pids = node_pids(cluster)
    cluster.close()
    wait_gone(pids)


def test_a_stopped_node_ends_its_applications_first(cluster: Cluster) -> None:
    monitor = cluster.whereis("on-n2").monitor()
    cluster.nodes["n2"].stop()
    assert monitor.wait(5.0).reason in ("shutdown", "noconnection")
    assert cluster.nodes["n2"].status == "stopped"
    cluster.nodes["n2"].stop()


def test_a_blocked_node_can_still_be_killed_and_restarted(cluster: Cluster) -> None:
    counter = cluster.whereis("on-n2")
    counter.cast.block()
    with pytest.raises(rk.CallTimeout):
        counter.with_timeout(0.1).call.get()
    cluster.nodes["n2"].restart()
    assert counter.call.get() == 0


def test_a_partition_is_known_on_both_sides_and_heals(cluster: Cluster) -> None:
    with cluster.partition(["n1"], ["n2", "n3"]) as injection:
        assert injection.active
        sides = {
            "n1": (["n1"], False),
            "n2": (["n2", "n3"], True),
            "n3": (["n2", "n3"], True),
        }
        wait_until(lambda: reaches(cluster) == sides)
        assert cluster.whereis("on-n1").call.side() == (False, ["n1"])
        error = cluster.whereis("on-n1").call.ask("on-n2", "get")
        assert isinstance(error, (rk.NoProcess, rk.NodeDown))
        assert cluster.whereis("on-n2").call.ask("on-n3", "get") == 0
    assert injection.done
    wait_until(lambda: reaches(cluster) == ALL)
    assert cluster.whereis("on-n1").call.ask("on-n2", "get") == 0


def wait_until(condition: object, deadline: float = 10.0) -> None:
    """Ask again until `condition` holds: a link counts when both ends have said so."""
    until = monotonic() + deadline
    while not condition():  # type: ignore[operator]
        assert monotonic() < until


def test_a_partition_without_groups_says_what_to_give(cluster: Cluster) -> None:
    with pytest.raises(ValueError, match="partition: needs at least one group of node names"):
        cluster.partition()


def test_a_timed_partition_heals_by_itself(cluster: Cluster) -> None:
    injection = cluster.partition(["n1"], duration=0.3)
    # On a busy machine it may have healed before n1 is asked.
    wait_until(lambda: injection.done or reaches(cluster)["n1"] == (["n1"], False))
    assert injection.wait(10.0)
    wait_until(lambda: reaches(cluster) == ALL)


def test_overlapping_partitions_mend_a_link_with_the_last_of_them(cluster: Cluster) -> None:
    first = cluster.partition(["n1"], ["n2", "n3"])
    second = cluster.partition(["n1", "n2"], ["n3"])
    alone = {name: ([name], False) for name in cluster.nodes}
    wait_until(lambda: reaches(cluster) == alone)
    first.heal()
    wait_until(lambda: reaches(cluster)["n1"] == (["n1", "n2"], True))
    assert reaches(cluster)["n3"] == (["n3"], False)
    second.heal()
    second.heal()
    wait_until(lambda: reaches(cluster) == ALL)


def test_a_node_killed_and_restarted_in_a_partition_stays_cut(cluster: Cluster) -> None:
    with cluster.partition(["n1"], ["n2", "n3"]):
        cluster.nodes["n1"].kill()
        cluster.nodes["n1"].restart()
        # n1 was told of the cut before it connected to anybody: it never reached the others.
        assert reaches(cluster)["n1"] == (["n1"], False)
        cluster.nodes["n3"].kill()
    cluster.nodes["n3"].restart()
    wait_until(lambda: reaches(cluster) == ALL)


def test_a_one_way_cut_loses_messages_in_one_direction(cluster: Cluster) -> None:
    one, two = cluster.whereis("on-n1"), cluster.whereis("on-n2")
    two.call.ask("on-n1", "get")
    with cluster.partition(["n1"], ["n2", "n3"], one_way=True):
        # n2's request arrives at n1, but the answer does not come back.
        before = one.call.get()
        two.cast.ask("on-n1", "increment")
        wait_until(lambda: one.call.get() == before + 1)


def test_a_one_way_cut_is_from_each_group_to_the_later_ones_the_rest_last(
    cluster: Cluster,
) -> None:
    with cluster.partition(["n1"], ["n2"], one_way=True) as injection:
        assert injection.outcomes[0]["cuts"] == ["n1->n2", "n1->n3", "n2->n3"]
    with cluster.partition("n1", one_way=True) as injection:
        assert injection.outcomes[0]["cuts"] == ["n1->n2", "n1->n3"]


def test_a_silent_link_is_noticed_by_its_missing_signs_of_life() -> None:
    with rk.Cluster(nodes=2, detect_after=0.4) as cluster:
        cluster.start(Counter, name="a", node="n1")
        cluster.nodes["n2"].pause()
        wait_until(lambda: cluster.whereis("a").call.side() == (False, ["n1"]))
        cluster.nodes["n2"].resume()
        wait_until(lambda: cluster.whereis("a").call.side() == (True, ["n1", "n2"]))


@pytest.mark.parametrize("topology", ["ring", "line", "star"])
def test_messages_are_routed_over_the_links_and_around_a_dead_node(topology: str) -> None:
    with rk.Cluster(nodes=5, topology=topology) as cluster:
        for name in cluster.nodes:
            cluster.start(Counter, name=f"on-{name}", node=name)
        for target in ("n2", "n3", "n4", "n5"):
            assert cluster.whereis("on-n1").call.ask(f"on-{target}", "where")[0] == target
        cluster.nodes["n3"].kill()
        expected = {
            "ring": ["n1", "n2", "n4", "n5"],
            "line": ["n1", "n2"],
            "star": ["n1", "n2", "n4", "n5"],
        }
        wait_until(lambda: reaches(cluster)["n1"][0] == expected[topology])
        if topology == "ring":
            assert cluster.whereis("on-n2").call.ask("on-n4", "where")[0] == "n4"


def test_link_latency_slows_calls_between_nodes_and_keeps_their_order() -> None:
    with rk.Cluster(nodes=2, latency=(0.02, 0.04)) as cluster:
        cluster.start(Counter, name="far", node="n2")
        near = cluster.start(Counter, name="near", node="n1")
        start = monotonic()
        near.call.ask("far", "get")
        assert monotonic() - start >= 0.04


def test_a_node_can_be_added_to_a_running_cluster(cluster: Cluster) -> None:
    node = cluster.add_node()
    assert node.name == "n4"
    wait_until(
        lambda: all(
            row["reachable"] == ["n1", "n2", "n3", "n4"] for row in cluster.health().values()
        )
    )
    cluster.start(Counter, name="on-n4", node="n4")
    assert cluster.whereis("on-n1").call.ask("on-n4", "where")[0] == "n4"
    with pytest.raises(rk.InvalidArgument):
        cluster.add_node("n4")
    node.kill()
    node.restart()
    assert cluster.whereis("on-n4").call.get() == 0


def test_a_restart_policy_brings_crashed_nodes_back() -> None:
    with rk.Cluster(nodes=2, restart="on_crash") as cluster:
        cluster.start(Counter, name="c", node="n2")
        os.kill(cluster.nodes["n2"].pid, signal.SIGKILL)
        wait_until(
            lambda: cluster.nodes["n2"].incarnation == 2 and cluster.nodes["n2"].status == "running"
        )
        assert cluster.whereis("c").call.increment() == 1
        cluster.nodes["n2"].stop()
        assert cluster.nodes["n2"].status == "stopped", "whoever stops a node wants it to stay down"
        cluster.nodes["n2"].restart()
        assert cluster.whereis("c").call.increment() == 1


def test_the_death_of_the_launcher_ends_the_cluster_with_a_clear_error(cluster: Cluster) -> None:
    pids = node_pids(cluster)
    os.kill(cluster._session.launcher.pid, signal.SIGKILL)
    wait_gone(pids)
    wait_until(lambda: cluster.nodes["n1"].status == "crashed")
    with pytest.raises(rk.ResilkitError):
        cluster.nodes["n1"].restart()
    with pytest.raises((rk.NodeDown, rk.NoProcess)):
        cluster.whereis("on-n1").call.get()
    cluster.close()
    with rk.Cluster(nodes=1) as another:
        assert another.nodes["n1"].status == "running"


def test_a_node_killed_while_an_application_starts_on_it() -> None:
    with rk.Cluster(nodes=2) as cluster:
        outcome: list[BaseException] = []

        def start() -> None:
            try:
                cluster.start(Slow, name="slow", node="n2", timeout=20.0)
            except rk.ResilkitError as error:
                outcome.append(error)

        thread = threading.Thread(target=start)
        thread.start()
        wait_until(lambda: "slow" in cluster.names() or not thread.is_alive())
        cluster.nodes["n2"].kill()
        thread.join(10.0)
        assert isinstance(outcome[0], rk.NodeDown)


def test_many_starts_and_kills_in_a_row_leave_nothing() -> None:
    from tests.cluster.traces import open_files

    with rk.Cluster(nodes=1):
        pass
    before, files = folders(), open_files()
    pids: list[int] = []
    for round_ in range(100):
        cluster = rk.Cluster(nodes=2)
        pids += node_pids(cluster)
        if round_ % 4 == 0:
            cluster.start(COUNTERS)
        if round_ % 2:
            cluster.nodes["n1"].kill()
        cluster.close()
    wait_gone(pids)
    assert folders() == before
    assert open_files() <= files
