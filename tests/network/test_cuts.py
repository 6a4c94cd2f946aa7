"""Cuts, routes and link faults between members of one cluster."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilkit.network.routing import LinkState, Routes
from resilkit.network.verdicts import Deliver, Drop, Duplicate, Message, Verdict
from tests.network.nets import Net, mesh, on_both_loops


class Fault:
    """A link fault with one verdict."""

    needs_size = False

    def __init__(self, verdict: Verdict) -> None:
        self.answer = verdict

    def decide(self, message: Message, rng: Any) -> Verdict:
        del message, rng
        return self.answer


LINE = [("n1", "n2"), ("n2", "n3"), ("n3", "n4")]
RING = [*LINE, ("n1", "n4")]


@on_both_loops
async def test_messages_cross_a_line_in_order_and_name_their_origin(folder: Path) -> None:
    net = Net(folder, LINE)
    await net.up()
    for number in range(500):
        assert net.nodes["n1"].send("n4", (1, number))
        if number % 7 == 0:
            await asyncio.sleep(0)
    await net.got["n4"].until(lambda: len(net.got["n4"].messages()) == 500)

    assert [(1, number) for number in range(500)] == net.got["n4"].messages("n1")
    assert [counters.peer for counters in net.nodes["n1"].links()] == ["n2"]
    await net.close()


@on_both_loops
async def test_a_class_of_ones_own_crosses_several_links(folder: Path) -> None:
    class Local:
        value = 7

    net = Net(folder, LINE)
    await net.up()
    net.nodes["n1"].send("n4", (1, Local()))
    await net.got["n4"].until(lambda: bool(net.got["n4"].messages()))

    assert type(net.got["n4"].messages()[0][1]) is Local
    await net.close()


@on_both_loops
async def test_a_cut_link_is_down_at_both_ends_at_once_and_back_when_mended(folder: Path) -> None:
    net = Net(folder, mesh("n1", "n2"))
    await net.up()
    net.nodes["n1"].send("n2", ("queued",))
    net.nodes["n1"].cut(["n2"])
    assert net.got["n1"].log[-1] == ("down", "n2", 1)
    assert not net.nodes["n1"].send("n2", (1,))
    assert net.nodes["n1"].links()[0].drops == 1
    net.nodes["n2"].cut(["n1"])
    assert not net.nodes["n2"].peers()

    net.nodes["n2"].mend(["n1"])
    net.nodes["n1"].mend(["n2"])
    await net.reach("n1", ["n2"])
    await net.reach("n2", ["n1"])
    # What was under way when the link was cut may bring it up for a moment: that is told as well.
    ups = [entry[0] for entry in net.got["n1"].ups()]
    assert ups == ["up", "down"] * (len(ups) // 2) + ["up"]
    net.nodes["n1"].send("n2", ("after",))
    await net.got["n2"].until(lambda: bool(net.got["n2"].messages()))
    assert net.got["n2"].messages() == [("after",)]
    await net.close()


@on_both_loops
async def test_a_cut_ring_parts_the_pair_and_others_go_round_the_other_way(folder: Path) -> None:
    net = Net(folder, RING)
    await net.up()
    net.nodes["n1"].cut(["n2"])
    net.nodes["n2"].cut(["n1"])
    assert not net.nodes["n1"].send("n2", ("no way",))
    for one, other in (("n1", "n3"), ("n2", "n4"), ("n3", "n1"), ("n4", "n2")):
        assert net.nodes[one].send(other, ("round",))
        await net.got[other].until(lambda other=other: bool(net.got[other].messages()))

    assert {name: set(node.peers()) for name, node in net.nodes.items()} == {
        "n1": {"n3", "n4"},
        "n2": {"n3", "n4"},
        "n3": {"n1", "n2", "n4"},
        "n4": {"n1", "n2", "n3"},
    }
    downs = {name: [entry[:2] for entry in net.got[name].ups() if entry[0] == "down"]
             for name in net.members}  # fmt: skip
    assert downs == {"n1": [("down", "n2")], "n2": [("down", "n1")], "n3": [], "n4": []}
    for one, other in (("n1", "n2"), ("n2", "n1")):
        net.nodes[one].mend([other])
    await net.reach("n1", ["n2", "n3", "n4"])
    await net.reach("n2", ["n1", "n3", "n4"])
    await net.close()


@on_both_loops
async def test_two_that_only_a_third_joins_can_be_cut_from_each_other(folder: Path) -> None:
    net = Net(folder, [("n1", "n2"), ("n1", "n3")])
    await net.up()
    net.nodes["n2"].cut(["n3"])
    assert not net.nodes["n2"].send("n3", ("cut",))
    # The other end does not know yet: what it sends is lost.
    assert net.nodes["n3"].send("n2", ("lost",))
    net.nodes["n3"].cut(["n2"])
    assert set(net.nodes["n3"].peers()) == set(net.nodes["n2"].peers()) == {"n1"}
    net.nodes["n1"].send("n2", ("hub",))
    await net.got["n2"].until(lambda: bool(net.got["n2"].messages()))
    net.nodes["n3"].mend(["n2"])
    net.nodes["n2"].mend(["n3"])
    assert net.nodes["n3"].send("n2", ("after",))
    await net.got["n2"].until(lambda: len(net.got["n2"].messages()) > 1)

    assert net.got["n2"].messages() == [("hub",), ("after",)]
    await net.close()


@pytest.mark.parametrize(("cut", "at", "of"), [("out", "n2", "n3"), ("in", "n3", "n2")])
def test_two_that_a_third_joins_can_be_cut_one_way(
    tmp_path: Path, cut: str, at: str, of: str
) -> None:
    async def run() -> None:
        net = Net(tmp_path, [("n1", "n2"), ("n1", "n3")])
        await net.up()
        net.nodes[at].cut([of], cut)
        assert net.nodes["n2"].send("n3", ("lost",))
        assert net.nodes["n3"].send("n2", ("found",))
        await net.got["n2"].until(lambda: bool(net.got["n2"].messages()))
        net.nodes[at].mend([of])
        assert net.nodes["n2"].send("n3", ("after",))
        await net.got["n3"].until(lambda: bool(net.got["n3"].messages()))
        assert net.got["n3"].messages() == [("after",)]
        assert sum(one.drops for one in net.nodes[at].links()) == 1
        await net.close()

    asyncio.run(run())


@on_both_loops
async def test_halves_see_each_other_go_down_and_come_back(folder: Path) -> None:
    net = Net(folder, mesh("n1", "n2", "n3", "n4"))
    await net.up()
    halves = [("n1", "n2"), ("n3", "n4")]
    for mine, others in (halves, halves[::-1]):
        for name in mine:
            net.nodes[name].cut(others)
    for mine in halves:
        for name in mine:
            await net.reach(name, set(mine) - {name})
    assert set(net.nodes["n1"].members()) == {"n1", "n2", "n3", "n4"}
    for mine, others in (halves, halves[::-1]):
        for name in mine:
            net.nodes[name].mend(others)
    for name in net.members:
        await net.reach(name, set(net.members) - {name})
    await net.close()


def test_a_one_way_cut_loses_silently_and_is_found_out_at_both_ends(tmp_path: Path) -> None:
    async def run() -> None:
        net = Net(tmp_path, mesh("n1", "n2"), detect_after=0.2)
        await net.up()
        net.nodes["n1"].cut(["n2"], "out")
        assert net.nodes["n1"].send("n2", ("lost",))
        assert net.nodes["n2"].send("n1", ("found",))
        await net.got["n1"].until(lambda: bool(net.got["n1"].messages()))
        await net.reach("n2", [])
        await net.reach("n1", [])
        assert net.got["n2"].messages() == []

        net.nodes["n1"].mend(["n2"])
        await net.reach("n2", ["n1"])
        await net.reach("n1", ["n2"])
        await net.close()

    asyncio.run(run())


def test_a_one_way_cut_on_the_way_in_does_the_same(tmp_path: Path) -> None:
    async def run() -> None:
        net = Net(tmp_path, mesh("n1", "n2"), detect_after=0.2)
        await net.up()
        net.nodes["n2"].cut(["n1"], "in")
        net.nodes["n1"].send("n2", ("lost",))
        await net.reach("n2", [])
        await net.reach("n1", [])
        assert net.got["n2"].messages() == []
        net.nodes["n2"].mend(["n1"])
        await net.reach("n2", ["n1"])
        await net.reach("n1", ["n2"])
        await net.close()

    asyncio.run(run())


def test_a_process_that_stood_still_does_not_take_its_peers_for_dead(tmp_path: Path) -> None:
    async def run() -> None:
        net = Net(tmp_path, mesh("n1", "n2"), detect_after=0.2)
        await net.up()
        loop = asyncio.get_running_loop()
        until = loop.time() + 0.8
        while loop.time() < until:
            pass  # both stand still: neither reads nor beats
        links = [net.nodes["n1"]._links["n2"], net.nodes["n2"]._links["n1"]]
        async with asyncio.timeout(10):
            while any(link.heard < until + 0.3 for link in links):  # noqa: ASYNC110
                await asyncio.sleep(0)
        assert [entry[0] for entry in net.got["n1"].ups()] == ["up"]
        await net.close()

    asyncio.run(run())


@on_both_loops
async def test_a_node_that_comes_back_behind_a_cut_stays_cut(folder: Path) -> None:
    net = Net(folder, mesh("n1", "n2"))
    await net.up()
    net.nodes["n1"].cut(["n2"])
    await net.nodes["n2"].close()
    await net.start("n2", incarnation=2)
    await net.got["n1"].until(lambda: not net.nodes["n1"].peers())
    async with asyncio.timeout(10):
        while not (net.nodes["n1"]._held("n2") and net.nodes["n2"]._links):  # noqa: ASYNC110
            await asyncio.sleep(0)
    for _ in range(50):
        await asyncio.sleep(0)
    assert not net.nodes["n1"].peers()
    assert not net.nodes["n2"].peers()
    net.nodes["n1"].mend(["n2"])
    await net.reach("n1", ["n2"])
    assert [(e[0], e[2]) for e in net.got["n1"].ups()] == [("up", 1), ("down", 1), ("up", 2)]
    await net.close()


@on_both_loops
async def test_waiting_for_neighbours_ends_when_they_are_reached(folder: Path) -> None:
    net = Net(folder, mesh("n1", "n2", "n3", "n4"))
    await net.up("n1", "n2")
    node = await net.start("n3", incarnation=2)
    async with asyncio.timeout(5):  # n4 does not listen, so it is not waited for
        await node.wait_neighbours(60.0)

    assert set(node.peers()) == {"n1", "n2"}
    await net.close()


@on_both_loops
async def test_a_new_node_is_linked_when_the_others_have_heard_of_it(folder: Path) -> None:
    net = Net(folder, mesh("n1", "n2"))
    await net.up()
    net.members, net.edges = ["n1", "n2", "n3"], mesh("n1", "n2", "n3")
    await net.start("n3")
    for name in ("n1", "n2"):
        net.nodes[name].set_members(net.members, net.edges)
    for name in net.members:
        await net.reach(name, set(net.members) - {name})
    assert set(net.nodes["n1"].members()) == {"n1", "n2", "n3"}
    await net.close()


# Faults on links ---------------------------------------------------------------------------------


@on_both_loops
async def test_faults_touch_the_links_that_they_are_told_and_go_when_removed(folder: Path) -> None:
    net = Net(folder, mesh("n1", "n2", "n3"))
    await net.up()
    net.nodes["n1"].install("f", Fault(Drop()), ["n2"])
    for target in ("n2", "n3"):
        assert net.nodes["n1"].send(target, (1,))
    await net.got["n3"].until(lambda: bool(net.got["n3"].messages()))
    net.nodes["n1"].remove("f")
    net.nodes["n1"].remove("f")
    net.nodes["n1"].send("n2", (2,))
    await net.got["n2"].until(lambda: bool(net.got["n2"].messages()))

    assert net.got["n2"].messages() == [(2,)]
    assert {c.peer: c.drops for c in net.nodes["n1"].links()} == {"n2": 1, "n3": 0}
    await net.close()


@on_both_loops
async def test_faults_act_at_every_hop_and_not_on_clients(folder: Path) -> None:
    net = Net(folder, LINE)
    await net.up()
    await net.start("@g1", role="client")
    await net.reach("@g1", net.members)
    for name in net.members:
        net.nodes[name].install("twice", Fault(Duplicate()), None)
    net.nodes["n1"].send("n3", ("x",))
    net.nodes["n1"].send("@g1", ("y",))
    net.nodes["@g1"].send("n1", ("z",))
    await net.got["n3"].until(lambda: len(net.got["n3"].messages()) == 4)
    await net.got["n1"].until(lambda: bool(net.got["n1"].messages()))
    await net.got["@g1"].until(lambda: bool(net.got["@g1"].messages()))

    assert net.got["n1"].messages() == [("z",)]
    assert net.got["@g1"].messages() == [("y",)]
    await net.close()


@on_both_loops
async def test_what_is_delayed_on_a_link_that_is_cut_is_lost_and_counted(folder: Path) -> None:
    net = Net(folder, mesh("n1", "n2"))
    await net.up()
    net.nodes["n1"].install("slow", Fault(Deliver(60.0)), None)
    for number in range(3):
        assert net.nodes["n1"].send("n2", (number,))
    net.nodes["n1"].cut(["n2"])

    assert net.nodes["n1"].links()[0].drops == 3
    await net.close()


@on_both_loops
async def test_closing_does_not_wait_for_what_is_delayed(folder: Path) -> None:
    net = Net(folder, mesh("n1", "n2"))
    await net.up()
    net.nodes["n1"].install("slow", Fault(Deliver(60.0)), None)
    net.nodes["n1"].send("n2", (1,))
    async with asyncio.timeout(5):
        await net.close()


# Routes ------------------------------------------------------------------------------------------

NAMES = ["a", "b", "c", "d", "e"]


@given(st.sets(st.sampled_from([(x, y) for x in NAMES for y in NAMES if x < y])))
def test_ways_lead_to_all_that_are_connected_and_to_no_others(edges: set[tuple[str, str]]) -> None:
    near = {name: {b if a == name else a for a, b in edges if name in (a, b)} for name in NAMES}
    tables = {}
    for name in NAMES:
        table = tables[name] = Routes(name, 1)
        table.set_neighbours([(peer, 1) for peer in near[name]])
        for other in NAMES:
            peers = tuple(sorted((peer, 1) for peer in near[other]))
            table.learn(LinkState(other, 1, 1, peers))
    for name in NAMES:
        connected, waiting = {name}, [name]
        while waiting:
            fresh = near[waiting.pop()] - connected
            connected |= fresh
            waiting += fresh
        ways = tables[name].compute()
        assert set(ways) == connected - {name}
        for target in ways:
            here, steps = name, 0
            while here != target:
                here, steps = tables[here].compute()[target], steps + 1
                assert steps < len(NAMES)


def test_a_link_that_only_one_end_knows_does_not_count() -> None:
    routes = Routes("a", 1)
    routes.set_neighbours([("b", 1)])
    routes.learn(LinkState("b", 1, 1, ()))

    assert routes.compute() == {}


@pytest.mark.parametrize(("theirs", "ours"), [(1, 2), (2, 1)])
def test_a_state_of_another_incarnation_does_not_bring_a_link_up(theirs: int, ours: int) -> None:
    routes = Routes("a", 1)
    routes.set_neighbours([("b", ours)])
    routes.learn(LinkState("b", theirs, 1, (("a", 1),)))

    assert routes.compute() == {}


def test_older_states_and_ones_own_are_no_news() -> None:
    routes = Routes("a", 1)

    assert routes.learn(LinkState("b", 2, 1, ()))
    assert not routes.learn(LinkState("b", 2, 1, ()))
    assert not routes.learn(LinkState("b", 1, 9, ()))
    assert not routes.learn(LinkState("a", 9, 9, ()))
    assert routes.learn(LinkState("b", 3, 1, ()))
