"""What a node writes of servers that crash: who, when, what it was handling, and its own lines."""

from __future__ import annotations

import asyncio
import re
from types import SimpleNamespace
from typing import Any

import pytest

from resilkit.errors import Refused, StartFailed
from resilkit.runtime import NO_REPLY, ChildSpec, Reference, Server, SupervisorSpec, spawn
from resilkit.runtime.crash_reports import CrashReports
from tests.runtime.world import World, down, on, outcome, until


class Crasher(Server):
    """Ends in many ways."""

    def init(self, ending: str = "") -> None:
        """Raise when told to, now or in ``terminate``."""
        self.ending = ending
        if ending == "init":
            raise ValueError("not even begun")
        if ending == "refused":
            raise Refused("no")

    def divide(self, by: int) -> float:
        """Raise for 0."""
        return 1 / by

    async def divide_later(self, by: int) -> float:
        """The same after a turn of the loop."""
        await asyncio.sleep(0)
        return 1 / by

    async def ask(self, other: Reference) -> float:
        """Crash by the crash of another one."""
        answer: float = await other.call.divide(0)
        return answer

    def both(self) -> int:
        """Answer twice."""
        self.kept = self.defer()
        return 1

    def end(self, reason: Any) -> None:
        """Stop with a reason."""
        self.stop(reason)

    def refuse(self) -> None:
        """Say no."""
        raise Refused("no")

    def info(self, message: Any) -> None:
        """Crash on any."""
        raise LookupError(f"what is {message}?")

    def terminate(self, reason: Any) -> None:
        """Raise when told to."""
        if self.ending == "terminate":
            raise OSError("cannot clean up")


async def start(world: World, *args: Any, name: str | None = "crasher") -> Reference:
    """Start a `Crasher` on n1."""
    spec = ChildSpec(Crasher, args=args, name=name)
    return Reference((await spawn(world.nodes["n1"], spec)).pid)


@on("n1")
async def test_a_crash_tells_when_who_what_and_where(world: World) -> None:
    crasher = await start(world)
    await outcome(crasher.call.divide(0))
    (report,) = world.crashes
    first, handling, reason, *lines = report.splitlines()
    pid = re.escape(str(crasher.address))
    when = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}\+00:00"
    assert re.fullmatch(rf"=== {when} server crasher \(Crasher, {pid}\) crashed", first)
    assert handling == "while handling: call of divide, from n1"
    assert reason == "reason: ZeroDivisionError: division by zero"
    assert lines[0] == "Traceback (most recent call last):"
    assert re.fullmatch(r'  File ".*test_crash_reports.py", line \d+, in divide', lines[1])
    assert lines[2].strip() == "return 1 / by"
    assert lines[-1] == "ZeroDivisionError: division by zero"
    assert "server_process.py" not in report


@on("n1")
async def test_each_kind_of_message_is_named(world: World) -> None:
    (await start(world)).cast.divide(0)
    await until(lambda: world.crashes)
    (await start(world)).send("tick")
    await until(lambda: world.crashes[1:])
    (await start(world)).send({"what": "a dict"})
    await until(lambda: world.crashes[2:])
    await outcome((await start(world)).call.divide_later(0))
    await (await start(world)).stop("tired")
    await outcome((await start(world)).call.both())
    handled = [re.findall(r"while handling: (.*)", report) for report in world.crashes]
    assert handled == [
        ["cast of divide"],
        ["info of 'tick'"],
        ["info of dict"],
        ["call of divide_later, from n1"],
        ["request to end"],
        [],
    ]
    assert "reason: tired\n" in world.crashes[4]
    assert "both took a Deferred" in world.crashes[5]


@on("n1")
async def test_a_crash_by_the_crash_of_another_shows_the_lines_of_both(world: World) -> None:
    asker, other = await start(world, name="asker"), await start(world, name="other")
    await outcome(asker.call.ask(other))
    first, second = world.crashes
    assert "server other" in first
    assert "server asker" in second
    assert second.index("in ask\n") < second.index("it came with this:") < second.index("in divide")


@on("n1")
async def test_a_failed_init_and_a_failed_terminate_are_told(world: World) -> None:
    with pytest.raises(StartFailed):
        await start(world, "init")
    assert "while handling: init\nreason: ValueError: not even begun\n" in world.crashes[0]
    assert "in init\n" in world.crashes[0]
    await (await start(world, "terminate")).stop()
    assert "while handling: terminate\nreason: OSError: cannot clean up\n" in world.crashes[1]
    assert len(world.crashes) == 2


@on("n1")
async def test_what_is_no_crash_is_not_told(world: World) -> None:
    for reason in ("normal", "shutdown", ("shutdown", "enough")):
        await outcome((await start(world)).call.end(reason))
    with pytest.raises(StartFailed):
        await start(world, "refused")
    crasher = await start(world)
    await outcome(crasher.call.refuse())
    await outcome(crasher.call.no_such_method())
    await outcome(crasher.call.divide(1, 2, 3))
    ended = asyncio.ensure_future(down(world, crasher))
    await asyncio.sleep(0)
    crasher.kill()
    assert await ended == "killed"
    assert world.crashes == []
    broken = SupervisorSpec("tree", [ChildSpec(Crasher, args=("init",), id="broken")])
    with pytest.raises(StartFailed):
        await spawn(world.nodes["n1"], broken)
    assert len(world.crashes) == 1, "of the child, not of its supervisor"


class Trapping(Crasher):
    """Traps exits, as supervisors do: it ends by a message of its own."""

    def init(self, ending: str = "") -> None:
        """Trap them."""
        super().init(ending)
        self.trap_exit = True


@on("n1")
async def test_whom_an_exit_signal_of_the_parent_ends_is_not_told_to_have_crashed(
    world: World,
) -> None:
    leaves = [ChildSpec(Trapping, name="t"), ChildSpec(Trapping, args=("terminate",), name="u")]
    # A supervisor traps exits as well; the leaves below the second one are asked to shut down.
    for tree, below in (
        (SupervisorSpec("lower", leaves), "u"),
        (SupervisorSpec("top", [SupervisorSpec("inner", leaves)]), "inner"),
    ):
        parent = Reference((await spawn(world.nodes["n1"], tree)).pid)
        child = Reference(world.nodes["n1"].names.whereis(below))
        ended = asyncio.ensure_future(down(world, child))
        await asyncio.sleep(0)
        parent.kill()
        reason = await ended
        assert "cannot clean up" in str(reason) if below == "u" else reason == "killed"
    told = [re.findall(r"server (\w+) |handling: (.*)", report) for report in world.crashes]
    assert told == [[("u", ""), ("", "terminate")]] * 2, "what it does by itself is a crash"


class Huge(Exception):
    """Says more than fits anywhere."""

    def __str__(self) -> str:
        return "x" * 10_000_000


class Mute(Exception):
    """Cannot be shown."""

    def __str__(self) -> str:
        raise KeyboardInterrupt

    __repr__ = __str__


class Hostile(Server):
    """Crashes in ways that are hard to tell of."""

    def raise_(self, kind: type[Exception]) -> None:
        """Raise that."""
        raise kind

    def stop_with(self, reason: Any) -> None:
        """Stop with a reason that cannot be shown."""
        self.stop(reason)

    def even(self, left: int) -> Any:
        """Recur, with `odd`, so that no frame is folded with the one before."""
        return self.odd(left - 1) if left else 1 / 0

    def odd(self, left: int) -> Any:
        """Recur."""
        return self.even(left - 1) if left else 1 / 0

    def wait(self) -> Any:
        """Answer never."""
        return NO_REPLY


@on("n1")
async def test_a_report_is_short_and_comes_whatever_the_error_does(world: World) -> None:
    async def crash(method: str, *args: Any) -> str:
        server = Reference((await spawn(world.nodes["n1"], ChildSpec(Hostile))).pid)
        await outcome(getattr(server.call, method)(*args))
        return world.crashes[-1]

    assert "Huge: xxx" in await crash("raise_", Huge)
    assert "Mute: (its str raised KeyboardInterrupt)" in await crash("raise_", Mute)
    assert "(its repr raised KeyboardInterrupt)" in await crash("stop_with", [Mute()])
    deep = await crash("even", 400)
    assert "in even" in deep
    assert deep.endswith("ZeroDivisionError: division by zero\n")
    assert len(world.crashes) == 4
    assert max(len(report) for report in world.crashes) < 8_000


@on("n1")
async def test_a_writer_that_raises_costs_nothing_but_the_report(world: World) -> None:
    def full(_: str) -> None:
        raise OSError("no space left on device")

    node = world.nodes["n1"]
    node.crashes = CrashReports(node.loop, node.clock, full)
    crasher = await start(world, "terminate")
    ended = asyncio.ensure_future(down(world, crasher))
    await asyncio.sleep(0)
    crasher.cast.divide(0)
    assert repr(await ended) == "OSError('cannot clean up')", "its terminate ran as ever"


class Clock:
    """Stands still until it is moved."""

    time = 100.0

    def now(self) -> float:
        """Return the time."""
        return self.time

    wall = now


@on("n1")
async def test_of_many_crashes_some_are_told_and_the_rest_is_counted(world: World) -> None:
    clock, written, later = Clock(), list[str](), list[Any]()
    loop = SimpleNamespace(call_later=lambda *what: later.append(what) or what)
    reports = CrashReports(loop, clock, written.append)  # type: ignore[arg-type]
    process = await spawn(world.nodes["n1"], ChildSpec(Crasher))
    for _ in range(332):
        reports.tell(process, None, "tired")
    assert len(written) == 20
    ((delay, tell),) = later
    assert delay == 1.0
    tell()
    assert written[20:] == ["… 312 more crash reports were left out\n"]
    clock.time += 3.0
    for _ in range(10):
        reports.tell(process, None, "tired")
    assert len(written) == 24
    later.pop()[1]()
    assert written[24:] == ["… 7 more crash reports were left out\n"]
