"""Whoever waits for a message that cannot travel is told, whatever the pickler raised."""

from __future__ import annotations

import pickle
from typing import Any

from resilkit.errors import InvalidArgument, ServerExit
from resilkit.runtime import ChildSpec, Down, Exit, Reference, spawn
from tests.runtime.servers import Counter, Desk, Recorder
from tests.runtime.world import Wire, World, on, outcome, settle


class Careful(Wire):
    """Tells of what cannot be pickled, as a link does."""

    def send(self, node: str, message: tuple[Any, ...]) -> bool:
        """Send, or tell."""
        try:
            pickle.dumps([message], protocol=5)
        except BaseException as error:
            self._world.nodes[self._name].on_unsendable(node, message, error)
            return True
        return super().send(node, message)


class Ends:
    """Ends the process that pickles it, if it is let."""

    def __reduce__(self) -> Any:
        raise SystemExit(3)


class Odd(Desk):
    """Answers, and ends, with what cannot travel."""

    def odd(self) -> Any:
        """Answer."""
        return Ends()

    def answer(self, deferred: Any) -> None:
        """Answer in another's place."""
        deferred.reply(Ends())

    def deny_for(self, deferred: Any) -> None:
        """Answer with an error in another's place."""
        deferred.fail(_odd_error())

    def pass_denied(self, order: str, to: Any) -> None:
        """Let another server deny."""
        to.cast.deny_for(self.waiting[order])

    def quit(self) -> None:
        """End."""
        self.stop(Ends())


class OddError(Exception):
    """An error that can be copied and not be pickled."""

    def __reduce_ex__(self, protocol: Any) -> Any:
        if protocol == 4:  # what `copy` asks for
            return (OddError, ())
        raise KeyboardInterrupt


def _odd_error() -> OddError:
    return OddError()


async def _started(world: World, cls: Any, name: str, node: str) -> Reference:
    for one in world.nodes:
        world.nodes[one].transport = Careful(world, one)
    await spawn(world.nodes[node], ChildSpec(cls, name=name))
    return Reference(name)


@on("n1", "n2")
async def test_a_call_with_it_and_a_reply_of_it_are_errors_of_the_caller(world: World) -> None:
    odd = await _started(world, Odd, "odd", "n2")
    for call in (odd.call.hold(Ends()), odd.call.odd(), odd.stop(Ends())):
        error = await outcome(call)
        assert isinstance(error, InvalidArgument)
        assert "SystemExit" in str(error)
    assert await odd.alive()


@on("n1", "n2", "n3")
async def test_an_answer_in_anothers_place_is_an_error_of_the_caller_too(world: World) -> None:
    desk = await _started(world, Odd, "desk", "n2")
    await _started(world, Odd, "other", "n3")
    waiting = [desk.with_timeout(2.0).call.hold(order) for order in "ab"]
    await desk.call.pass_on("a", Reference("other"))
    await desk.call.pass_denied("b", Reference("other"))
    error = await outcome(waiting[0])
    assert isinstance(error, InvalidArgument)
    assert "the reply cannot travel" in str(error)
    assert "OddError" in str(await outcome(waiting[1]))


@on("n1", "n2")
async def test_watchers_and_linked_ones_are_told_of_an_end_that_cannot_be(world: World) -> None:
    odd = await _started(world, Odd, "odd", "n2")
    spec = ChildSpec(Recorder, kwargs={"trap_exit": True})
    watcher = Reference((await spawn(world.nodes["n1"], spec)).pid)
    await watcher.call.watch(odd)
    await watcher.call.tie(odd)
    await settle()
    error = await outcome(odd.call.quit())
    assert isinstance(error, ServerExit)
    assert "Ends" in str(error.reason)
    await settle()
    seen = await watcher.call.messages()
    assert {type(one) for one in seen} == {Down, Exit}
    assert all("Ends" in str(one.reason) for one in seen)


@on("n1", "n2")
async def test_a_cast_with_it_is_an_alert(world: World) -> None:
    counter = await _started(world, Counter, "c", "n2")
    counter.cast.increment(Ends())
    assert await counter.call.increment() == 1
    assert ("alert", "unsendable") in [event[:2] for event in world.events]
