"""Reasons and exceptions that raise when they are looked at: the server ends, all are told."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from resilkit.errors import ServerExit
from resilkit.runtime import ChildSpec, Reference, Server, SupervisorSpec, reasons, spawn
from resilkit.runtime.rules import CrashRule
from tests.runtime.world import World, on, outcome, until


class Uncomparable(Exception):
    """Raises when it is compared, as an array does when it is asked for one truth."""

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("not to be compared")

    __hash__ = None  # type: ignore[assignment]


class Array:
    """Likewise, and no exception."""

    def __eq__(self, other: object) -> bool:
        raise ValueError("the truth value of an array is ambiguous")

    __hash__ = None  # type: ignore[assignment]


class Untraceable(TypeError):
    """Hides where it was raised; looks like a caller's slip at first."""

    __traceback__ = property(lambda _: 1 / 0)  # type: ignore[assignment]


class Unclassed(Exception):
    """Does not even say what it is."""

    __class__ = property(lambda _: 1 / 0)  # type: ignore[assignment]


class Counting(Exception):
    """Counts who asks for its text; each might take long."""

    asked: ClassVar[int] = 0

    def __str__(self) -> str:
        Counting.asked += 1
        return "slowly said"


class Mute(Exception):
    """Has no text, and keeps no notes."""

    def __str__(self) -> str:
        raise KeyboardInterrupt

    __repr__ = __str__

    def __setattr__(self, name: str, value: object) -> None:
        raise RuntimeError(name)


class Ender(Server):
    """Ends as a test wants."""

    def quit(self, kind: type[Any]) -> None:
        """Stop."""
        self.stop(kind())

    def fail(self, kind: type[BaseException]) -> None:
        """Crash."""
        raise kind

    async def fail_later(self, kind: type[BaseException]) -> None:
        """Crash, in a coroutine."""
        raise kind


SPEC = SupervisorSpec("top", children=[ChildSpec(Ender, name="a")], max_restarts=50)


async def restarted(world: World, times: int) -> None:
    wanted = [("terminated", "a"), ("restarted", "a")] * times
    await until(lambda: world.supervision("terminated", "restarted") == wanted)


@on("n1", "n2")
async def test_a_reason_that_cannot_be_compared_is_one_like_others(world: World) -> None:
    await spawn(world.nodes["n2"], SPEC)
    ender = Reference("a").with_timeout(2)
    for number, kind in enumerate((Uncomparable, Array)):
        error = await outcome(ender.call.quit(kind))
        assert isinstance(error, ServerExit)
        assert isinstance(error.reason, kind)
        await restarted(world, 3 * number + 1)
        await ender.stop(kind())
        await restarted(world, 3 * number + 2)
        ender.exit(kind())
        await restarted(world, 3 * number + 3)


@pytest.mark.parametrize("kind", [Uncomparable, Untraceable, Unclassed, Mute, Counting])
def test_an_exception_that_bites_ends_the_server_and_answers(kind: type[Exception]) -> None:
    @on("n1", "n2")
    async def run(world: World) -> None:
        await spawn(world.nodes["n2"], SPEC)
        ender = Reference("a").with_timeout(2)
        for number, method in enumerate(("fail", "fail_later")):
            error = await outcome(getattr(ender.call, method)(kind))
            assert isinstance(error, ServerExit)
            assert kind.__name__ in str(error)
            await restarted(world, number + 1)
            assert await ender.alive()

    run()


@on("n1")
async def test_an_exception_is_asked_for_its_text_once(world: World) -> None:
    await spawn(world.nodes["n1"], SPEC)
    Counting.asked = 0
    error = await outcome(Reference("a").with_timeout(2).call.fail(Counting))
    await restarted(world, 1)
    assert "Counting: slowly said" in str(error)
    assert Counting.asked == 1
    (why,) = [one[3]["reason"] for one in world.events if one[1] == "terminated"]
    assert why == "Counting: slowly said"


@on("n1")
async def test_what_goes_wrong_at_the_end_keeps_nobody_from_hearing_of_it(world: World) -> None:
    await spawn(world.nodes["n1"], SPEC)
    pid = world.nodes["n1"].names.whereis("a")
    assert pid is not None
    process = world.nodes["n1"].processes[pid.number]

    class Timer:
        def cancel(self) -> None:
            raise RuntimeError("the timer broke")

    process.timers[Timer()] = None  # type: ignore[attr-defined]
    with pytest.raises(RuntimeError, match="timer"):
        process.end("over")
    await restarted(world, 1)


def test_reasons_are_told_apart_without_asking_them() -> None:
    for reason in (Uncomparable(), Array(), (Array(), 1), Unclassed()):
        assert not reasons.is_shutdown(reason)
        assert not reasons.is_text(reason, "kill")
        assert reasons.describe(reason)
    rule = CrashRule("f", rng=None, reason=Array())  # type: ignore[arg-type]
    assert isinstance(rule.reason, Array)
