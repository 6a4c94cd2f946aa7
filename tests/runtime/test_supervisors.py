"""Supervisors: OTP's rules 1, 2, 3 and 7: intensity, restart types, specs, significance."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from resilkit.errors import InvalidArgument, Refused
from resilkit.runtime import ChildSpec, Reference, SupervisorSpec, spawn
from tests.runtime.servers import Counter
from tests.runtime.supervising import crash, ending, pids, statuses, supervise
from tests.runtime.world import World, down, on, outcome, settle, until

# Rule 1: intensity -------------------------------------------------------------------------------


@on("n1")
async def test_intensity_more_than_max_restarts_ends_the_supervisor_with_shutdown(
    world: World,
) -> None:
    log: list[Any] = []
    process = await supervise(
        world, ending(log, "a"), ending(log, "b"), max_restarts=2, max_seconds=60.0
    )
    ended = asyncio.ensure_future(down(world, Reference(process.pid)))
    for _ in range(2):
        await crash(world, "a")
    assert process.alive, "exactly max_restarts is allowed"
    await crash(world, "a")
    assert await ended == "shutdown"
    assert ("terminate", "b", "shutdown") in log
    assert ("gave_up", "sup") in world.supervision("gave_up")


@on("n1")
async def test_intensity_zero_restarts_ends_at_the_first_crash(world: World) -> None:
    process = await supervise(world, ChildSpec(Counter, name="a"), max_restarts=0)
    await crash(world, "a")
    assert not process.alive


@on("n1")
async def test_intensity_one_group_restart_counts_once(world: World) -> None:
    children = [ChildSpec(Counter, name=name) for name in "abcd"]
    process = await supervise(world, *children, strategy="one_for_all", max_restarts=2)
    for _ in range(2):
        await crash(world, "b")
    assert process.alive
    assert all(pids(world, *"abcd"))


@on("n1")
async def test_intensity_each_failed_restart_attempt_counts(world: World) -> None:
    attempts: list[str] = []

    class Flaky(Counter):
        def init(self, start: int = 0) -> None:
            attempts.append("init")
            if len(attempts) > 1:
                raise ValueError("cannot start again")

    process = await supervise(world, ChildSpec(Flaky, name="a"), max_restarts=3)
    await crash(world, "a")
    await until(lambda: not process.alive)
    # The crash is the first restart; its failure and the next two make more than three.
    assert len(attempts) == 1 + 3


@on("n1")
async def test_intensity_a_child_that_is_not_restarted_counts_nothing(world: World) -> None:
    children = [ChildSpec(Counter, name=name, restart="temporary") for name in "abcd"]
    process = await supervise(world, *children, max_restarts=0)
    for name in "abcd":
        await crash(world, name)
    assert process.alive


@on("n1")
async def test_intensity_old_restarts_do_not_count(world: World) -> None:
    process = await supervise(world, ChildSpec(Counter, name="a"), max_restarts=1, max_seconds=0.02)
    for _ in range(5):
        await crash(world, "a")
        before = world.nodes["n1"].clock.now()
        await until(lambda before=before: world.nodes["n1"].clock.now() > before + 0.03)
    assert process.alive


# Rule 2: restart types ---------------------------------------------------------------------------


@pytest.mark.parametrize("restart", ["permanent", "transient", "temporary"])
@pytest.mark.parametrize(
    "reason", ["normal", "shutdown", ("shutdown", "x"), "crash", "killed"], ids=str
)
def test_restart_types_by_reason(restart: str, reason: Any) -> None:
    restarted = restart == "permanent" or (restart == "transient" and reason in ("crash", "killed"))

    @on("n1")
    async def check(world: World) -> None:
        await supervise(world, ChildSpec(Counter, name="a", restart=restart))
        [before] = pids(world, "a")
        await crash(world, "a", reason)
        [after] = pids(world, "a")
        assert (after is not None and after != before) is restarted
        expected = {"permanent": 1, "transient": 1, "temporary": 0}[restart]
        assert len(await Reference("sup").call.children()) == expected

    check()


@on("n1")
async def test_a_transient_supervisor_that_gave_up_is_not_restarted_a_permanent_one_is(
    world: World,
) -> None:
    for restart, expected in (("transient", False), ("permanent", True)):
        name = f"inner-{restart}"
        inner = SupervisorSpec(
            name, [ChildSpec(Counter, name=f"c-{restart}")], max_restarts=0, restart=restart
        )
        outer = await spawn(world.nodes["n1"], SupervisorSpec(f"outer-{restart}", [inner]))
        await crash(world, f"c-{restart}")
        await settle()
        [holder] = pids(world, name)
        assert (holder is not None) is expected
        assert outer.alive


# Rule 3: specs -----------------------------------------------------------------------------------


@on("n1")
async def test_a_finished_transient_child_keeps_its_spec(world: World) -> None:
    spec = ChildSpec(Counter, name="a", restart="transient")
    await supervise(world, spec)
    await crash(world, "a", "normal")
    assert await statuses() == {"a": "terminated"}
    error = await outcome(Reference("sup").call.start_child(spec))
    assert isinstance(error, Refused)
    assert "already_present" in str(error)
    await Reference("sup").call.restart_child("a")
    assert await Reference("a").call.increment() == 1


@on("n1")
async def test_a_temporary_childs_spec_goes_with_it(world: World) -> None:
    spec = ChildSpec(Counter, name="a", restart="temporary")
    await supervise(world, spec)
    await crash(world, "a")
    assert await statuses() == {}
    await Reference("sup").call.start_child(spec)
    assert await statuses() == {"a": "running"}


# Rule 7: significant children --------------------------------------------------------------------


@on("n1")
async def test_any_significant_child_that_ends_by_itself_ends_the_supervisor(world: World) -> None:
    process = await supervise(
        world,
        ChildSpec(Counter, name="a", restart="transient", significant=True),
        ChildSpec(Counter, name="b", restart="transient", significant=True),
        auto_shutdown="any_significant",
    )
    ended = asyncio.ensure_future(down(world, Reference(process.pid)))
    await settle()
    await crash(world, "a", "normal")
    assert await ended == "shutdown"


@on("n1")
async def test_all_significant_waits_for_the_last_one(world: World) -> None:
    process = await supervise(
        world,
        ChildSpec(Counter, name="a", restart="temporary", significant=True),
        ChildSpec(Counter, name="b", restart="temporary", significant=True),
        ChildSpec(Counter, name="c"),
        auto_shutdown="all_significant",
    )
    await crash(world, "a")
    assert process.alive
    await crash(world, "b")
    await until(lambda: not process.alive)


@on("n1")
async def test_a_significant_child_that_the_supervisor_stops_ends_nothing(world: World) -> None:
    process = await supervise(
        world,
        ChildSpec(Counter, name="a", restart="transient", significant=True),
        auto_shutdown="any_significant",
    )
    await Reference("sup").call.terminate_child("a")
    await settle()
    assert process.alive


def test_significance_that_could_never_act_is_rejected() -> None:
    with pytest.raises(InvalidArgument, match="permanent"):
        SupervisorSpec("s", [ChildSpec(Counter, significant=True)], auto_shutdown="any_significant")
    with pytest.raises(InvalidArgument, match="never"):
        SupervisorSpec("s", [ChildSpec(Counter, restart="transient", significant=True)])


# What people see and type ------------------------------------------------------------------------


def test_the_repr_of_a_supervisor_is_short_and_names_its_children() -> None:
    children = [ChildSpec(Counter, name=f"c{number}") for number in range(7)]
    few = SupervisorSpec("few", [*children[:1], SupervisorSpec("inner")], strategy="one_for_all")
    assert repr(few) == "<SupervisorSpec 'few', one_for_all: c0, inner>"
    many = repr(SupervisorSpec("many", children))
    assert many == "<SupervisorSpec 'many', one_for_one: c0, c1, c2, c3, c4, and 2 more>"
    assert repr(SupervisorSpec("none")) == "<SupervisorSpec 'none', one_for_one: no children>"


@pytest.mark.parametrize("name", ["", "a\0b", "\ud800", "x" * 256, 3], ids=ascii)
def test_a_name_that_nobody_could_write_down_is_refused(name: Any) -> None:
    for make in (lambda: ChildSpec(Counter, name=name), lambda: SupervisorSpec(name)):
        with pytest.raises(InvalidArgument, match="name: must be a name"):
            make()
