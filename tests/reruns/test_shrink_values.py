"""What a system, its specs and its operations hold is made again in the script of a case."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import decimal
import enum
import fractions
import functools
import re
import subprocess
import sys
import types
import uuid
import zoneinfo
from pathlib import Path
from typing import NamedTuple

import pytest

import resilkit as rk
from resilkit.reruns.script import script_of


class Alike:
    """Is equal to what has the same attributes."""

    def __eq__(self, other):
        return type(other) is type(self) and vars(other) == vars(self)

    __hash__ = None


class Given(Alike):
    """Keeps what it is given."""

    def __init__(self, what):
        self.what = what


class Kept(Alike):
    """Keeps what it is given by another name, so that it has to be filled."""

    def __init__(self, what):
        self.own = what

    def applications(self, nodes):
        return {nodes[0]: [rk.ChildSpec(Keeper, args=(self.own,), name="keeper")]}


class Mode(enum.Enum):
    FAST = 1


class Perm(enum.Flag):
    R = 4
    W = 2


@dataclasses.dataclass(frozen=True)
class Parcel:
    label: str
    size: object = None
    whole: object = dataclasses.field(default=True)


@dataclasses.dataclass
class Scaled:
    x: int
    by: dataclasses.InitVar[int]

    def __post_init__(self, by):
        self.x *= by


class Point(NamedTuple):
    x: object


class Row(list):
    """A list of a kind of its own."""


class Tab(dict):
    """A dict of a kind of its own."""


class Key(str):
    """A text of a kind of its own."""

    __slots__ = ()


class Money(decimal.Decimal):
    """A number whose text says that it is one of another kind."""


class Cents(fractions.Fraction):
    """A number whose parts are in slots."""


WRITTEN = {
    "counter": collections.Counter("aab"),
    "ordered": collections.OrderedDict(a=Mode.FAST),
    "chain": collections.ChainMap({"a": 1}, {"b": Mode.FAST}),
    "deque": collections.deque([1, Kept(2)], maxlen=3),
    "defaultdict": collections.defaultdict(list, {"a": [1]}),
    "namespace": types.SimpleNamespace(a=Kept(1)),
    "datetime": datetime.datetime(2000, 1, 2, 3, tzinfo=datetime.UTC),
    "zoned": datetime.datetime(2000, 1, 2, tzinfo=zoneinfo.ZoneInfo("UTC")),
    "date": datetime.date(2000, 1, 2),
    "timedelta": datetime.timedelta(hours=30),
    "decimal": decimal.Decimal("1.50"),
    "fraction": fractions.Fraction(1, 3),
    "fraction of a kind": Cents(1, 3),
    "uuid": uuid.UUID(int=5),
    "path": Path("a") / "b",
    "pattern": re.compile("a+"),
    "complex": 1 + 2j,
    "range": range(3),
    "bytes": bytearray(b"a"),
    "ellipsis": ...,
    "member": Mode.FAST,
    "flag": Perm.R | Perm.W,
    "dataclass": Parcel("a", collections.Counter("b")),
    "dataclass of 1": Parcel("a", whole=1),
    "dataclass that scales": Scaled(2, 3),
    "named tuple": Point(decimal.Decimal("0.1")),
    "set": {Point(1), Point(2), Parcel("c")},
    "empty set": set(),
    "frozenset": frozenset({Mode.FAST}),
    "list of a kind": Row([1, Kept(2)]),
    "dict of a kind": Tab(a=Point(1)),
    "text of a kind": Key("a"),
    "keys": {Mode.FAST: 1, Point(1): 2, Key("a"): 3, (datetime.date(2000, 1, 2), 1): 4},
    "object": Given(collections.Counter("aab")),
    "filled object": Kept({"when": datetime.date(2000, 1, 2)}),
    "filled objects": [Kept(1), Kept(2), Kept([Kept(3)])],
    "class": collections.Counter,
}
"""Values that are equal when they are made again."""


class Keeper(rk.Server):
    """Compares what it was given with what stands here."""

    def init(self, kept):
        self.kept = kept

    def wrong(self, more=None):
        given = self.kept if more is None else more
        return [
            name
            for name, value in given.items()
            if type(value) is not type(WRITTEN[name]) or value != WRITTEN[name]
        ]


def as_it_was(result):
    wrong = [row.value for row in result.history]
    assert wrong == [[]] * len(wrong), wrong
    return bool(wrong)


def made(system, *given, operation=None, **more):
    return rk.Experiment(
        1,
        system=system,
        workload=rk.Workload(
            [operation or rk.Operation.call("keeper", "wrong", *given)],
            rk.arrivals.explicit([(0.0, operation.name if operation else "wrong")]),
        ),
        scenario=rk.Scenario("values"),
        duration=0.1,
        **more,
    )


def script(experiment, failing=as_it_was):
    return script_of(experiment, schedule="fifo", failing=failing, remarks=["it failed"])


def ended(text, folder):
    """Run a script as somebody does who saved it somewhere; return what it says at its end."""
    path = folder / "found.py"
    path.write_text(text)
    run = subprocess.run(
        [sys.executable, str(path)], cwd=folder, capture_output=True, text=True, check=False,
        timeout=60,
    )  # fmt: skip
    return run.stderr.strip().splitlines()[-3:]


def fails_again(experiment, folder, failing=as_it_was):
    result = experiment.run("simulation", schedule="fifo", progress=False)
    assert failing(result)
    text = script(experiment, failing)
    assert "will not run" not in text
    said = ended(text, folder)
    assert said[-1] == "AssertionError", said
    assert said[-2].strip().startswith("assert not "), said
    return text


def in_system(value):
    return made(Kept(value))


def in_spec(value):
    return made(rk.ChildSpec(Keeper, kwargs={"kept": value}, name="keeper"))


def in_operation(value):
    return made(rk.ChildSpec(Keeper, kwargs={"kept": WRITTEN}, name="keeper"), value)


@pytest.mark.parametrize("holding", [in_system, in_spec, in_operation])
def test_values_of_users_and_of_the_standard_library_are_made_again(holding, tmp_path):
    text = fails_again(holding(WRITTEN), tmp_path)
    for line in ("import collections", "import datetime", "import zoneinfo"):
        assert line in text.splitlines()


@pytest.mark.parametrize("name", WRITTEN)
def test_each_value_is_written_without_a_note(name):
    assert "will not run" not in script(in_system(WRITTEN[name]))


ring = []
ring.append(ring)


class Slotted:
    __slots__ = ("a",)

    def __init__(self, a):
        self.a = a


class Half(Slotted):
    """Has attributes beside its slot."""


class Lost(Money):
    """Says nothing of what makes it."""

    def __repr__(self):
        return "<lost>"


@pytest.mark.parametrize(
    "value",
    [
        object(), ring, {"a": ring}, Slotted(1), Half(1), (Slotted(1),),
        collections.Counter({Slotted(1): 1}), Lost("1.5"), Money("1.5"), iter([1]), memoryview(b""),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_what_cannot_be_made_again_is_told(value):
    assert "# It will not run as it is: own" in script(in_system(value))


def test_what_was_written_in_a_function_is_written_down_with_its_values(tmp_path):
    class Counter:
        def __init__(self, most):
            self.limit = most

        def applications(self, nodes):
            return {nodes[0]: [rk.ChildSpec(Keeper, args=(self.limit,), name="keeper")]}

    limits = {name: value for name, value in WRITTEN.items() if name != "class"}
    text = fails_again(made(Counter(limits)), tmp_path)
    assert "class Counter:" in text
    assert 'collections.Counter({"a": 2, "b": 1})' in text


def test_a_module_in_front_of_a_value_gives_way_to_a_class_of_its_name(tmp_path):
    from datetime import datetime as moment

    class datetime:  # noqa: N801 - as a module is called
        def __init__(self, first):
            self.own = first

        def applications(self, nodes):
            return {nodes[0]: [rk.ChildSpec(Keeper, args=(self.own,), name="keeper")]}

    assert isinstance(WRITTEN["datetime"], moment)
    text = fails_again(made(datetime(WRITTEN)), tmp_path)
    assert "import datetime as datetime_module" in text.splitlines()


def asked(most, kept, result):
    return as_it_was(result) and len(kept) <= most


class Check:
    def __init__(self, most):
        self.most = most

    def __call__(self, result):
        return asked(self.most, [], result)

    def fails(self, result):
        return self(result)


async def ask(user, names, most):
    assert len(names) == most
    return await user.whereis("keeper").call.wrong()


class Asking:
    def __init__(self, names):
        self.all = names

    async def __call__(self, user):
        return await ask(user, self.all, 3)


@pytest.mark.parametrize(
    "failing",
    [
        functools.partial(asked, 2, collections.Counter("ab")),
        functools.partial(lambda most, result: asked(most, [], result), 2),
        Check(decimal.Decimal(2)), Check(2).fails, Check(2).__call__,
    ],
    ids=["partial", "lambda", "object", "method", "call"],
)  # fmt: skip
def test_what_asks_may_be_a_partial_an_object_or_a_method(failing, tmp_path):
    fails_again(in_spec(WRITTEN), tmp_path, failing)


@pytest.mark.parametrize(
    "function",
    [functools.partial(ask, names=collections.Counter("abc"), most=3), Asking(frozenset("abc"))],
    ids=["partial", "object"],
)
def test_an_operation_may_be_a_partial_or_an_object(function, tmp_path):
    system = rk.ChildSpec(Keeper, kwargs={"kept": WRITTEN}, name="keeper")
    fails_again(made(system, operation=rk.Operation("ask all", function)), tmp_path)
