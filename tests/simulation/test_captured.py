"""What a server took by name before it could be made virtual is found before it runs."""

from __future__ import annotations

import dataclasses
import functools
import os
import time
from os import getloadavg
from random import random
from time import monotonic, sleep
from time import time as now
from types import ModuleType
from typing import Any

import pytest

from resilkit.runtime import Server
from resilkit.simulation.interception import findings
from resilkit.simulation.patching import CAN_PATCH_TYPES
from tests.simulation.simulated import Simulated


def names(server_class: type) -> list[str]:
    return [text.partition(" ")[0] for text in findings(server_class)]


def waits() -> None:
    sleep(1)


class Ticket:
    def __init__(self) -> None:
        self.until = monotonic() + 1

    def late(self) -> bool:
        return monotonic() > self.until


class Timer:
    def __init__(self) -> None:
        self.clock = time.perf_counter


TIMER = Timer()


def test_what_is_asked_of_the_module_is_no_finding() -> None:
    class Good(Server):
        async def sell(self) -> tuple[float, float, float, bytes]:
            return time.time(), self.now(), random(), os.urandom(1)

    assert findings(Good) == []


def test_a_global_is_found_with_where_it_is_used() -> None:
    class Shop(Server):
        def buy(self) -> float:
            return now()

    [text] = findings(Shop)
    assert text.startswith("time.time was taken by name, in ")
    assert "<locals>.Shop.buy at test_captured.py:" in text
    assert text.endswith("import time and call time.time()")


def test_each_way_to_take_a_function_along_is_found() -> None:
    clock = time.monotonic

    class Closure(Server):
        def buy(self) -> float:
            return clock()

    class Default(Server):
        def buy(self, clock: Any = time.time) -> float:
            return clock()

    class Keyword(Server):
        def buy(self, *, clock: Any = time.time_ns) -> float:
            return clock()

    class Attribute(Server):
        clock = staticmethod(time.perf_counter)

    class Partial(Server):
        wait = functools.partial(time.sleep, 1)

    class Inner(Server):
        def buy(self) -> list[float]:
            return [now() for _ in range(2)]

        def sell(self) -> Any:
            return lambda: Ticket()

    class Property(Server):
        @property
        def late(self) -> bool:
            return now() > 1

    class Static(Server):
        @staticmethod
        def _late() -> bool:
            return now() > 1

    class Wrapped(Server):
        @functools.wraps(print)
        def buy(self) -> None:
            now()

    class Bytes(Server):
        def buy(self, draw: Any = os.urandom) -> bytes:
            return draw(1)

    assert names(Closure) == ["time.monotonic"]
    assert names(Default) == ["time.time"]
    assert names(Keyword) == ["time.time_ns"]
    assert names(Attribute) == ["time.perf_counter"]
    assert names(Partial) == ["time.sleep"]
    assert names(Inner) == ["time.time", "time.monotonic", "time.monotonic"]
    for server_class in (Property, Static, Wrapped):
        assert names(server_class) == ["time.time"]
    assert names(Bytes) == ["os.urandom"]


def test_what_a_method_calls_is_looked_through_and_what_it_inherits() -> None:
    class Waiting(Server):
        def buy(self) -> None:
            waits()

    class Making(Server):
        def init(self) -> None:
            self.ticket = Ticket()

    class Using(Server):
        def buy(self) -> float:
            return TIMER.clock()

    @dataclasses.dataclass
    class Order:
        at: float = dataclasses.field(default_factory=time.time)

    class Ordering(Server):
        def buy(self) -> Order:
            return Order()

    class Child(Waiting):
        pass

    assert names(Waiting) == ["time.sleep"]
    assert names(Child) == ["time.sleep"]
    assert names(Making) == ["time.monotonic", "time.monotonic"]
    assert names(Using) == ["time.perf_counter"]
    assert names(Ordering) == ["time.time"]


def test_another_module_of_the_users_is_looked_through_and_the_librarys_are_not() -> None:
    shop = ModuleType("shop")
    exec("from time import time\ndef price():\n    return time()\n", vars(shop))  # noqa: S102

    class Buying(Server):
        def buy(self) -> float:
            return shop.price()

    class Asking(Server):
        def buy(self) -> float:
            return shop.time()

    class Filing(Server):
        def buy(self) -> str:
            import tempfile

            return tempfile.gettempdir() + functools.reduce(str.__add__, ["a"])

    assert names(Buying) == ["time.time"]
    assert names(Asking) == ["time.time"]
    assert findings(Filing) == []


def test_what_calls_itself_and_what_refers_to_itself_is_looked_through_once() -> None:
    class Circle(Server):
        def buy(self, by: int = 1) -> float:
            return Circle.buy(self) + now() if by else around()

        _kept: Any = None

    def around() -> float:
        return around()

    Circle._kept = Circle
    assert names(Circle) == ["time.time"]


def test_a_function_taken_while_a_simulation_is_open_is_virtual_and_no_finding() -> None:
    with Simulated().open():

        class Late(Server):
            def buy(self, *, clock: Any = time.time) -> float:
                return clock()

        class Early(Server):
            def buy(self) -> float:
                return now()

        assert findings(Late) == []
        assert names(Early) == ["time.time"]


@pytest.mark.skipif(not CAN_PATCH_TYPES, reason="needs CPython")
def test_a_date_is_a_finding_only_where_it_cannot_be_made_virtual(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import datetime

    from resilkit.simulation import captured

    class Dated(Server):
        def buy(self) -> Any:
            return datetime.datetime.now()

    assert findings(Dated) == []
    monkeypatch.setattr(captured, "CAN_PATCH_TYPES", False)
    assert names(Dated) == ["datetime.datetime.now"]


def test_what_is_reported_when_it_is_used_is_found_when_it_was_taken_by_name() -> None:
    class Busy(Server):
        def load(self) -> Any:
            return getloadavg()

        def open(self) -> Any:
            return open(os.devnull)  # noqa: PTH123

    assert names(Busy) == ["os.getloadavg"]
