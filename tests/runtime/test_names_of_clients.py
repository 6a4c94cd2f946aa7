"""What a client knows of names: it reaches both sides of a partition, and is told by each."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from resilkit.runtime import ChildSpec, Pid, spawn
from resilkit.runtime.kinds import NAMES
from resilkit.runtime.process import Process
from tests.runtime.servers import Counter
from tests.runtime.world import World, on, settle

APART = (("n1", "n2"), ("n1", "n3"))


async def _one_holder_a_side(world: World) -> tuple[Process, Process]:
    """Start "c" on n1, and in a partition on n2 as well."""
    left = await spawn(world.nodes["n1"], ChildSpec(Counter, name="c"))
    world.cut(*APART)
    right = await spawn(world.nodes["n2"], ChildSpec(Counter, name="c"))
    await settle()
    return left, right


def _stops(world: World, holder: Process) -> None:
    holder.end("normal")


def _loses_its_node(world: World, holder: Process) -> None:
    world.lose(holder.pid.node)


@pytest.mark.parametrize("end", [_stops, _loses_its_node])
def test_a_name_is_still_known_when_the_other_sides_holder_is_gone(
    end: Callable[[World, Process], None],
) -> None:
    @on("n1", "n2", "n3")
    async def scene(world: World) -> None:
        names = world.boot("@notebook", role="client").names
        left, right = await _one_holder_a_side(world)
        assert names.whereis("c") == right.pid, "the one that was told last"
        end(world, right)
        await settle()
        assert names.whereis("c") == left.pid
        assert names.all() == {"c": left.pid}
        world.mend(*(pair for pair in APART if set(pair) <= set(world.nodes)))
        await settle()
        assert names.all() == {"c": left.pid}

    scene()


@on("n1", "n2", "n3")
async def test_the_holder_that_was_told_first_may_go_first(world: World) -> None:
    names = world.boot("@notebook", role="client").names
    left, right = await _one_holder_a_side(world)
    left.end("normal")
    await settle()
    assert names.all() == {"c": right.pid}
    right.end("normal")
    await settle()
    assert names.all() == {}
    assert names._holders.on("n1") == names._holders.on("n2") == {}


@on("n1", "n2", "n3")
async def test_the_one_that_keeps_the_name_is_the_one_known_after_the_heal(world: World) -> None:
    names = world.boot("@notebook", role="client").names
    left, right = await _one_holder_a_side(world)
    world.mend(*APART)
    await settle()
    assert (left.alive, right.alive) == (True, False)
    assert names.all() == {"c": left.pid}


@on("n1", "n2")
async def test_a_client_that_missed_an_end_on_one_side_keeps_the_other(world: World) -> None:
    names = world.boot("@notebook", role="client").names
    one, other = Pid("n1", 70, 1), Pid("n2", 90, 1)
    for pid in (one, other):
        names.receive(pid.node, (NAMES, "note", 0, "c", pid, 1))
    # What n2 tells whole, when the client is linked anew, has the name no more.
    names.receive("n2", (NAMES, "all", 0, ({}, 2, 0, False)))
    assert names.all() == {"c": one}
    # Told anew by its node, a holder is that node's only one.
    later = Pid("n1", 71, 1)
    names.receive("n1", (NAMES, "note", 0, "c", later, 3))
    names.receive("n1", (NAMES, "unset", 0, "c", one, 3))
    assert names.all() == {"c": later}
    names.receive("n1", (NAMES, "unset", 0, "c", later, 4))
    assert names.all() == {}
