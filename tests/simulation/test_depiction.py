"""Values become texts that are the same in every process."""

from __future__ import annotations

import enum
import subprocess
import sys
from collections import ChainMap, Counter, OrderedDict, UserDict, defaultdict, deque
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from functools import partial
from pathlib import PurePath
from types import MappingProxyType, SimpleNamespace
from typing import Any, NamedTuple

import attrs
import msgspec
import pytest

from resilkit.runtime import Pid, Reference
from resilkit.simulation.depiction import depict


class Colour(enum.Enum):
    RED = 1


@dataclass
class Order:
    lines: set[str]


class Point(NamedTuple):
    x: int
    y: int


class Slotted:
    __slots__ = ("__weakref__", "one", "two")

    def __init__(self) -> None:
        self.one = {"b", "a"}


class Worded:
    def __repr__(self) -> str:
        return f"<Worded object at 0x{id(self):x}>"


class Hostile:
    def __repr__(self) -> str:
        raise SystemExit("no")


class Bag(list[int]):
    pass


class Stock:
    """Says of itself what it likes."""

    def __init__(self, items: Any) -> None:
        self.items = items

    def __repr__(self) -> str:
        return f"{len(self.items)} in stock"


class Hidden:
    __slots__ = ("__items",)

    def __init__(self, items: Any) -> None:
        self.__items = items

    def __repr__(self) -> str:
        return f"Hidden({self.__items})"


class Shelf(list[Any]):
    def __repr__(self) -> str:
        return f"a shelf of {list(self)}"


class Struct(msgspec.Struct):
    items: set[str]
    count: int


@attrs.define(hash=True, cache_hash=True, frozen=True)
class Defined:
    items: Any


def nothing() -> None:
    pass


SHOWN: list[tuple[object, str]] = [
    ({"b", "a", "c"}, "{'a', 'b', 'c'}"),
    (frozenset({(2, "y"), (1, "x")}), "{(1, 'x'), (2, 'y')}"),
    ({"b": 1, "a": {"z", "y"}}, "{'b': 1, 'a': {'y', 'z'}}"),
    (deque([1, (2,)]), "[1, (2,)]"),
    (Counter("aab"), "Counter({'a': 2, 'b': 1})"),
    (Bag([1, 2]), "Bag([1, 2])"),
    (Order({"b", "a"}), "Order(lines={'a', 'b'})"),
    (Point(1, 2), "Point(x=1, y=2)"),
    (Slotted(), "Slotted(one={'a', 'b'})"),
    (Worded(), "<Worded object>"),
    (Stock({"b", "a"}), "Stock(items={'a', 'b'})"),
    (Stock({"a"}), "1 in stock"),
    (Stock([Stock({"b", "a"})]), "Stock(items=[Stock(items={'a', 'b'})])"),
    (Stock({Stock({"b", "a"})}), "Stock(items={Stock(items={'a', 'b'})})"),
    (Hidden({"b", "a"}), "Hidden(_Hidden__items={'a', 'b'})"),
    (Shelf([{"b", "a"}]), "Shelf([{'a', 'b'}])"),
    (Struct({"b", "a"}, 2), "Struct(items={'a', 'b'}, count=2)"),
    (Defined({"b", "a"}), "Defined(items={'a', 'b'})"),
    (SimpleNamespace(items={"b", "a"}), "SimpleNamespace(items={'a', 'b'})"),
    (defaultdict(set, a={"c", "b"}), "defaultdict(<set>, {'a': {'b', 'c'}})"),
    (defaultdict(None, b=1, a=2), "defaultdict(None, {'b': 1, 'a': 2})"),
    (OrderedDict(a={"c", "b"}), "OrderedDict({'a': {'b', 'c'}})"),
    (MappingProxyType({"a": {"c", "b"}}), "mappingproxy({'a': {'b', 'c'}})"),
    ({"b": 1, "a": 2}.keys(), "dict_keys(['b', 'a'])"),
    ({"a": {"c", "b"}}.values(), "dict_values([{'b', 'c'}])"),
    ({"a": {"c", "b"}}.items(), "dict_items([('a', {'b', 'c'})])"),
    (OrderedDict(a={"c", "b"}).values(), "odict_values([{'b', 'c'}])"),
    (UserDict(a={"c", "b"}), "UserDict(data={'a': {'b', 'c'}})"),
    (ChainMap({"a": {"c", "b"}}), "ChainMap(maps=[{'a': {'b', 'c'}}])"),
    (partial(depict, {"b", "a"}), "partial(<depict>, ({'a', 'b'},), {})"),
    (PurePath("a") / "b", "PurePosixPath('a/b')"),
    (Fraction(1, 2), "Fraction(1, 2)"),
    (
        datetime(2030, 1, 2, tzinfo=UTC),
        "datetime.datetime(2030, 1, 2, 0, 0, tzinfo=datetime.timezone.utc)",
    ),
    (Colour.RED, "Colour.RED"),
    (Pid("n1", 4, 1), "<n1.4.1>"),
    (Reference("bank"), "Reference('bank')"),
    (ValueError("no", {"b", "a"}), "ValueError('no', {'a', 'b'})"),
    (ValueError("<X object at 0x7f00>"), "ValueError('<X object>')"),
    (nothing, "<nothing>"),
    (Order, "<Order>"),
    (object(), "object()"),
    (1e-9, "1e-09"),
    ("tab\tline\n", r"'tab\tline\n'"),
]


@pytest.mark.parametrize(("value", "text"), SHOWN, ids=[text for _, text in SHOWN])
def test_a_value_is_shown_without_addresses_and_in_one_order(value: object, text: str) -> None:
    assert depict(value) == text


def test_a_repr_that_raises_costs_its_own_text_only() -> None:
    assert depict([1, Hostile(), 2]) == "[1, <Hostile, which raised SystemExit>, 2]"


def test_what_contains_itself_is_shown_once() -> None:
    ring: list[Any] = [1]
    ring.append(ring)
    assert depict(ring) == "[1, …]"
    stock = Stock([])
    stock.items.append(stock)
    assert depict(stock) == "Stock(items=[…])"
    one, other = Bag([1]), Slotted()
    other.two = [one, one, other]
    assert depict(other) == "Slotted(one={'a', 'b'}, two=[Bag([1]), Bag([1]), …])"


def test_what_is_behind_resilkits_own_objects_is_not_looked_at() -> None:
    reference = Reference("bank")
    reference._call = {"b", "a"}
    assert depict(Stock([reference])) == "1 in stock"
    assert depict([reference]) == "[Reference('bank')]"


def test_long_values_that_differ_far_behind_look_different() -> None:
    one, other = depict("x" * 5000 + "1"), depict("x" * 5000 + "2")
    assert one != other
    assert len(one) == len(other) == 240
    assert "(5,003 characters" in one


def test_a_huge_value_is_looked_at_in_bounded_time_and_space() -> None:
    assert len(depict([list(range(1000))] * 100_000)) == 240
    deep: list[Any] = []
    for _ in range(10_000):
        deep = [deep]
    assert depict(deep).count("[") < 20


CODE = """
from collections import OrderedDict, UserDict, defaultdict
from resilkit.simulation.depiction import depict
from types import SimpleNamespace

class Thing:
    def __init__(self): self.of = {"a": {"x", "y", "z", "w"}, "b": frozenset("pqrs")}

class Said(Thing):
    def __repr__(self): return f"Said({self.of})"

some = set("pqrstuvw")
print(depict([Thing(), object(), lambda: 1, {Thing, depict}], 1000))
print(depict([Said(), [Said()], {"a": Said()}, {Said()}], 1000))
print(depict([OrderedDict(a=some), UserDict(a=some), defaultdict(set, a=some)], 1000))
print(depict([SimpleNamespace(a=some), {"a": some}.values()], 1000))
"""


def test_another_order_of_hashes_gives_the_same_text() -> None:
    told = {
        subprocess.run(
            [sys.executable, "-c", CODE],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True, text=True, check=True,
        ).stdout
        for seed in ("1", "2", "3", "4")
    }  # fmt: skip
    assert len(told) == 1
