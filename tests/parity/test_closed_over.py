"""A reference of the notebook is a plain one inside a server, however it got there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import resilkit as rk
from tests.parity.grounds import eventually
from tests.parity.servers import Counter


class Using(rk.Server):
    """Uses a reference in all ways that a server has."""

    def counter(self) -> Any:
        raise NotImplementedError

    async def increment(self) -> int:
        reference = self.counter()
        reference.cast.increment()
        return await reference.call.increment() + await reference.acall.increment()

    async def increment_within(self, seconds: float) -> int:
        return await self.counter().with_timeout(seconds).call.increment()

    async def asked(self) -> list[Any]:
        reference = self.counter()
        await reference.sync()
        state = await reference.state()
        alive, length = await reference.alive(), await reference.queue_length()
        return [state["value"], alive, length, reference.pid.node, repr(reference), reference.name]

    async def stop_it(self) -> bool:
        reference = self.counter()
        await reference.stop()
        return await reference.alive()

    def kill_it(self) -> None:
        self.monitor(self.counter())
        self.counter().kill()

    def info(self, message: object) -> None:
        if isinstance(message, rk.Down):
            self.counter_ended = message.reason

    def of_the_notebook(self, what: str) -> str:
        try:
            getattr(self.counter(), what)()
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        return "nothing"

    async def hand_on(self, other: rk.Reference) -> int:
        return await other.call.increment_of(self.counter())

    async def increment_of(self, reference: rk.Reference) -> int:
        return await reference.call.increment()


def in_closure(reference: Any) -> tuple[Any, ...]:
    class Closing(Using):
        def counter(self) -> Any:
            return reference

    return (Closing,)


def as_global(reference: Any) -> tuple[Any, ...]:
    names: dict[str, Any] = {"Using": Using, "__name__": "__main__", "counter": reference}
    code = "class Global(Using):\n    def counter(self):\n        return counter\n"
    exec(code, names)  # noqa: S102 - as a notebook does
    return (names["Global"],)


def as_attribute(reference: Any) -> tuple[Any, ...]:
    class Having(Using):
        held = reference

        def counter(self) -> Any:
            return self.held

    return (Having,)


class Given(Using):
    def init(self, reference: rk.Reference, deep: dict[str, Any]) -> None:
        assert deep["reference"] == reference
        self.deep = deep

    def counter(self) -> Any:
        return self.deep["reference"]


def as_argument(reference: Any) -> tuple[Any, ...]:
    return (Given, reference, {"reference": reference})


HOW: list[Callable[[Any], tuple[Any, ...]]] = [in_closure, as_global, as_attribute, as_argument]


@pytest.fixture(params=HOW, ids=lambda how: how.__name__)
def using(request: pytest.FixtureRequest, cluster: rk.Cluster) -> Iterator[Any]:
    """Return a server on another node than the counter that it uses."""
    counter = cluster.start(Counter, name="counter", node="n2")
    return cluster.start(*request.param(counter), name="using", node="n1")


def test_a_server_calls_and_casts_by_it(cluster: rk.Cluster, using: Any) -> None:
    assert using.call.increment() == 2 + 3
    assert using.call.increment_within(2.0) == 4
    assert cluster.whereis("counter").call.get() == 4


def test_a_server_asks_by_it_about_the_process(using: Any) -> None:
    assert using.call.asked() == [0, True, 0, "n2", "Reference('counter')", "counter"]


def test_a_server_stops_by_it(using: Any) -> None:
    assert using.call.stop_it() is False


def test_a_server_kills_by_it_and_monitors_it(cluster: rk.Cluster, using: Any) -> None:
    using.call.kill_it()
    eventually(cluster, lambda: using.state().get("counter_ended") == "killed")


def test_a_server_hands_it_on(cluster: rk.Cluster, using: Any) -> None:
    other = cluster.start(Counter, name="other", node="n3")
    assert other.call.echo(1) == 1
    third = cluster.start(Given, other, {"reference": other}, name="third", node="n3")
    assert using.call.hand_on(third) == 1
    assert cluster.whereis("counter").call.get() == 1


@pytest.mark.parametrize("what", ["monitor", "trace", "children", "tree"])
def test_what_only_a_notebook_has_it_has_not_in_a_server(using: Any, what: str) -> None:
    words = {"monitor": "InvalidArgument: monitor: only a notebook's references have monitors"}
    none = f"AttributeError: 'Reference' object has no attribute {what!r}"
    assert using.call.of_the_notebook(what).startswith(words.get(what, none))


def test_it_blocks_in_the_notebook_as_ever(cluster: rk.Cluster, using: Any) -> None:
    counter = cluster.whereis("counter")
    assert using.call.increment() == 5
    assert counter.call.increment() == 4
    assert counter.state()["value"] == 4
    assert repr(counter).startswith("<server 'counter' ")
