"""Partitions, one way and both, overlapping and timed; majorities, and silence that is noticed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import resilkit as rk
from tests.cluster.servers import Counter
from tests.parity.grounds import eventually, took
from tests.parity.reaching import everyone, reaches, until_reaches, until_whole


@pytest.fixture
def cluster(cluster: rk.Cluster) -> rk.Cluster:
    """Three nodes, with a server of its own on each."""
    for name in cluster.nodes:
        cluster.start(Counter, name=f"on-{name}", node=name)
    return cluster


def test_a_partition_is_known_on_both_sides_and_heals(cluster: rk.Cluster) -> None:
    with cluster.partition(["n1"], ["n2", "n3"]) as injection:
        assert injection.active
        sides = {
            "n1": (["n1"], False),
            "n2": (["n2", "n3"], True),
            "n3": (["n2", "n3"], True),
        }
        eventually(cluster, lambda: reaches(cluster) == sides)
        assert cluster.whereis("on-n1").call.side() == (False, ["n1"])
        error = cluster.whereis("on-n1").call.ask("on-n2", "get")
        assert isinstance(error, (rk.NoProcess, rk.NodeDown))
        assert cluster.whereis("on-n2").call.ask("on-n3", "get") == 0
    assert injection.done
    until_whole(cluster)
    assert cluster.whereis("on-n1").call.ask("on-n2", "get") == 0


class Holder(Counter):
    """Says whether it was asked."""

    was_asked = False

    def hold(self) -> object:
        """Never answer."""
        self.was_asked = True
        return super().hold()

    def asked(self) -> bool:
        """Whether somebody waits for an answer."""
        return self.was_asked


def test_a_call_under_way_when_the_link_is_cut_ends_with_nodedown(cluster: rk.Cluster) -> None:
    import asyncio

    holder = cluster.start(Holder, name="holder", node="n2")

    async def main() -> object:
        asking = cluster.whereis("on-n1").with_timeout(20.0).acall.ask("holder", "hold")
        waiting = asyncio.ensure_future(asking)
        while not await holder.acall.asked():
            pass
        async with cluster.partition(["n1"]):
            return await waiting

    error = asyncio.run(main())
    assert isinstance(error, (rk.NodeDown, rk.CallTimeout))


def test_a_partition_without_groups_says_what_to_give(cluster: rk.Cluster) -> None:
    with pytest.raises(ValueError, match="partition: needs at least one group of node names"):
        cluster.partition()


def test_a_timed_partition_heals_by_itself(cluster: rk.Cluster) -> None:
    injection = cluster.partition(["n1"], duration=0.3)
    # On a busy machine it may have healed before n1 is asked.
    eventually(cluster, lambda: injection.done or reaches(cluster)["n1"] == (["n1"], False))
    assert injection.wait(10.0)
    until_whole(cluster)


def test_overlapping_partitions_mend_a_link_with_the_last_of_them(cluster: rk.Cluster) -> None:
    first = cluster.partition(["n1"], ["n2", "n3"])
    second = cluster.partition(["n1", "n2"], ["n3"])
    alone = {name: ([name], False) for name in cluster.nodes}
    eventually(cluster, lambda: reaches(cluster) == alone)
    first.heal()
    eventually(cluster, lambda: reaches(cluster)["n1"] == (["n1", "n2"], True))
    assert reaches(cluster)["n3"] == (["n3"], False)
    second.heal()
    second.heal()
    until_whole(cluster)


def test_a_node_killed_and_restarted_in_a_partition_stays_cut(cluster: rk.Cluster) -> None:
    with cluster.partition(["n1"], ["n2", "n3"]):
        cluster.nodes["n1"].kill()
        cluster.nodes["n1"].restart()
        # n1 was told of the cut before it connected to anybody: it never reached the others.
        assert reaches(cluster)["n1"] == (["n1"], False)
        cluster.nodes["n3"].kill()
    cluster.nodes["n3"].restart()
    until_whole(cluster)


def test_a_one_way_cut_loses_messages_in_one_direction(cluster: rk.Cluster) -> None:
    one, two = cluster.whereis("on-n1"), cluster.whereis("on-n2")
    two.call.ask("on-n1", "get")
    with cluster.partition(["n1"], ["n2", "n3"], one_way=True):
        # n2's request arrives at n1, but the answer does not come back.
        before = one.call.get()
        two.cast.ask("on-n1", "increment")
        eventually(cluster, lambda: one.call.get() == before + 1)


def test_a_link_that_is_cut_one_way_is_down_for_both_and_comes_back(cluster: rk.Cluster) -> None:
    with cluster.partition(["n1"], one_way=True):
        until_reaches(cluster, n1=["n1"], n2=["n2", "n3"], n3=["n2", "n3"])
    until_whole(cluster)
    assert cluster.whereis("on-n1").call.ask("on-n2", "get") == 0


def test_a_one_way_cut_is_from_each_group_to_the_later_ones_the_rest_last(
    cluster: rk.Cluster,
) -> None:
    with cluster.partition(["n1"], ["n2"], one_way=True) as injection:
        assert injection.outcomes[0]["cuts"] == ["n1->n2", "n1->n3", "n2->n3"]
    with cluster.partition("n1", one_way=True) as injection:
        assert injection.outcomes[0]["cuts"] == ["n1->n2", "n1->n3"]


def test_a_silent_link_is_noticed_by_its_missing_signs_of_life(
    cluster_of: Callable[..., rk.Cluster],
) -> None:
    cluster = cluster_of(nodes=2, detect_after=0.4)
    cluster.start(Counter, name="a", node="n1")
    cluster.nodes["n2"].pause()
    eventually(cluster, lambda: cluster.whereis("a").call.side() == (False, ["n1"]))
    cluster.nodes["n2"].resume()
    eventually(cluster, lambda: cluster.whereis("a").call.side() == (True, ["n1", "n2"]))


def test_a_pause_that_is_shorter_than_the_detection_is_not_noticed(
    cluster_of: Callable[..., rk.Cluster],
) -> None:
    cluster = cluster_of(nodes=2, detect_after=20.0)
    watching = cluster.start(Counter, name="a", node="n1").with_timeout(0.2)
    cluster.nodes["n2"].pause()
    with pytest.raises(rk.CallTimeout):
        watching.call.hold()
    cluster.nodes["n2"].resume()
    assert watching.with_timeout(5.0).call.side() == (True, ["n1", "n2"])
    assert "lost" not in [row.event for row in cluster.events if row.node == "n1"]


@pytest.mark.parametrize("kind", ["halves", "one", "majorities_ring", "bridge"])
def test_a_partition_of_a_kind_cuts_what_it_says(
    cluster_of: Callable[..., rk.Cluster], kind: str
) -> None:
    cluster = cluster_of(nodes=5)
    with cluster.inject(rk.faults.Partition(kind=kind)) as injection:  # type: ignore[arg-type]
        [outcome] = injection.outcomes
        cut = {frozenset(pair.split("->")) for pair in outcome["cuts"]}
        expected = {
            one: sorted(two for two in cluster.nodes if frozenset((one, two)) not in cut)
            for one in cluster.nodes
        }
        until_reaches(cluster, **expected)
        sides = [majority for _, majority in reaches(cluster).values()]
        assert any(sides)
        assert all(sides) == (kind in ("majorities_ring", "bridge"))
    until_whole(cluster)


def test_at_most_one_side_of_a_split_is_the_majority(cluster_of: Callable[..., rk.Cluster]) -> None:
    cluster = cluster_of(nodes=4)
    with cluster.partition(["n1", "n2"], ["n3", "n4"]):
        half = {"n1": ["n1", "n2"], "n2": ["n1", "n2"], "n3": ["n3", "n4"], "n4": ["n3", "n4"]}
        eventually(cluster, lambda: reaches(cluster) == {n: (s, False) for n, s in half.items()})
    until_whole(cluster)
    with cluster.partition(["n1", "n2", "n3"], ["n4"]):
        most = ["n1", "n2", "n3"]
        eventually(
            cluster,
            lambda: (
                reaches(cluster) == {**dict.fromkeys(most, (most, True)), "n4": (["n4"], False)}
            ),
        )


class Watcher(Counter):
    """Notes which nodes its own one loses and finds."""

    def init(self) -> None:
        """Watch the nodes."""
        self.monitor_nodes()
        self.seen: list[tuple[str, str]] = []

    def info(self, message: Any) -> None:
        """Note it."""
        self.seen.append((type(message).__name__, message.node))

    def read(self) -> list[tuple[str, str]]:
        """Return what was noted, and begin anew."""
        seen, self.seen = self.seen, []
        return seen


def watched(cluster: rk.Cluster) -> dict[str, rk.ClusterReference]:
    """Start a watcher on each node."""
    return {
        name: cluster.start(Watcher, name=f"watches-{name}", node=name) for name in cluster.nodes
    }


@pytest.mark.parametrize("one_way", [False, True])
def test_two_sides_that_were_apart_until_they_noticed_the_silence_find_each_other_once(
    cluster_of: Callable[..., rk.Cluster], one_way: bool
) -> None:
    cluster = cluster_of(nodes=3, detect_after=2.0)
    watchers = watched(cluster)
    with cluster.partition(["n1"], one_way=one_way):
        lasting(cluster, 3.0)
        until_reaches(cluster, n1=["n1"], n2=["n2", "n3"], n3=["n2", "n3"])
        lost = {name: sorted(watcher.call.read()) for name, watcher in watchers.items()}
    until_whole(cluster)
    lasting(cluster, 0.5)
    found = {name: sorted(watcher.call.read()) for name, watcher in watchers.items()}
    assert lost == {
        "n1": [("NodeLost", "n2"), ("NodeLost", "n3")],
        "n2": [("NodeLost", "n1")],
        "n3": [("NodeLost", "n1")],
    }
    assert found == {
        "n1": [("NodeUp", "n2"), ("NodeUp", "n3")],
        "n2": [("NodeUp", "n1")],
        "n3": [("NodeUp", "n1")],
    }


def test_a_one_way_cut_that_heals_before_it_is_noticed_loses_no_node(
    cluster_of: Callable[..., rk.Cluster],
) -> None:
    cluster = cluster_of(nodes=3, detect_after=20.0)
    watchers = watched(cluster)
    with cluster.partition(["n1"], one_way=True):
        lasting(cluster, 0.1)
    lasting(cluster, 0.3)
    assert [watcher.call.read() for watcher in watchers.values()] == [[], [], []]


def test_a_cut_is_known_to_both_sides_at_once_and_a_one_way_cut_when_its_silence_has_lasted(
    cluster_of: Callable[..., rk.Cluster],
) -> None:
    # Long enough that nobody could have noticed a silence.
    cluster = cluster_of(nodes=3, detect_after=60.0)
    watchers = watched(cluster)
    with took(cluster, 0.0, 20.0), cluster.partition(["n1"]):
        until_reaches(cluster, n1=["n1"], n2=["n2", "n3"], n3=["n2", "n3"])
        assert watchers["n1"].call.side() == (False, ["n1"])
    until_whole(cluster)
    with cluster.partition(["n1"], one_way=True):
        lasting(cluster, 0.3)
        assert reaches(cluster) == everyone(cluster)
        assert cluster.health()["n1"]["cut"] == {"n2": "out", "n3": "out"}


def lasting(cluster: rk.Cluster, seconds: float) -> None:
    """Let the cluster's time go on for so long."""
    until = cluster.clock.now() + seconds
    cluster.run_until(lambda: cluster.clock.now() >= until, timeout=10.0 + seconds)
