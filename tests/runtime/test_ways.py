"""Casts take the way that was found for the last one only while it is the right one."""

from __future__ import annotations

import pytest

from resilkit.runtime import ChildSpec, Pid, Reference, Server, spawn, ways
from tests.runtime.servers import Counter
from tests.runtime.world import World, on, settle


class Taker(Server):
    """Counts, and takes and gives back names."""

    def init(self) -> None:
        """Begin at nothing."""
        self.value = 0

    async def take(self, name: str, scope: str = "cluster") -> None:
        """Register."""
        await self.register(name, scope=scope)

    def give(self, name: str) -> None:
        """Unregister."""
        self.unregister(name)

    def increment(self) -> None:
        """Add one."""
        self.value += 1


async def takers(world: World, *nodes: str) -> list[Reference]:
    """Start a server on each node; return references by pid."""
    found = [await spawn(world.nodes[node], ChildSpec(Taker)) for node in nodes]
    return [Reference(process.pid) for process in found]


async def counts(*references: Reference) -> list[int]:
    """Return what each has counted when all that was sent has arrived."""
    await settle()
    return [(await reference.state())["value"] for reference in references]


@pytest.mark.parametrize("second", ["n1", "n2"])
@pytest.mark.parametrize("first", ["n1", "n2"])
def test_a_cast_follows_its_name(first: str, second: str) -> None:
    @on("n1", "n2")
    async def follow(world: World) -> None:
        one, other = await takers(world, first, second)
        bank = Reference("bank")
        bank.cast.increment()
        await one.call.take("bank")
        bank.cast.increment()
        bank.cast.increment()
        assert await counts(one, other) == [2, 0]
        await one.call.give("bank")
        bank.cast.increment()
        await other.call.take("bank")
        bank.cast.increment()
        assert await counts(one, other) == [2, 1]
        await other.stop()
        bank.cast.increment()
        assert await counts(one) == [2]

    follow()


@on("n1", "n2")
async def test_a_name_of_the_node_comes_before_one_of_the_cluster(world: World) -> None:
    wide, near = await takers(world, "n2", "n1")
    await wide.call.take("bank")
    Reference("bank").cast.increment()
    await near.call.take("bank", "node")
    Reference("bank").cast.increment()
    await near.call.give("bank")
    Reference("bank").cast.increment()
    assert await counts(wide, near) == [2, 1]


@on("n1", "n2")
async def test_no_cast_reaches_a_node_that_is_cut_off_or_its_next_incarnation(world: World) -> None:
    (taker,) = await takers(world, "n2")
    taker.cast.increment()
    assert await counts(taker) == [1]
    world.cut(("n1", "n2"))
    taker.cast.increment()
    world.mend(("n1", "n2"))
    taker.cast.increment()
    assert await counts(taker) == [2]
    world.lose("n2")
    world.boot("n2", incarnation=2)
    (again,) = await takers(world, "n2")
    assert isinstance(taker.address, Pid)
    assert isinstance(again.address, Pid)
    assert taker.address.number == again.address.number
    taker.cast.increment()
    again.cast.increment()
    assert await counts(again) == [1]


@on("n1")
async def test_a_process_that_has_ended_gets_nothing_and_is_not_kept(world: World) -> None:
    node = world.nodes["n1"]
    process = await spawn(node, ChildSpec(Counter))
    reference = Reference(process.pid)
    reference.cast.increment()
    reference.kill()
    await settle()
    reference.cast.increment()
    assert not process.mailbox
    assert reference.address not in node.ways._known


@on("n1")
async def test_ways_to_many_addresses_take_no_more_room_than_to_some(world: World) -> None:
    node, most = world.nodes["n1"], 8
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ways, "_MOST", most)
        processes = [await spawn(node, ChildSpec(Counter)) for _ in range(3 * most)]
        for process in processes:
            Reference(process.pid).cast.increment()
            assert len(node.ways._known) <= most
    await settle()
    assert [process.server.value for process in processes] == [1] * len(processes)
