"""A system that is its own model: what it replies with nobody else there."""

from __future__ import annotations

import asyncio

import resilkit as rk
from resilkit.testing import Call, Cast, Model, Trial
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
