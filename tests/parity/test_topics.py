"""Topics: publish and subscribe over all nodes, from servers and from the notebook."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import resilkit as rk
from resilkit import Published
from tests.parity.grounds import eventually
from tests.parity.servers import Recorder


class Speaker(rk.Server):
    """Publishes what it is told."""

    def say(self, topic: str, *payloads: object) -> None:
        """Publish one after the other."""
        for payload in payloads:
            self.publish(topic, payload)


def listeners(cluster: rk.Cluster, *patterns: str) -> list[rk.ClusterReference]:
    """Start a listener on each node, when all nodes know of all of them."""
    found = []
    for node in cluster.nodes:
        listener = cluster.start(Recorder, name=f"listener-{node}", node=node)
        for pattern in patterns:
            listener.call.listen(pattern)
        found.append(listener)
    speakers(cluster)
    for one in cluster.nodes:
        # An interest goes ahead of what its node sends afterwards: of each to each.
        for _ in range(2):
            cluster.whereis(f"speaker-{one}").call.say("known", one)
    return found


def speakers(cluster: rk.Cluster) -> None:
    """Start a speaker on each node."""
    for node in cluster.nodes:
        cluster.start(Speaker, name=f"speaker-{node}", node=node)


def heard(listener: rk.ClusterReference) -> list[Published]:
    """Return what a listener has heard so far."""
    return [one for one in listener.call.messages() if one.topic != "known"]


def test_a_publication_reaches_each_matching_subscriber_once_on_every_node(
    cluster: rk.Cluster,
) -> None:
    found = listeners(cluster, "orders.*", "orders.new", "known")
    for listener in found:
        eventually(cluster, lambda listener=listener: len(listener.call.messages()) == 6)
    speaker = cluster.whereis("speaker-n2")
    speaker.call.say("orders.new", {"id": 1})
    speaker.call.say("orders.new.urgent", {"id": 2})
    speaker.call.say("bills.new", {"id": 3})
    speaker.call.say("orders.old", {"id": 4})
    for listener in found:
        eventually(cluster, lambda listener=listener: len(heard(listener)) >= 2)
        assert heard(listener) == [
            Published("orders.new", {"id": 1}),
            Published("orders.old", {"id": 4}),
        ]


@pytest.mark.parametrize(
    ("pattern", "topics"),
    [
        ("a.b", ["a.b"]),
        ("a.*", ["a.b", "a.c"]),
        ("*.b", ["a.b"]),
        ("a.**", ["a.b", "a.c", "a.b.c"]),
        ("**", ["a.b", "a.c", "a.b.c", "d"]),
        ("*", ["d"]),
    ],
)
def test_a_subscription_of_the_notebook_gets_what_matches_its_pattern_in_order(
    cluster: rk.Cluster, pattern: str, topics: list[str]
) -> None:
    speakers(cluster)
    with cluster.subscribe(pattern) as subscription:
        speaker = cluster.whereis("speaker-n3")
        for topic in ("a.b", "a.c", "a.b.c", "d"):
            speaker.call.say(topic, topic.upper())
        came = [subscription.get() for _ in topics]
        assert [one.topic for one in came] == topics
        assert [one.payload for one in came] == [topic.upper() for topic in topics]
        with pytest.raises(rk.CallTimeout, match="nothing was published"):
            subscription.get(0.05)


def test_what_the_notebook_publishes_reaches_servers_and_subscriptions(
    cluster: rk.Cluster,
) -> None:
    found = listeners(cluster, "news", "known")
    for listener in found:
        eventually(cluster, lambda listener=listener: len(listener.call.messages()) == 6)
    with cluster.subscribe("news") as subscription:
        cluster.publish("news", [1, 2])
        assert subscription.get() == Published("news", [1, 2])
    for listener in found:
        eventually(cluster, lambda listener=listener: heard(listener))
        assert heard(listener) == [Published("news", [1, 2])]


def test_what_one_publishes_is_heard_in_its_order(cluster: rk.Cluster) -> None:
    speakers(cluster)
    with cluster.subscribe("count") as subscription:
        cluster.whereis("speaker-n1").call.say("count", *range(100))
        assert [subscription.get().payload for _ in range(100)] == list(range(100))


def test_a_subscription_that_is_closed_gets_nothing_more(cluster: rk.Cluster) -> None:
    speakers(cluster)
    closed, kept = cluster.subscribe("x"), cluster.subscribe("x")
    closed.close()
    cluster.whereis("speaker-n2").call.say("x", 1)
    assert kept.get().payload == 1
    with pytest.raises(rk.CallTimeout):
        closed.get(0.0)
    kept.close()


def test_a_partition_keeps_publications_on_their_side(cluster: rk.Cluster) -> None:
    _, there, _ = listeners(cluster, "x", "known")
    eventually(cluster, lambda: len(there.call.messages()) == 6)
    speaker = cluster.whereis("speaker-n1")
    with cluster.partition(["n1"], ["n2", "n3"]):
        eventually(cluster, lambda: cluster.health()["n1"]["reachable"] == ["n1"])
        speaker.call.say("x", "lost")
    everyone = list(cluster.nodes)
    eventually(
        cluster, lambda: all(row["reachable"] == everyone for row in cluster.health().values())
    )

    def said_again() -> bool:
        # When n1 knows again of whom there is to tell is for n1 to hear.
        speaker.call.say("x", "seen")
        return bool(heard(there))

    eventually(cluster, said_again)
    assert {one.payload for one in heard(there)} == {"seen"}


def test_a_node_that_comes_later_hears_and_is_heard(
    cluster_of: Callable[..., rk.Cluster],
) -> None:
    cluster = cluster_of(nodes=2)
    with cluster.subscribe("x") as subscription:
        cluster.add_node("n3")
        cluster.start(Speaker, name="speaker-n3", node="n3").call.say("x", 1)
        assert subscription.get().payload == 1
        listener = cluster.start(Recorder, node="n3")
        listener.call.listen("y")

        def heard_it() -> object:
            cluster.publish("y", 2)
            return listener.call.messages()

        assert eventually(cluster, heard_it)[0] == Published("y", 2)
