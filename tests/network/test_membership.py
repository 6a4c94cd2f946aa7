"""Who counts as reached: new incarnations, near neighbours without a link, unknown origins."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from resilkit.network.handshake import Hello
from resilkit.network.membership import Membership, _encode
from resilkit.network.routing import LinkState
from tests.network.nets import Net, Recorder, mesh, on_both_loops


def _membership(role: str = "member") -> tuple[Membership, Recorder]:
    told = Recorder()
    own = Hello("n1", 1, role)
    made = Membership(own, told, lambda *_: None, lambda: None, lambda *_: False)
    return made, told


def _states(incarnation: int, sequence: int) -> bytes:
    """What n2 says of itself and of n3, which is behind it."""
    return _encode(
        [
            LinkState("n2", 1, sequence, (("n1", 1), ("n3", incarnation))),
            LinkState("n3", incarnation, sequence, (("n2", 1),)),
        ],
        want=False,
    )


def test_a_new_incarnation_is_the_loss_of_the_one_before() -> None:
    membership, told = _membership()
    membership.set_neighbours([Hello("n2", 1, "member")])
    membership.learn(_states(1, 1), "n2")
    assert told.ups() == [("up", "n2", 1, "member"), ("up", "n3", 1, "member")]
    told.log.clear()

    membership.learn(_states(2, 2), "n2")

    assert told.ups() == [("down", "n3", 1), ("up", "n3", 2, "member")]
    assert membership.reachable == {"n2": 1, "n3": 2}
    assert membership.known("n3", 2)
    assert not membership.known("n3", 1)


def test_a_client_hears_of_a_members_new_incarnation_too() -> None:
    membership, told = _membership("client")
    for incarnation in (1, 2):
        membership.client_up(Hello("n2", incarnation, "member"))
    membership.client_down(Hello("n2", 1, "member"))
    assert told.ups()[:3] == [
        ("up", "n2", 1, "member"), ("down", "n2", 1), ("up", "n2", 2, "member"),
    ]  # fmt: skip
    assert membership.reachable == {"n2": 2}, "the late end of the first says nothing of the second"


@on_both_loops
async def test_a_neighbour_is_reached_over_its_link_or_not_at_all(folder: Path) -> None:
    net = Net(folder, mesh("n1", "n2", "n3"))
    await net.up()
    n1 = net.nodes["n1"]
    n1.hang_up("n2")
    await net.reach("n1", ["n3"])
    await net.reach("n2", ["n3"])

    assert n1.membership.ways["n2"] == "n3", "a detour is there"
    assert not n1.send("n2", ("by a detour",))
    assert not net.nodes["n2"].send("n1", ("by a detour",))
    n1.dial("n2")
    await net.reach("n1", ["n2", "n3"])
    await net.reach("n2", ["n1", "n3"])
    assert n1.send("n2", ("by the link",))
    await net.got["n2"].until(lambda: bool(net.got["n2"].messages()))
    assert net.got["n2"].messages() == [("by the link",)]


@on_both_loops
async def test_what_comes_over_others_is_delivered_for_those_who_are_reached(folder: Path) -> None:
    net = Net(folder, [("n1", "n2"), ("n2", "n3")])
    await net.up()
    await net.reach("n3", ["n1", "n2"])
    n3 = net.nodes["n3"]
    link = n3._links["n2"]
    origins: list[tuple[str, int]] = [("nobody", 1), ("n1", 2), ("n1", 1)]
    entries: list[Any] = [(name, inc, "n3", 1, 5, (1, name, inc)) for name, inc in origins]

    n3._forwarder.take(link, entries)

    assert net.got["n3"].messages() == [(1, "n1", 1)]
    assert link.counters.drops == 2


@on_both_loops
async def test_who_sends_straight_is_told_when_that_way_ends(folder: Path) -> None:
    net = Net(folder, [("n1", "n2"), ("n2", "n3")])
    await net.up()
    n1, told = net.nodes["n1"], net.got["n1"]
    straight = n1.straight("n2")
    assert straight is not None
    straight((2, "over the link"))
    await net.got["n2"].until(lambda: (2, "over the link") in net.got["n2"].messages("n1"))
    assert n1.straight("n3") is None, "that is two links away"
    before = told.routes
    n1.cut(["n2"], "out")  # n2 still counts as up until it is missed
    assert told.routes > before
    assert n1.straight("n2") is None
    net.nodes["n2"].cut(["n1"], "in")
    before = told.routes
    n1.mend(["n2"])
    net.nodes["n2"].mend(["n1"])
    async with asyncio.timeout(10):
        while n1.straight("n2") is None:
            await n1.change()
    assert told.routes > before
    before = told.routes
    await net.nodes["n2"].close()
    async with asyncio.timeout(10):
        while n1.straight("n2") is not None:
            await n1.change()
    assert told.routes > before
    await net.close()
