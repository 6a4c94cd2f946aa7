"""What a system that is its own model remembers from one operation to the next."""

from __future__ import annotations

import asyncio
import gc
import random
import uuid
import weakref
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import pytest

import resilkit as rk
from resilkit.testing import Call, Cast, Concurrent, Trial, find_races, run_trial
from resilkit.testing.model import Answer
from tests.testing.servers import Counter

NAP = 2.0
"""Virtual seconds."""

SETTING: ContextVar[int] = ContextVar("setting", default=0)


def replies(system: Any, *operations: Call | Cast) -> list[Any]:
    """Return what a system replies with nobody else there; of an error its class."""
    return list(one_by_one(system, operations))


def one_by_one(system: Any, operations: tuple[Call | Cast, ...]) -> Iterator[Any]:
    model = Trial(system, model=system, nodes=1).pure_model()
    assert model is not None
    state = model.initial
    for each in operations:
        answer, state = model.replies(state, each)
        assert isinstance(answer, Answer)
        yield answer.reply if answer.error is None else type(answer.error)


class Deep(rk.Server):
    """Has what `vars` does not show, in all the places where a server may have it."""

    __slots__ = ("hidden",)

    def init(self) -> None:
        self.heard = 0

    def info(self, message: object) -> None:
        self.heard += 1

    def hears(self) -> int:
        return self.heard

    def put(self, value: int) -> None:
        self.storage.put("key", value)

    def get(self) -> Any:
        return self.storage.get("key")

    def draw(self) -> float:
        return self.rng.random()

    def draw_from_library(self) -> float:
        return random.random()  # noqa: TID251, S311 - as servers of users do

    def draw_name(self) -> str:
        return str(uuid.uuid4())

    def join(self) -> None:
        self.subscribe("news")

    def tell(self) -> None:
        self.publish("news")

    def tie(self) -> None:
        self.link("other")

    def watch(self) -> None:
        self.monitor("other")

    def end(self) -> None:
        self.stop("the end")

    def trap(self) -> None:
        self.trap_exit = True

    def leave(self) -> None:
        self.stop()

    async def take(self) -> None:
        await self.register("second")

    def has_second(self) -> bool:
        try:
            return self.whereis("second").pid is not None
        except rk.NoProcess:
            return False

    async def nap(self) -> None:
        await asyncio.sleep(NAP)

    def time(self) -> float:
        return self.now()

    def set(self) -> None:
        SETTING.set(7)

    def setting(self) -> int:
        return SETTING.get()

    def hide(self) -> None:
        self.hidden = 7

    def hidden_one(self) -> int:
        return getattr(self, "hidden", 0)


class Trapping(Deep):
    """Is told when what it is linked to ends."""

    def init(self) -> None:
        super().init()
        self.trap_exit = True


def two(first: type[rk.Server]) -> rk.SupervisorSpec:
    children = [
        rk.ChildSpec(first, name="deep", restart="temporary"),
        rk.ChildSpec(Deep, name="other", restart="temporary"),
    ]
    return rk.SupervisorSpec("both", children)


@pytest.mark.parametrize(
    ("operations", "expected"),
    [
        pytest.param(["get", Call("put", 1), "get"], [None, None, 1], id="storage"),
        pytest.param(["tell", "join", "tell", "hears"], [None, None, None, 1], id="subscriptions"),
        pytest.param(["has_second", "take", "has_second"], [False, None, True], id="names"),
        pytest.param(["setting", "set", "setting"], [0, None, 7], id="context variables"),
        pytest.param(["hidden_one", "hide", "hidden_one"], [0, None, 7], id="slots"),
    ],
)
def test_what_is_in_no_attribute_is_remembered(
    operations: list[str | Call], expected: list[Any]
) -> None:
    calls = [Call(each) if isinstance(each, str) else each for each in operations]
    assert replies(Deep, *calls) == expected


@pytest.mark.parametrize("source", ["draw", "draw_from_library", "draw_name"])
def test_chance_goes_on_from_one_operation_to_the_next(source: str) -> None:
    assert len(set(replies(Deep, Call(source), Call(source), Call(source)))) == 3


def test_time_that_an_operation_took_has_passed_for_the_next() -> None:
    before, _, after = replies(Deep, Call("time"), Call("nap"), Call("time"))
    assert after - before == pytest.approx(NAP)


@pytest.mark.parametrize(
    ("act", "server", "heard"), [("tie", Trapping, 1), ("watch", Deep, 1), ("hears", Trapping, 0)]
)
def test_the_end_of_another_is_heard_by_who_has_a_link_or_a_monitor(
    act: str, server: type[rk.Server], heard: int
) -> None:
    operations = [Call(act), Call("leave", to="other"), Call("hears")]
    assert replies(two(server), *operations)[2] == heard


@pytest.mark.parametrize(("act", "survives"), [("trap", True), ("hears", False)])
def test_that_exits_are_trapped_is_remembered(act: str, survives: bool) -> None:
    *_, last = replies(
        two(Deep), Call("tie"), Call(act), Call("end", to="other"), Call("hears", to="deep")
    )
    assert (last == 1) is survives


def test_a_supervisor_remembers_how_often_it_has_restarted_a_child() -> None:
    counter = rk.ChildSpec(Counter, name="counter")
    system = rk.SupervisorSpec("all", [counter], max_restarts=2, max_seconds=60.0)
    crash, read = Call("increment", by="x"), Call("get")
    assert replies(system, crash, read, crash, read)[1::2] == [0, 0]
    assert replies(system, crash, crash, crash, read)[3] is rk.NoProcess


def test_a_supervisor_remembers_which_children_it_has() -> None:
    system = servers_of([rk.ChildSpec(Counter, name="counter")])
    ask = [Call(method, "counter", to="all") for method in ("terminate_child", "delete_child")]
    *_, last = replies(system, *ask, Call("count_children", to="all"))
    assert last["specs"] == 0


class Waiting(rk.Server):
    """Adds what it was told to in a task, as soon as its gate is open."""

    def init(self) -> None:
        self.value = 0

    def add_later(self, amount: int) -> None:
        gate = self.whereis("gate").with_timeout(None)

        async def add() -> None:
            await gate.call.enter()
            self.value += amount

        asyncio.get_running_loop().create_task(add())

    async def hang(self) -> None:
        await asyncio.get_running_loop().create_future()

    def get(self) -> int:
        return self.value


class Gate(rk.Server):
    """Lets callers wait."""

    def init(self) -> None:
        self.callers: list[rk.Deferred] = []

    def enter(self) -> object:
        self.callers.append(self.defer())
        return rk.NO_REPLY

    def open(self) -> None:
        for caller in self.callers:
            caller.reply()


def test_what_a_task_is_about_to_do_is_not_forgotten() -> None:
    servers = [rk.ChildSpec(Waiting, name="waiting"), rk.ChildSpec(Gate, name="gate")]
    model = Trial(servers_of(servers), model=servers_of(servers), nodes=1).pure_model()
    assert model is not None
    for amount in (1, 2):
        state = model.initial
        for each in (Call("add_later", amount), Call("open", to="gate")):
            _, state = model.replies(state, each)
        assert model.replies(state, Call("get"))[0] == Answer(amount)


def servers_of(children: list[rk.ChildSpec]) -> rk.SupervisorSpec:
    return rk.SupervisorSpec("all", children)


def test_a_server_that_hangs_hangs_for_the_next_operation_too() -> None:
    assert replies(Waiting, Call("hang"), Call("get")) == [rk.CallTimeout] * 2


class Strict(rk.Server):
    """Counts what it refuses."""

    def init(self) -> None:
        self.refused = 0

    def ask(self) -> None:
        self.refused += 1
        raise rk.Refused("no")

    def count(self) -> int:
        return self.refused


def test_what_a_server_changed_before_it_refused_stays_changed() -> None:
    assert replies(Strict, Call("ask"), Call("ask"), Call("count")) == [rk.Refused, rk.Refused, 2]
    assert run_trial(Trial(Strict, [Call("ask"), Call("count")], model=Strict, nodes=1)).passed


class Secretive:
    """Leaves out what it has seen when it is pickled."""

    def __init__(self) -> None:
        self.seen = 0

    def __getstate__(self) -> dict[str, int]:
        return {}


class Keeper(rk.Server):
    """Has its state in an object that does not pickle whole."""

    def init(self) -> None:
        self.secretive = Secretive()

    def see(self) -> None:
        self.secretive.seen += 1

    def seen(self) -> int:
        return self.secretive.seen


class Blaming(rk.Server):
    """Has its state in what an error was raised from."""

    def init(self) -> None:
        self.error = ValueError("first")

    def blame(self) -> None:
        self.error.__cause__ = ValueError("second")

    def blamed(self) -> bool:
        return self.error.__cause__ is not None


def test_what_leaves_out_some_of_itself_when_it_is_pickled_is_not_forgotten() -> None:
    assert replies(Keeper, Call("see"), Call("seen")) == [None, 1]
    assert replies(Blaming, Call("blame"), Call("blamed")) == [None, True]


class Listing(rk.Server):
    """Adds to the list that it was started with."""

    def init(self, items: list[int]) -> None:
        self.items = items

    def add(self, item: int) -> int:
        self.items.append(item)
        return len(self.items)


def test_arguments_that_a_server_changed_are_the_old_ones_at_the_next_start() -> None:
    spec = rk.ChildSpec(Listing, name="listing", args=([],))
    assert replies(servers_of([spec]), Call("add", 1), Call("add", 2), Call("add", 3)) == [1, 2, 3]
    assert spec.args == ([],)


@pytest.mark.parametrize("operations", [["draw"] * 3, ["get", Call("put", 1), "get"]])
def test_a_correct_server_passes_as_its_own_model(operations: list[str | Call]) -> None:
    calls = [Call(each) if isinstance(each, str) else each for each in operations]
    assert run_trial(Trial(Deep, calls, model=Deep, nodes=1)).passed
    assert not find_races(Deep, Concurrent([calls, []]), seeds=range(2), progress=False).found


def test_a_class_that_nobody_has_any_more_is_not_kept() -> None:
    class Passing(rk.Server):
        __slots__ = ("here",)

        def get(self) -> int:
            return 1

    assert replies(Passing, Call("get")) == [1]
    passing = weakref.ref(Passing)
    del Passing
    gc.collect()
    assert passing() is None
