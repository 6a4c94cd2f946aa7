"""Names that servers take at run time are checked as those of specs are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from resilkit.errors import InvalidArgument
from resilkit.runtime import ChildSpec, Reference, Server, SupervisorSpec, spawn
from tests.runtime.world import World, on, outcome, settle

NO_NAMES = [
    5,
    None,
    True,
    ("a", 1),
    [],
    {},
    float("nan"),
    b"z",
    "",
    "\0",
    "\ud800",
    "x" * 256,
    "x\0n2",
    "a\nb",
    "a\rb",
    "\x1b[31mred",
    "\x7f",
    "\x85",
    "\u2028",
]


class Namer(Server):
    """Tells which argument was refused, and lives on."""

    async def take(self, name: Any, scope: Any = "cluster") -> str:
        """Register."""
        return await _refused(self.register, name, scope=scope)

    async def give(self, name: Any) -> str:
        """Unregister."""
        return await _refused(self.unregister, name)

    async def find(self, name: Any, node: Any = None) -> str:
        """Look up."""
        return await _refused(self.whereis, name, node=node)

    async def watch(self, name: Any) -> str:
        """Monitor."""
        return await _refused(self.monitor, name)

    async def tie(self, name: Any) -> str:
        """Link."""
        return await _refused(self.link, name)


async def _refused(use: Callable[..., Any], *args: Any, **kwargs: Any) -> str:
    try:
        result = use(*args, **kwargs)
        if hasattr(result, "__await__"):
            await result
    except InvalidArgument as error:
        return error.path
    return "taken"


@pytest.mark.parametrize("name", NO_NAMES, ids=lambda name: repr(name)[:12])
def test_what_can_be_no_name_is_refused_at_run_time_too(name: Any) -> None:
    @on("n1", "n2")
    async def scene(world: World) -> None:
        process = await spawn(world.nodes["n1"], ChildSpec(Namer, name="namer"))
        namer = Reference(process.pid)
        for scope in ("cluster", "node"):
            assert await namer.call.take(name, scope) == "name"
        assert await namer.call.give(name) == "name"
        assert await namer.call.find(name) == "name"
        assert await namer.call.watch(name) == "target"
        assert await namer.call.tie(name) == "target"
        await settle()
        for node in world.nodes.values():
            assert list(node.names.all()) == ["namer"]
        assert process.names == ["namer"]
        assert await namer.alive()

    scene()


@on("n1")
async def test_an_unknown_scope_or_node_is_refused_with_its_path(world: World) -> None:
    namer = Reference((await spawn(world.nodes["n1"], ChildSpec(Namer, name="namer"))).pid)
    for scope in ("galaxy", None, 7, ["node"]):
        assert await namer.call.take("other", scope) == "scope"
    for node in (7, "", "n\0", ["n1"]):
        assert await namer.call.find("other", node) == "node"
    assert list(world.nodes["n1"].names.all()) == ["namer"]


@on("n1", "n2")
async def test_every_name_that_a_spec_may_have_can_be_taken_at_run_time(world: World) -> None:
    namer = Reference((await spawn(world.nodes["n1"], ChildSpec(Namer, name="namer"))).pid)
    for name in ("x" * 255, "ä b/c", "😀", " ", "<img src=x>"):
        assert ChildSpec(Namer, name=name).name == SupervisorSpec(name).name == name
        assert await namer.call.take(name) == "taken"
        assert await namer.call.find(name) == "taken"
        assert await namer.call.give(name) == "taken"


@on("n1")
async def test_an_error_about_a_long_name_is_short(world: World) -> None:
    class Plain(Server):
        async def take(self, name: str) -> None:
            await self.register(name)

    plain = Reference((await spawn(world.nodes["n1"], ChildSpec(Plain, name="plain"))).pid)
    error = str(await outcome(plain.call.take("x" * 100_000)))
    assert "name: must be a name, got 'xxx" in error
    assert len(error) < 2000
