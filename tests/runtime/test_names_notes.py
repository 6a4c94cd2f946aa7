"""Notes of names that come late, twice or out of turn, and the loss of who must note them."""

from __future__ import annotations

import asyncio

import pytest

from resilkit.runtime import ChildSpec, Pid, spawn
from resilkit.runtime import repeating as repeating_module
from resilkit.runtime.kinds import NAMES
from tests.runtime.servers import Counter
from tests.runtime.world import World, on, settle, until


@on("n1", "n2")
async def test_a_note_that_is_repeated_does_not_bring_an_ended_holder_back(world: World) -> None:
    names, pid = world.nodes["n1"].names, Pid("n2", 7, 1)
    note, unset = (NAMES, "note", 0, "c", pid, 3), (NAMES, "unset", 0, "c", pid, 3)
    names.receive("n2", note)
    assert names.whereis("c") == pid
    names.receive("n2", unset)
    for late in (note, (NAMES, "note", 0, "c", pid, 2)):
        names.receive("n2", late)
        assert names.whereis("c") is None
    # The same process takes the name again: that note is newer than its giving back.
    names.receive("n2", (NAMES, "note", 0, "c", pid, 4))
    assert names.whereis("c") == pid
    names.receive("n2", (NAMES, "note", 0, "other", pid, 1))
    assert names.whereis("other") == pid, "what was given back was another name"


@on("n1", "n2", "n3")
async def test_the_later_news_of_one_node_is_the_true_one_and_no_conflict(world: World) -> None:
    asked: list[str] = []
    for node in ("n1", "n3"):
        names = world.nodes[node].names
        names.resolver = lambda name, one, other: asked.append(name) or min(one, other)  # type: ignore[func-returns-value]
        # The holder's end went another way and has not been heard of.
        for number in (4, 9, 5):
            names.receive("n2", (NAMES, "all", 0, ({"c": Pid("n2", number, 1)}, number, 0, False)))
            assert names.whereis("c") == Pid("n2", number, 1)
    assert asked == []
    assert not world.supervision("name_conflict")


@on("n1", "n2", "n3")
async def test_registering_waits_for_a_lost_node_no_longer_than_its_loss(world: World) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(repeating_module, "_AGAIN", 1000.0)  # so that nothing else ends the wait
        world.loses = lambda _: True
        task = asyncio.ensure_future(spawn(world.nodes["n1"], ChildSpec(Counter, name="c")))
        await settle()
        assert not task.done()
        world.loses = lambda _: False
        world.lose("n2")
        await settle()
        assert not task.done(), "n3 can be reached, and has not noted it"
        world.lose("n3")
        await settle()
        assert task.done()
        assert world.nodes["n1"].names.whereis("c") == task.result().pid
        # Nor is it kept for one of that name that comes back.
        assert not world.nodes["n1"].names._repeater._waiting


@on("n1", "n2", "n3")
async def test_neither_keeps_a_name_also_when_one_side_hears_of_the_other_first(
    world: World,
) -> None:
    for node in world.nodes.values():
        node.names.resolver = lambda *_: None
    left = await spawn(world.nodes["n1"], ChildSpec(Counter, name="c"))
    world.cut(("n1", "n2"), ("n1", "n3"))
    right = await spawn(world.nodes["n2"], ChildSpec(Counter, name="c"))
    world._cut.clear()
    first = world.nodes["n2"]
    first.peer_up("n1", 1, "member")
    first.names.receive("n1", (NAMES, "all", 0, ((("c", left.pid),), 1, 0, False)))
    await until(lambda: not right.alive)
    await settle()
    world.nodes["n1"].peer_up("n2", 1, "member")
    await settle()
    assert (left.alive, right.alive) == (False, False)
