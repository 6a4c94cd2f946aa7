"""Supervisors: OTP's rules 4, 5 and 6: starts, group restarts, shutdown."""

from __future__ import annotations

import asyncio
from typing import Any

from resilkit.errors import StartFailed
from resilkit.runtime import ChildSpec, Reference, SupervisorSpec, spawn
from tests.runtime.servers import Counter, Ending, Recorder
from tests.runtime.supervising import crash, ending, pids, statuses, supervise
from tests.runtime.world import World, down, on, outcome, settle

# Rule 4: the initial start -----------------------------------------------------------------------


@on("n1")
async def test_initial_start_is_left_to_right_and_a_failure_stops_those_started_in_reverse(
    world: World,
) -> None:
    log: list[Any] = []

    class Broken(Counter):
        def init(self, start: int = 0) -> None:
            log.append("broken init")
            raise ValueError("never")

    children = [
        ending(log, "a"), ending(log, "b"), ChildSpec(Broken, id="c"), ending(log, "d"),
    ]  # fmt: skip
    error = await outcome(supervise(world, *children))
    assert isinstance(error, StartFailed)
    kind, (failed, child, reason) = error.reason
    assert (kind, failed, child) == ("shutdown", "failed_to_start_child", "c")
    assert isinstance(reason, ValueError)
    assert log == [
        ("init", "a"),
        ("init", "b"),
        "broken init",
        ("terminate", "b", "shutdown"),
        ("terminate", "a", "shutdown"),
    ]
    assert pids(world, "sup", "a", "b", "c") == [None] * 4


# Rule 5: group restarts --------------------------------------------------------------------------


@on("n1")
async def test_one_for_one_restarts_only_the_child_that_ended(world: World) -> None:
    log: list[Any] = []
    await supervise(world, *(ending(log, name) for name in "abc"))
    log.clear()
    await crash(world, "b")
    assert log == [("terminate", "b", "crash"), ("init", "b")]


@on("n1")
async def test_one_for_all_stops_in_reverse_then_starts_in_order(world: World) -> None:
    log: list[Any] = []
    await supervise(world, *(ending(log, name) for name in "abc"), strategy="one_for_all")
    log.clear()
    await crash(world, "b")
    assert log == [
        ("terminate", "b", "crash"),
        ("terminate", "c", "shutdown"),
        ("terminate", "a", "shutdown"),
        ("init", "a"),
        ("init", "b"),
        ("init", "c"),
    ]


@on("n1")
async def test_rest_for_one_restarts_the_child_and_those_after_it(world: World) -> None:
    log: list[Any] = []
    await supervise(world, *(ending(log, name) for name in "abcd"), strategy="rest_for_one")
    log.clear()
    await crash(world, "b")
    assert log == [
        ("terminate", "b", "crash"),
        ("terminate", "d", "shutdown"),
        ("terminate", "c", "shutdown"),
        ("init", "b"),
        ("init", "c"),
        ("init", "d"),
    ]


@on("n1")
async def test_an_exit_that_needs_no_restart_leaves_the_siblings_alone(world: World) -> None:
    for restart, reason in (("temporary", "crash"), ("transient", "normal")):
        log: list[Any] = []
        name = f"s-{restart}"
        children = [
            ending(log, f"{restart}-a", restart=restart),
            ending(log, f"{restart}-b"),
        ]
        await spawn(world.nodes["n1"], SupervisorSpec(name, children, strategy="one_for_all"))
        log.clear()
        await crash(world, f"{restart}-a", reason)
        assert log == [("terminate", f"{restart}-a", reason)]


@on("n1")
async def test_a_group_restart_revives_finished_transient_children(world: World) -> None:
    log: list[Any] = []
    await supervise(
        world,
        ending(log, "a", restart="transient"),
        ending(log, "b"),
        strategy="one_for_all",
    )
    await crash(world, "a", "normal")
    assert (await statuses())["a"] == "terminated"
    log.clear()
    await crash(world, "b")
    assert [entry for entry in log if entry[0] == "init"] == [("init", "a"), ("init", "b")]


@on("n1")
async def test_a_group_restart_drops_temporary_children(world: World) -> None:
    log: list[Any] = []
    await supervise(
        world,
        ending(log, "a"),
        ending(log, "t", restart="temporary"),
        strategy="one_for_all",
    )
    await crash(world, "a")
    assert await statuses() == {"a": "running"}
    assert ("terminate", "t", "shutdown") in log


# Rule 6: shutdown --------------------------------------------------------------------------------


@on("n1")
async def test_stopping_a_supervisor_stops_children_right_to_left(world: World) -> None:
    log: list[Any] = []
    await supervise(world, *(ending(log, name) for name in "abc"))
    log.clear()
    await Reference("sup").stop()
    assert log == [("terminate", name, "shutdown") for name in "cba"]


@on("n1")
async def test_brutal_kill_never_runs_terminate(world: World) -> None:
    log: list[Any] = []
    await supervise(world, ending(log, "a", shutdown="brutal_kill"))
    await Reference("sup").call.terminate_child("a")
    assert log == [("init", "a")]
    assert pids(world, "a") == [None]


class Stubborn(Ending):
    """Does not end when it is asked to."""

    async def terminate(self, reason: Any) -> None:
        """Never finish."""
        self.log.append("asked")
        await asyncio.Event().wait()


@on("n1")
async def test_a_child_that_takes_longer_than_its_shutdown_is_killed(world: World) -> None:
    log: list[Any] = []
    await supervise(world, ChildSpec(Stubborn, name="a", args=(log,), shutdown=0.02))
    watch = asyncio.ensure_future(down(world, Reference("a")))
    await settle()
    await Reference("sup").call.terminate_child("a")
    assert await watch == "killed"
    assert log[-1] == "asked"


@on("n1")
async def test_a_child_that_unlinked_itself_is_still_stopped_and_awaited(world: World) -> None:
    class Loner(Ending):
        def leave(self) -> None:
            assert self._process.parent is not None
            self.unlink(Reference(self._process.parent))

    log: list[Any] = []
    await supervise(world, ChildSpec(Loner, name="a", args=(log, "a")))
    await Reference("a").call.leave()
    await settle()
    await Reference("sup").call.terminate_child("a")
    assert pids(world, "a") == [None]
    assert log[-1] == ("terminate", "a", "shutdown")


@on("n1")
async def test_defaults_are_five_seconds_for_workers_and_no_limit_for_supervisors(
    world: World,
) -> None:
    assert ChildSpec(Counter).shutdown == 5.0
    assert SupervisorSpec("s").shutdown is None


@on("n1")
async def test_a_child_that_ended_just_before_it_was_stopped_is_told_with_its_own_reason(
    world: World,
) -> None:
    class Follower(Recorder):
        def init(self) -> None:  # type: ignore[override]
            super().init(trap_exit=True)
            self.monitor("a")

        def info(self, message: Any) -> None:
            self.stop(("follows", message.reason))

    await supervise(
        world,
        ChildSpec(Counter, name="a"),
        ChildSpec(Follower, name="b"),
        strategy="rest_for_one",
    )
    Reference("a").kill()
    await settle()
    ended = {
        target: (detail["reason"], detail["asked"])
        for kind, event, target, detail in world.events
        if (kind, event) == ("supervision", "terminated")
    }
    assert ended == {"a": ("killed", False), "b": ("('follows', 'killed')", False)}


class Stumbling(Ending):
    """Cannot start as often as a list of the test's is long."""

    def init(self, log: list[Any], name: str = "", *, fails: list[int] = ()) -> None:  # type: ignore[override, assignment]
        """Take one off the list and fail, or start."""
        super().init(log, name)
        if fails:
            fails.pop()
            raise ValueError("not yet")


@on("n1")
async def test_in_a_group_restart_nobody_starts_ahead_of_one_that_did_not(world: World) -> None:
    for strategy in ("one_for_all", "rest_for_one"):
        log: list[Any] = []
        fails: list[int] = []
        middle = ChildSpec(Stumbling, name="b", args=(log, "b"), kwargs={"fails": fails})
        children = ending(log, "a"), middle, ending(log, "c")
        supervisor = await supervise(world, *children, strategy=strategy, max_restarts=9)
        log.clear()
        fails += [1, 2]
        await crash(world, "a")
        started = [name for what, name, *_ in log if what == "init"]
        # Each try stops at the one that cannot start. The next begins anew with it and the others.
        first = ["a", "b"] if strategy == "one_for_all" else ["b"]
        assert started == ["a", "b", *first, *first, "c"]
        assert set((await statuses()).values()) == {"running"}
        supervisor.end("shutdown")
        await settle()
