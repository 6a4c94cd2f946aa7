"""What is on the way when a link is cut or mended, and silence that a pause explains."""

from __future__ import annotations

from typing import Any

import pytest

import resilkit as rk
from resilkit.simulation.link import State
from tests.simulation.net import DETECT_AFTER, Net


@pytest.fixture
def net() -> Net:
    """Two nodes that reach each other."""
    net = Net("n1", "n2", schedule="fifo")
    for name in net.names:
        net.boot(name)
    net.run()
    assert net.up() == {"n1": ["n2"], "n2": ["n1"]}
    return net


def heard(net: Net, name: str) -> list[tuple[str, str]]:
    receiver: Any = net.nodes[name].receiver
    return receiver.heard[1:]  # after the beginning


def messages(net: Net, name: str) -> list[Any]:
    receiver: Any = net.nodes[name].receiver
    return [message[2] for _, message in receiver.messages]


def pause(net: Net, *names: str) -> None:
    for name in names:
        net.nodes[name].place.pause()
        net.network.pausing_changed(net.nodes[name])


def resume(net: Net, *names: str) -> None:
    for name in names:
        net.nodes[name].place.resume()
        net.network.pausing_changed(net.nodes[name])


def test_who_stood_still_does_not_take_his_own_silence_for_that_of_another(net: Net) -> None:
    pause(net, "n2")
    net.run(0.1 * DETECT_AFTER)
    pause(net, "n1")
    net.run(4 * DETECT_AFTER)
    # n1 goes on: it has yet to hear nothing for long enough by its own clock.
    resume(net, "n1")
    net.run(0.5 * DETECT_AFTER)
    assert heard(net, "n1") == []
    resume(net, "n2")
    net.run(4 * DETECT_AFTER)
    assert heard(net, "n1") == []


def test_who_stood_still_notices_a_silence_that_lasts_after_that(net: Net) -> None:
    pause(net, "n2")
    net.run(0.1 * DETECT_AFTER)
    pause(net, "n1")
    net.run(4 * DETECT_AFTER)
    resume(net, "n1")
    net.run(1.3 * DETECT_AFTER)
    assert heard(net, "n1") == [("down", "n2")]


def test_who_is_paused_says_nothing_when_he_could_hear_another_again(net: Net) -> None:
    pause(net, "n1")
    net.run(2 * DETECT_AFTER)
    assert heard(net, "n2") == [("down", "n1")]
    pause(net, "n2")
    resume(net, "n1")
    net.run(4 * DETECT_AFTER)
    assert heard(net, "n1") == [("down", "n2")]
    resume(net, "n2")
    net.run()
    assert net.up() == {"n1": ["n2"], "n2": ["n1"]}


def test_a_link_that_is_mended_counts_when_the_other_end_has_spoken(net: Net) -> None:
    one, two = net.nodes["n1"], net.nodes["n2"]
    one.cut(["n2"])
    two.cut(["n1"])
    net.run(4 * DETECT_AFTER)
    assert net.up() == {"n1": [], "n2": []}
    one.mend(["n2"])
    two.mend(["n1"])
    assert net.up() == {"n1": [], "n2": []}, "nothing has come from the other end yet"
    net.run()
    assert net.up() == {"n1": ["n2"], "n2": ["n1"]}


def test_a_link_that_is_mended_while_the_other_end_is_gone_does_not_come_back(net: Net) -> None:
    one = net.nodes["n1"]
    one.cut(["n2"])
    net.run(4 * DETECT_AFTER)
    pause(net, "n2")
    one.mend(["n2"])
    net.run(4 * DETECT_AFTER)
    assert ("up", "n2") not in heard(net, "n1")
    resume(net, "n2")
    net.run()
    assert net.up() == {"n1": ["n2"], "n2": ["n1"]}


def test_who_speaks_once_after_the_mending_and_then_no_more_is_lost_again(net: Net) -> None:
    one = net.nodes["n1"]
    one.cut(["n2"])
    net.run(4 * DETECT_AFTER)
    pause(net, "n2")
    # What it had sent just before is still on its way.
    net.nodes["n2"].links_by_peer["n1"].say(State(usable=True, want=False))
    one.mend(["n2"])
    net.run(4 * DETECT_AFTER)
    assert heard(net, "n1")[-1] == ("down", "n2")


def test_what_a_fault_holds_back_when_the_link_is_cut_is_lost_and_counted(net: Net) -> None:
    one = net.nodes["n1"]
    one.install("hold-1", rk.faults.Hold())
    for number in range(3):
        one.send("n2", (3, 1, number))
    net.run()
    one.cut(["n2"], "out")
    assert one.counters["n2"].drops == 3
    one.mend(["n2"])
    net.run()
    one.remove("hold-1")
    net.run()
    one.send("n2", (3, 1, "after"))
    net.run()
    assert messages(net, "n2") == ["after"]


def test_a_cut_of_what_comes_leaves_what_is_held_back_of_what_goes(net: Net) -> None:
    one = net.nodes["n1"]
    one.install("hold-1", rk.faults.Hold())
    one.send("n2", (3, 1, "held"))
    one.cut(["n2"], "in")
    one.mend(["n2"])
    net.run()
    one.remove("hold-1")
    net.run()
    assert one.counters["n2"].drops == 0
    assert messages(net, "n2") == ["held"]


def test_what_is_on_the_wire_when_the_link_is_cut_is_lost_where_it_would_arrive(net: Net) -> None:
    one, two = net.nodes["n1"], net.nodes["n2"]
    one.send("n2", (3, 1, "plain"))
    one.send("n2", (3, 1, ["packed"]))
    two.cut(["n1"], "in")
    net.run()
    two.mend(["n1"])
    net.run()
    assert messages(net, "n2") == []
