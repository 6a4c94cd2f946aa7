"""How two simulated nodes come to be connected, and what may come between."""

from __future__ import annotations

import pytest

from resilkit.simulation.transport import SimulatedTransport
from tests.simulation.net import DETECT_AFTER, Net


@pytest.fixture
def net() -> Net:
    """A node that a second one has dialled, which has yet to hear the answer."""
    net = Net("n1", "n2")
    net.boot("n1")
    net.run()
    net.boot("n2", 2)
    net.until(lambda: net.nodes["n1"].links_by_peer)
    assert not net.nodes["n2"].links_by_peer
    return net


def heard(node: SimulatedTransport) -> list[tuple[str, str]]:
    return node.receiver.heard  # type: ignore[attr-defined, no-any-return]


def test_two_nodes_are_connected_when_the_answer_is_there(net: Net) -> None:
    assert net.up() == {"n1": ["n2"], "n2": []}
    steps = net.scheduler.steps
    net.run()
    assert net.up() == {"n1": ["n2"], "n2": ["n1"]}
    assert net.scheduler.steps == steps + 1
    assert heard(net.nodes["n1"]) == [("up", "n2")]


def test_what_is_sent_to_who_has_yet_to_hear_the_answer_arrives_behind_it(net: Net) -> None:
    net.nodes["n1"].send("n2", (3, 1, "early"))
    net.run()
    assert net.nodes["n2"].receiver.messages == [("n1", (3, 1, "early"))]  # type: ignore[attr-defined]


def test_who_dies_before_he_hears_the_answer_is_lost(net: Net) -> None:
    net.nodes["n2"].leave()
    net.nodes["n2"].place.die()
    net.run()
    assert heard(net.nodes["n1"]) == [("up", "n2"), ("down", "n2")]


def test_who_is_paused_before_he_hears_the_answer_is_lost_until_he_goes_on(net: Net) -> None:
    node = net.nodes["n2"]
    node.place.pause()
    net.network.pausing_changed(node)
    net.run(2 * DETECT_AFTER)
    assert heard(net.nodes["n1"]) == [("up", "n2"), ("down", "n2")]
    node.place.resume()
    net.network.pausing_changed(node)
    net.run()
    assert net.up() == {"n1": ["n2"], "n2": ["n1"]}


def test_who_stands_still_when_he_is_met_does_not_count() -> None:
    net = Net("n1", "n2")
    net.boot("n1")
    net.run()
    node = net.boot("n2", 2)
    node.place.pause()
    net.run(2 * DETECT_AFTER)
    assert net.up() == {"n1": [], "n2": []}
    node.place.resume()
    net.network.pausing_changed(node)
    net.run()
    assert net.up() == {"n1": ["n2"], "n2": ["n1"]}


def test_who_cuts_himself_off_before_he_hears_the_answer_is_lost(net: Net) -> None:
    net.nodes["n2"].cut(["n1"])
    net.run(2 * DETECT_AFTER)
    assert net.up() == {"n1": [], "n2": []}
    net.nodes["n2"].mend(["n1"])
    net.run()
    assert net.up() == {"n1": ["n2"], "n2": ["n1"]}
