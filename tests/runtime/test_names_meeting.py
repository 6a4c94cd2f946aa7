"""What two nodes tell each other of their names when they meet."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from resilkit.runtime import ChildSpec, repeating, spawn
from resilkit.runtime.kinds import NAMES
from tests.runtime.servers import Counter
from tests.runtime.world import World, on, settle, until


def told(world: World) -> dict[str, set[str]]:
    return {name: node.names.told_by for name, node in world.nodes.items()}


@pytest.mark.parametrize("newcomer", ["n0", "n2"])
def test_the_smaller_name_asks_and_the_other_answers(newcomer: str) -> None:
    @on("n1")
    async def meeting(world: World) -> None:
        sent: list[Any] = []
        deliver = world.deliver

        def noted(source: Any, target: str, data: bytes) -> None:
            sent.extend(each[1] for each in pickle.loads(data) if each[0] == NAMES)
            deliver(source, target, data)

        held = (await spawn(world.nodes["n1"], ChildSpec(Counter, name="c"))).pid
        world.deliver = noted  # type: ignore[method-assign]
        node = world.boot(newcomer)
        await settle()
        assert sent == ["all", "all", "noted"]
        assert told(world) == {"n1": {newcomer}, newcomer: {"n1"}}
        assert node.names.whereis("c") == held

    meeting()


@on("n1")
async def test_who_is_not_asked_tells_by_itself(world: World) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(repeating, "_AGAIN", 1000.0)  # so that nothing is said twice
        world.loses = lambda number: number == 1  # what the smaller one asks
        world.boot("n2")
        await settle()
        assert told(world) == {"n1": set(), "n2": set()}
        await until(lambda: told(world) == {"n1": {"n2"}, "n2": {"n1"}})


@on("n1", "n2")
async def test_nodes_that_meet_again_tell_each_other_at_once(world: World) -> None:
    await settle()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(repeating, "_AGAIN", 1000.0)
        patch.setattr(repeating, "_LATE", 1000.0)
        world.cut(("n1", "n2"))
        # Only the greater one has noticed the loss, and the end of it.
        world._cut.clear()
        world.nodes["n1"].peer_up("n2", 1, "member")
        await settle()
        pid = (await spawn(world.nodes["n1"], ChildSpec(Counter, name="c"))).pid
        world.nodes["n2"].peer_down("n1", 1)
        world.nodes["n2"].peer_up("n1", 1, "member")
        await settle()
        assert world.nodes["n2"].names.whereis("c") == pid
