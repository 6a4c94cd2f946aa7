"""All supervisors of a node as rows, read beside them."""

from __future__ import annotations

import asyncio
from typing import Any

from resilkit.runtime import ChildSpec, Reference, SupervisorSpec
from resilkit.runtime.supervision import supervision_rows
from tests.runtime.servers import Counter
from tests.runtime.supervising import crash, supervise
from tests.runtime.world import World, on, settle, until


@on("n1")
async def test_each_supervisor_is_a_row_with_its_children_in_order(world: World) -> None:
    inner = SupervisorSpec("inner", [ChildSpec(Counter, name="leaf")], strategy="one_for_all")
    await supervise(world, ChildSpec(Counter, name="a"), inner)
    await crash(world, "leaf")
    await settle()
    rows = {row["name"]: row for row in supervision_rows(world.nodes["n1"])}
    top, below = rows["sup"], rows["inner"]
    assert [(row["id"], row["kind"], row["class"]) for row in top["children"]] == [
        ("a", "worker", "Counter"),
        ("inner", "supervisor", "Supervisor"),
    ]
    assert top["children"][1]["pid"] == below["pid"]
    assert below["parent"] == top["pid"]
    assert below["strategy"] == "one_for_all"
    (leaf,) = below["children"]
    assert (leaf["status"], leaf["restarts"], leaf["queue"]) == ("running", 1, 0)


@on("n1")
async def test_a_child_that_was_terminated_has_no_process(world: World) -> None:
    await supervise(world, ChildSpec(Counter, name="a"))
    await Reference("sup").call.terminate_child("a")
    ((child,),) = [row["children"] for row in supervision_rows(world.nodes["n1"])]
    assert [child[key] for key in ("status", "pid", "queue", "messages")] == [
        "terminated", None, None, None,
    ]  # fmt: skip


@on("n1")
async def test_a_supervisor_that_waits_for_a_child_is_looked_at_all_the_same(world: World) -> None:
    class Slow(Counter):
        async def init(self, start: int = 0) -> None:  # type: ignore[override]
            await asyncio.Event().wait()

    await supervise(world, ChildSpec(Counter, name="a"))
    asked: Any = asyncio.ensure_future(
        Reference("sup").call.start_child(ChildSpec(Slow, name="slow"))
    )
    await until(lambda: world.nodes["n1"].names.whereis("slow"))
    (row,) = supervision_rows(world.nodes["n1"])
    assert [child["id"] for child in row["children"]] == ["a"]
    Reference(world.nodes["n1"].names.whereis("slow")).kill()
    await asyncio.wait([asked])
    asked.exception()
