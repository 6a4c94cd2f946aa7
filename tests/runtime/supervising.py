"""What the tests of supervisors share."""

from __future__ import annotations

from typing import Any

from resilkit.runtime import ChildSpec, Reference, SupervisorSpec, spawn
from resilkit.runtime.server_process import ServerProcess
from tests.runtime.servers import Ending
from tests.runtime.world import World, settle


async def supervise(world: World, *children: Any, **options: Any) -> ServerProcess:
    """Start a supervisor called ``sup``."""
    return await spawn(world.nodes["n1"], SupervisorSpec("sup", children, **options))


def ending(log: list[Any], name: str, **options: Any) -> ChildSpec:
    """Return a child that notes how it begins and ends."""
    return ChildSpec(Ending, name=name, args=(log, name), **options)


def pids(world: World, *names: str) -> list[Any]:
    """Return who holds the names now."""
    return [world.nodes["n1"].names.whereis(name) for name in names]


async def crash(world: World, name: str, reason: Any = "crash") -> None:
    """End a server with a reason that is no exception, and let the supervisor act."""
    await Reference(name).stop(reason)
    await settle()


async def statuses() -> dict[str, str]:
    """Return the children's states by id."""
    return {row["id"]: row["status"] for row in await Reference("sup").call.children()}
