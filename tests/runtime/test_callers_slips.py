"""Arguments that do not fit are the caller's error, however the handler is made."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import Any

import pytest

from resilkit.errors import InvalidArgument, ServerExit
from resilkit.runtime import ChildSpec, Server, spawn
from tests.runtime.world import World, on, outcome, settle


def noted(handler: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate as many do."""

    @functools.wraps(handler)
    def inner(*args: Any, **kwargs: Any) -> Any:
        return handler(*args, **kwargs)

    return inner


def awaited(handler: Callable[..., Any]) -> Callable[..., Any]:
    """Do the same to one that awaits."""

    @functools.wraps(handler)
    async def inner(*args: Any, **kwargs: Any) -> Any:
        return await handler(*args, **kwargs)

    return inner


def giving(handler: Callable[..., Any]) -> Callable[..., Any]:
    """Give the handler one argument more than its callers do."""

    @functools.wraps(handler)
    def inner(self: Any, *args: Any) -> Any:
        return handler(self, "given", *args)

    return inner


class Decorated(Server):
    """Handlers that are more than a plain function."""

    @noted
    @noted
    def wrapped(self, one: int) -> int:
        """Add one."""
        return one + 1

    @awaited
    async def later(self, one: int) -> int:
        """Add one."""
        return one + 1

    @giving
    def helped(self, given: str, one: int) -> int:
        """Add one."""
        assert given == "given"
        return one + 1

    def plain(self, one: int) -> int:
        """Add one."""
        return one + 1

    index = staticmethod(operator.index)
    """Written in C."""


FITTING = {"plain": 1, "wrapped": 1, "later": 1, "helped": 1, "index": 2}


@pytest.mark.parametrize("method", ["plain", "wrapped", "later", "index"])
def test_arguments_that_do_not_fit_end_no_server(method: str) -> None:
    @on("n1")
    async def run(world: World) -> None:
        n1 = world.nodes["n1"]
        process = await spawn(n1, ChildSpec(Decorated))
        for args in ((), (1, 2, 3)):
            error = await outcome(n1.call(process.pid, method, args, None, 1.0))
            assert isinstance(error, InvalidArgument), (method, args, error)
        error = await outcome(n1.call(process.pid, method, (1,), {"other": 1}, 1.0))
        assert isinstance(error, InvalidArgument)
        n1.cast(process.pid, method, (), None)
        await settle()
        assert ("alert", "bad_message") in [event[:2] for event in world.events]
        assert await n1.call(process.pid, method, (FITTING[method],), None, 1.0) == 2

    run()


@pytest.mark.parametrize("method", ["plain", "wrapped", "later", "helped", "index"])
def test_a_type_error_of_the_handlers_own_is_a_crash(method: str) -> None:
    @on("n1")
    async def run(world: World) -> None:
        n1 = world.nodes["n1"]
        process = await spawn(n1, ChildSpec(Decorated))
        assert await n1.call(process.pid, method, (FITTING[method],), None, 1.0) == 2
        error = await outcome(n1.call(process.pid, method, ("x",), None, 1.0))
        assert isinstance(error, ServerExit), (method, error)
        assert isinstance(error.reason, TypeError)
        assert not process.alive

    run()
