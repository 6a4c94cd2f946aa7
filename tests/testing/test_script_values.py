"""What a script has of the values of users and of the standard library runs, or it says so."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import enum
import functools
import itertools
import re
import types
import zoneinfo
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import resilkit as rk
from resilkit.testing import Call, Trial, as_code, run_trial
from tests.testing import test_script
from tests.testing.saved import fails_again


class Keeper(rk.Server):
    def keep(self, *what: object) -> None: ...


class Perm(enum.Flag):
    R = 4
    W = 2


class Bits(enum.IntFlag):
    LOW = 1


class Outer:
    class Inner(enum.Enum):
        A = 1

    def __init__(self, number: int = 0) -> None:
        self.number = number

    def __repr__(self) -> str:
        return f"Outer({self.number})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Outer) and other.number == self.number

    __hash__ = None  # type: ignore[assignment]

    def of(self) -> int:
        return self.number


Spaced = enum.Enum("Spaced", {"a b": 1})


@dataclasses.dataclass
class Doubled:
    x: int
    y: int = dataclasses.field(init=False)
    hidden: int = dataclasses.field(default=1, repr=False)

    def __post_init__(self) -> None:
        self.y = self.x * 2


@dataclasses.dataclass
class Terse:
    x: int

    def __repr__(self) -> str:
        return "<terse>"


@dataclasses.dataclass
class Scaled:
    x: int
    by: dataclasses.InitVar[int]

    def __post_init__(self, by: int) -> None:
        self.x *= by


class Point(NamedTuple):
    x: int

    def __repr__(self) -> str:
        return "<point>"


class Key(str):
    __slots__ = ()


class Row(list[int]): ...


class Lying:
    def __init__(self, one: int, two: int) -> None: ...

    def __repr__(self) -> str:
        return "Lying(1)"


class Shown:
    """Says in its repr a part of what it holds, and nothing of what is equal."""

    def __init__(self, one: object, two: object = 0) -> None:
        self.one = one
        self.two = two

    def __repr__(self) -> str:
        return f"Shown({self.one!r})"


class Plain(dict[str, int]):
    __slots__ = ("note",)


@dataclasses.dataclass
class Noted:
    x: int


@dataclasses.dataclass
class Raised:
    x: int
    by: dataclasses.InitVar[int] = 1

    def __post_init__(self, by: int) -> None:
        self.x += by
        self.seen = [self.x]


def beside(value: Any, name: str, what: object) -> Any:
    setattr(value, name, what)
    return value


def double(number: int) -> int:
    return number * 2


WRITTEN: list[Any] = [
    Perm.R | Perm.W, Perm(0), Bits(8), Bits.LOW, Outer.Inner.A, Spaced["a b"],
    Doubled(3), Doubled(3, hidden=4), Terse(1), Point(2), Key("a"), Row([1]),
    collections.Counter(a=1), collections.OrderedDict(a=Perm.R),
    collections.ChainMap({"a": 1}, {"b": Outer.Inner.A}), collections.deque([1], maxlen=2),
    collections.defaultdict(list, {"a": [1]}), types.SimpleNamespace(a=1),
    datetime.datetime(2000, 1, 2, tzinfo=zoneinfo.ZoneInfo("UTC")), re.compile("a+"),
    Outer(3), Path("a"), list, int,
]  # fmt: skip
"""Values that are equal when they are made again."""

CALLED = [functools.partial(double, 4), Outer(3).of, double, "a-b".split, [1].copy, (5).bit_length]
"""Functions of which a script can have the name or the making."""

ALIKE: list[Any] = [
    Shown(1), Shown(Shown(-0.0)), beside(Doubled(3), "hidden", 4), ValueError("a"),
    range(3), Noted(1), float("nan"), itertools.count(3),
]  # fmt: skip
"""Values of which the code makes others with the same in them, which need not be equal."""

OTHERWISE: list[Any] = [
    Shown(1, 2), Shown(Shown(1, 2)), [Shown(1, 2)], beside(Noted(1), "note", "late"), Raised(1),
    beside(Raised(1, 0), "seen", []), beside(Plain(a=1), "note", 1),
    beside(Outer(3), "note", 1),
    beside(ValueError("a"), "note", 1), beside(Noted(1), "_note", 1),
]  # fmt: skip
"""Values of which the code that stands for them would make others."""

ring: list[Any] = []
ring.append(ring)
UNWRITTEN: list[Any] = [
    lambda: 1, functools.partial(lambda: 1), object(), Lying(1, 2), Scaled(1, 2), iter([1]), ring,
    collections.Counter({Lying(1, 2): 1}), complex("nan"), memoryview(b""), {1: object()},
]  # fmt: skip


def failing(given: list[Any]) -> Trial:
    return Trial(
        Keeper,
        [Call("keep", each) for each in given],
        nodes=1,
        invariants=[many if len(given) > 1 else some],
    )


def many(cluster: rk.Cluster, history: list[Any]) -> bool:
    return len(history) < len(WRITTEN)


def some(cluster: rk.Cluster, history: list[Any]) -> bool:
    return not history


def test_values_of_users_and_of_the_standard_library_run_in_a_script(tmp_path: Path) -> None:
    script = fails_again(failing(WRITTEN), tmp_path)
    for line in (
        "import collections",
        "import zoneinfo",
        '        Call("keep", Perm.R | Perm.W),',
        '        Call("keep", Outer.Inner.A),',
    ):
        assert line in script.splitlines()


@pytest.mark.parametrize("value", WRITTEN, ids=[str(number) for number in range(len(WRITTEN))])
def test_the_code_of_a_value_makes_an_equal_one(value: Any) -> None:
    code = as_code(value, width=None)
    made = eval(code, {**globals(), "PosixPath": Path})  # noqa: S307 - our own
    assert made == value
    assert type(made) is type(value)


def test_functions_and_methods_run_in_a_script(tmp_path: Path) -> None:
    given = [Call("keep", *CALLED)]
    trial = Trial(Keeper, given, nodes=1, invariants=[some])
    script = fails_again(trial, tmp_path)
    assert "functools.partial(double, 4)" in script
    assert "Outer(3).of" in script
    assert '"a-b".split' in script


@pytest.mark.parametrize("value", UNWRITTEN, ids=lambda value: type(value).__name__)
def test_a_script_says_that_it_will_not_run_for_what_is_no_code(value: Any) -> None:
    # Not carried out: some of these no message can hold.
    told: Any = run_trial(failing([1]))
    told.trial = failing([value])
    assert "# It will not run as it is: " in told.script()


@pytest.mark.parametrize("value", OTHERWISE, ids=[str(number) for number in range(len(OTHERWISE))])
def test_a_script_says_that_it_will_not_run_for_what_its_code_makes_otherwise(value: Any) -> None:
    told: Any = run_trial(failing([1]))
    told.trial = failing([value])
    assert "# It will not run as it is: " in told.script()


@pytest.mark.parametrize("value", ALIKE, ids=repr)
def test_a_script_runs_with_what_its_code_makes_again(value: Any) -> None:
    told: Any = run_trial(failing([1]))
    told.trial = failing([value])
    assert "will not run" not in told.script()


def test_a_script_says_so_where_two_modules_have_something_of_one_name() -> None:
    given = [Call("keep", Keeper), Call("keep", test_script.Keeper)]
    outcome = run_trial(Trial(Keeper, given, nodes=1, invariants=[some]))
    assert "# It will not run as it is: two things are called Keeper." in outcome.script()
