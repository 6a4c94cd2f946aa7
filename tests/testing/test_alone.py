"""A system that is its own model: what it replies with nobody else there."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import resilkit as rk
from resilkit.testing import Call, Cast, Model, Trial, find_races, run_trial
from tests.testing.servers import Counter


class Slow(rk.Server):
    """Takes its time before it hands on what it is sent."""

    def init(self, pause: float) -> None:
        self.pause = pause

    async def add(self, by: int) -> None:
        await asyncio.sleep(self.pause)
        self.whereis("counter").cast.increment(by)


def alone(*servers: rk.ChildSpec) -> Model:
    system = rk.SupervisorSpec("all", list(servers))
    model = Trial(system, model=system).pure_model()
    assert model is not None
    return model


def test_it_begins_anew_for_each_order_of_operations() -> None:
    model = alone(rk.ChildSpec(Counter, name="counter"))
    reply, once = model.step(model.initial, Call("increment", by=2))
    assert reply == 2
    assert model.step(once, Call("increment", by=3))[0] == 5
    assert model.step(model.initial, Call("increment", by=3))[0] == 3


def test_an_operation_follows_when_the_cast_before_it_has_had_its_effect() -> None:
    slow = rk.ChildSpec(Slow, name="slow", args=(0.1,))
    model = alone(rk.ChildSpec(Counter, name="counter"), slow)
    _, after = model.step(model.initial, Cast("add", 4, to="slow"))
    assert model.step(after, Call("get", to="counter"))[0] == 4


def test_orders_that_leave_the_same_behind_are_one_state() -> None:
    model = alone(rk.ChildSpec(Counter, name="counter"))

    def after(*operations: Call) -> object:
        state = model.initial
        for each in operations:
            _, state = model.step(state, each)
        return state

    one, two = Call("increment", by=1), Call("increment", by=2)
    assert after(one, two) == after(two, one)
    assert after(one) != after(two)


class Restless(rk.Server):
    """Has something to do all the time."""

    def init(self) -> None:
        async def poll() -> None:
            while True:  # noqa: ASYNC110 - what it is about
                await asyncio.sleep(0)

        self.work = asyncio.create_task(poll())

    def get(self) -> int:
        return 1


class Homely(rk.Server):
    """Starts on the second node only."""

    def init(self) -> None:
        if self.node != "n2":
            raise ValueError("this is no place for me")

    def get(self) -> int:
        return 1


HOMELY = {"n2": rk.ChildSpec(Homely, name="homely")}


@pytest.mark.parametrize(
    ("system", "nodes", "why"),
    [
        (Restless, 1, "does not come to rest after its start"),
        (HOMELY, 2, "'homely' could not start: ValueError: this is no place for me"),
    ],
    ids=["restless", "homely"],
)
def test_a_system_that_cannot_be_run_alone_is_refused_as_a_model(
    system: Any, nodes: int, why: str
) -> None:
    trial = Trial(system, [Call("get")], nodes=nodes)
    assert run_trial(trial).passed
    with pytest.raises(rk.InvalidArgument, match=why) as refused:
        run_trial(trial.replaced(model=system))
    assert refused.value.path == "model"
    assert "Model(initial, step)" in str(refused.value)
    with pytest.raises(rk.InvalidArgument, match=why):
        find_races(system, [Call("get")], nodes=nodes, seeds=range(1), progress=False)


class Busy(rk.Server):
    """Comes to rest after very many turns."""

    def init(self) -> None:
        self.left = 0

    def work(self, turns: int) -> None:
        self.left = turns

        async def go_on() -> None:
            while self.left:
                self.left -= 1
                await asyncio.sleep(0)

        self.working = asyncio.create_task(go_on())

    def open(self) -> int:
        return self.left


def test_a_system_may_take_many_turns_to_come_to_rest() -> None:
    model = alone(rk.ChildSpec(Busy, name="busy"))
    _, after = model.replies(model.initial, Cast("work", 20_000))
    assert model.step(after, Call("open"))[0] == 0


class Tallying(rk.Server):
    total = 0

    def add(self, by: int) -> int:
        type(self).total += by
        return self.total


class Later(Tallying):
    """Goes on from elsewhere."""

    total = 100


def test_what_all_runs_share_is_named_where_a_system_does_not_do_as_it_does_alone() -> None:
    adding = [Call("add", 1)] * 2
    shared = run_trial(Trial(Tallying, adding, model=Tallying)).failure
    assert shared is not None
    assert shared.message.endswith(
        " (a likely cause, if neither is wrong: module globals and class attributes, which all "
        "runs of a process share)"
    )
    # Another system that is the model may be wrong, or right.
    other = run_trial(Trial(Tallying, adding, model=Later)).failure
    assert other is not None
    assert "likely" not in other.message
