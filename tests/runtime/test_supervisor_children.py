"""Supervisors: children while it runs, nested trees, events, bad specs."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from resilkit.errors import AlreadyStarted, InvalidArgument, Refused, StartFailed
from resilkit.runtime import ChildSpec, Reference, SupervisorSpec, spawn
from tests.runtime.servers import Counter, Recorder
from tests.runtime.supervising import crash, ending, pids, statuses, supervise
from tests.runtime.world import World, on, outcome, settle, until

# Children while it runs --------------------------------------------------------------------------


@on("n1")
async def test_children_can_be_added_ended_restarted_and_deleted(world: World) -> None:
    await supervise(world, ChildSpec(Counter, name="a"))
    sup = Reference("sup")
    added = await sup.call.start_child(ChildSpec(Recorder, name="b"))
    assert added == Reference("b")
    assert list(await statuses()) == ["a", "b"]
    assert await sup.call.count_children() == {
        "specs": 2, "active": 2, "supervisors": 0, "workers": 2,
    }  # fmt: skip
    assert isinstance(await outcome(sup.call.delete_child("b")), Refused)
    assert isinstance(await outcome(sup.call.restart_child("b")), Refused)
    await sup.call.terminate_child("b")
    assert await statuses() == {"a": "running", "b": "terminated"}
    await sup.call.restart_child("b")
    await sup.call.terminate_child("b")
    await sup.call.delete_child("b")
    assert await statuses() == {"a": "running"}
    for act in ("terminate_child", "restart_child", "delete_child"):
        error = await outcome(getattr(sup.call, act)("nobody"))
        assert isinstance(error, Refused)
        assert "not_found" in str(error)
    taken = await outcome(sup.call.start_child(ChildSpec(Counter, name="a")))
    assert "already_started" in str(taken)
    slip = await outcome(sup.call.start_child("a"))
    assert isinstance(slip, Refused)


@on("n1")
async def test_a_child_that_does_not_start_is_not_kept(world: World) -> None:
    class Broken(Counter):
        async def init(self, start: int = 0) -> None:  # type: ignore[override]
            raise ValueError("never")

    await supervise(world)
    error = await outcome(Reference("sup").call.start_child(ChildSpec(Broken, name="x")))
    assert "never" in str(error)
    assert await statuses() == {}
    assert pids(world, "x") == [None]


@on("n1")
async def test_nested_trees_start_restart_and_show_themselves(world: World) -> None:
    inner = SupervisorSpec("inner", [ChildSpec(Counter, name="leaf")], max_restarts=0)
    await supervise(world, ChildSpec(Counter, name="a"), inner)
    before = pids(world, "inner", "leaf")
    await crash(world, "leaf")
    await settle()
    after = pids(world, "inner", "leaf")
    assert all(after)
    assert before[0] != after[0], "the inner supervisor gave up and was restarted by the outer"
    tree = await Reference("sup").call.tree()
    assert [row["id"] for row in tree["children"]] == ["a", "inner"]
    assert tree["children"][1]["restarts"] == 1
    assert tree["children"][1]["tree"]["children"][0]["id"] == "leaf"


@on("n1")
async def test_a_supervisor_that_is_killed_takes_its_children_along(world: World) -> None:
    log: list[Any] = []
    process = await supervise(world, ending(log, "a"), ChildSpec(Counter, name="b"))
    Reference(process.pid).kill()
    await settle()
    assert pids(world, "sup", "a", "b") == [None] * 3
    assert log[-1] == ("terminate", "a", "killed")


@on("n1")
async def test_a_restart_is_exactly_one_event_in_order(world: World) -> None:
    await supervise(world, ChildSpec(Counter, name="a"))
    for _ in range(2):
        await crash(world, "a")
    assert world.supervision() == [
        ("started", "a"),
        ("terminated", "a"),
        ("restarted", "a"),
        ("terminated", "a"),
        ("restarted", "a"),
    ]


@on("n1")
async def test_a_child_killed_while_it_starts_fails_the_start(world: World) -> None:
    class Slow(Counter):
        async def init(self, start: int = 0) -> None:  # type: ignore[override]
            await asyncio.Event().wait()

    task = asyncio.ensure_future(supervise(world, ChildSpec(Slow, name="slow")))
    pid = await until(lambda: world.nodes["n1"].names.whereis("slow"))
    Reference(pid).kill()
    error = await outcome(task)
    assert isinstance(error, StartFailed)
    assert error.reason[1][2] == "killed"
    assert pids(world, "sup", "slow") == [None, None]


@pytest.mark.parametrize(
    ("make", "path"),
    [
        (lambda: ChildSpec(object), "ChildSpec.server"),  # type: ignore[arg-type]
        (lambda: ChildSpec(Counter()), "ChildSpec.server"),  # type: ignore[arg-type]
        (lambda: ChildSpec(Counter, restart="always"), "restart"),  # type: ignore[arg-type]
        (lambda: ChildSpec(Counter, shutdown=-1.0), "shutdown"),
        (lambda: ChildSpec(Counter, shutdown=float("nan")), "shutdown"),
        (lambda: ChildSpec(Counter, args="abc"), "args"),  # type: ignore[arg-type]
        (lambda: ChildSpec(Counter, name=""), "name"),
        (lambda: SupervisorSpec("s", [ChildSpec(Counter), ChildSpec(Counter)]), "children[1].id"),
        (lambda: SupervisorSpec("s", [SupervisorSpec("s")]), "children[0].name"),
        (lambda: SupervisorSpec("s", "abc"), "children"),  # type: ignore[arg-type]
        (lambda: SupervisorSpec("s", [Counter]), "children[0]"),  # type: ignore[list-item]
        (lambda: SupervisorSpec("s", max_restarts=-1), "max_restarts"),
        (lambda: SupervisorSpec("s", max_seconds=0.0), "max_seconds"),
        (lambda: SupervisorSpec("s", strategy="one_for_none"), "strategy"),  # type: ignore[arg-type]
        (lambda: SupervisorSpec("s", auto_shutdown="maybe"), "auto_shutdown"),  # type: ignore[arg-type]
    ],
    ids=range(15),
)
def test_a_bad_spec_is_refused_with_the_path(make: Any, path: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        make()
    assert path in caught.value.path


@on("n1", "n2")
async def test_a_child_whose_name_is_held_elsewhere_is_already_started_there(world: World) -> None:
    await supervise(world, ChildSpec(Counter, name="ended", restart="temporary"))
    held = (await spawn(world.nodes["n2"], ChildSpec(Counter, name="held"))).pid
    sup = Reference("sup")
    error = await outcome(sup.call.start_child(ChildSpec(Counter, id="c", name="held")))
    assert isinstance(error, AlreadyStarted)
    assert error.ref == Reference(held)
    assert "'c' could not start: its name is held by" in str(error)
    # It goes on, and has not kept the spec.
    assert [row["id"] for row in await sup.call.children()] == ["ended"]


class Unable(Counter):
    """Does not start."""

    def init(self, start: int = 0) -> None:
        """Fail."""
        raise ValueError("nope")


@on("n1", "n2")
async def test_a_failed_start_says_in_words_which_child_it_was_and_why(world: World) -> None:
    inner = SupervisorSpec("inner", [ChildSpec(Unable, name="w")])
    words = "its child 'w' could not start: ValueError: nope"
    for outer, begins in (
        (inner, f"'inner' could not start: {words}"),
        (
            SupervisorSpec("outer", [inner]),
            f"'outer' could not start: its child 'inner' could not start: {words}",
        ),
    ):
        error = await outcome(spawn(world.nodes["n1"], outer))
        assert isinstance(error, StartFailed)
        assert str(error).startswith(f"{begins}\n\nThe traceback")
        assert 'raise ValueError("nope")' in str(error)
        assert error.reason[0] == "shutdown"
    await supervise(world)
    error = await outcome(Reference("sup").call.start_child(inner))
    assert isinstance(error, Refused)
    assert str(error).startswith(f"'inner' could not start: {words}\n\nThe traceback")
    assert 'raise ValueError("nope")' in str(error)
    # Events have one line.
    assert all("\n" not in event[3].get("reason", "") for event in world.events)
