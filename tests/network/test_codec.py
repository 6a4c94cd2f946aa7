"""The codec: plain messages, classes by value with their identity, and what cannot travel."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import enum
import os
import pickle
import struct
import subprocess
import sys
import textwrap
import threading
import types
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cloudpickle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resilkit.errors import InvalidArgument
from resilkit.network import byvalue
from resilkit.network.codec import Codec, by_value, from_value, measure

ROOT = Path(__file__).parents[2]
ENV = {**os.environ, "PYTHONPATH": str(ROOT)}

plain = st.recursive(
    st.none() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner)
        | st.frozensets(st.integers())
    ),
    max_leaves=8,
)  # fmt: skip


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 9), plain, plain), max_size=10))
def test_what_is_encoded_comes_back(messages: list[tuple[Any, ...]]) -> None:
    assert messages == Codec().decode(Codec().encode(messages))


class Described:
    """Stands for what travels by value: a frame that holds it begins with descriptions."""

    __module__ = "__main__"


@pytest.mark.parametrize("messages", [[(1, "increment", (), None)], [], [(1, Described())]])
def test_a_frame_that_breaks_off_is_an_error_wherever_it_does(messages: list[Any]) -> None:
    frame = Codec().encode(messages)
    for size in range(len(frame)):
        for read in (Codec().decode, Codec().salvage):
            with pytest.raises((IndexError, EOFError, struct.error, pickle.UnpicklingError)):
                read(frame[:size])


@given(st.binary(max_size=300))
def test_garbage_raises_nothing_but_errors_and_the_next_frame_is_read(data: bytes) -> None:
    codec = Codec()
    for read in (codec.decode, codec.salvage):
        with contextlib.suppress(Exception):
            read(data)
        assert codec.decode(Codec().encode([(1, "next")])) == [(1, "next")]


@dataclasses.dataclass
class Plain:
    """Importable."""

    value: int


def test_an_importable_class_goes_by_name() -> None:
    data = Codec().encode([Plain(1)])

    assert b"Plain" in data
    assert len(data) < 100
    assert Codec().decode(data) == [Plain(1)]


def test_a_class_is_described_once_a_connection() -> None:
    @dataclasses.dataclass
    class Local:
        value: int

    codec = Codec()
    first, second = codec.encode([Local(1)]), codec.encode([Local(2)])

    assert len(first) > 500
    assert len(second) < 100


def test_the_side_that_was_told_of_a_class_does_not_describe_it_back() -> None:
    class Local:
        pass

    here, there = Codec(), Codec()
    there.decode(here.encode([Local()]))

    assert len(there.encode([Local()])) < 100


def test_what_failed_to_encode_does_not_count_as_described() -> None:
    class Local:
        pass

    codec = Codec()
    with pytest.raises(TypeError):
        codec.encode([Local(), threading.Lock()])

    assert len(codec.encode([Local()])) > 300


def test_what_is_too_large_is_refused_and_does_not_count_as_described() -> None:
    class Local:
        pass

    codec = Codec()
    with pytest.raises(InvalidArgument, match="too large"):
        codec.encode([Local(), "x" * 5000], limit_bytes=4000)

    assert len(codec.encode([Local()])) > 300


def test_a_class_in_a_module_that_cannot_be_found_by_importing_goes_by_value() -> None:
    module = types.ModuleType("made_here")
    exec("class Thing:\n    def get(self): return 7", module.__dict__)  # noqa: S102
    module.Thing.__module__ = "made_here"
    sys.modules["made_here"] = module
    try:
        assert not byvalue.importable(module.Thing)
        data = by_value([module.Thing()])
        assert b"get" in data
        assert "made_here" not in cloudpickle.list_registry_pickle_by_value()
    finally:
        del sys.modules["made_here"]


@pytest.mark.parametrize(
    "cls", [collections.deque, type(None), types.FunctionType, struct.error, Plain]
)
def test_what_the_other_side_has_is_importable(cls: type) -> None:
    assert byvalue.importable(cls)


def test_the_size_of_a_message_leaves_descriptions_out() -> None:
    class Local:
        pass

    assert measure(Local()) < 100 < len(by_value([Local()]))


def test_a_closure_goes_by_value_with_what_it_holds() -> None:
    class Local:
        pass

    factor = 3
    (function,) = Codec().decode(Codec().encode([lambda x: (x * factor, Local)]))

    assert function(2) == (6, Local)


# Between two processes ---------------------------------------------------------------------------


class Other:
    """A process with a codec that sends back what it got."""

    def __init__(self) -> None:
        self.codec = Codec()
        self.process = subprocess.Popen(
            [sys.executable, str(ROOT / "tests/network/travel.py")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=ENV,
        )  # fmt: skip

    def echo(self, *objects: Any) -> tuple[dict[str, Any], list[Any]]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        data = self.codec.encode(list(objects))
        self.process.stdin.write(struct.pack(">I", len(data)) + data)
        self.process.stdin.flush()
        (size,) = struct.unpack(">I", self.process.stdout.read(4))
        facts, *back = self.codec.decode(self.process.stdout.read(size))
        return facts, back


@pytest.fixture(scope="module")
def shared_other() -> Iterator[Other]:
    other = Other()
    yield other
    other.process.communicate()


@pytest.fixture
def other() -> Iterator[Other]:
    other = Other()
    yield other
    other.process.communicate(timeout=10)


def test_a_class_is_one_class_over_there_and_our_own_back_here(
    other: Other,
) -> None:
    class Colour(enum.Enum):
        RED = 1

    @dataclasses.dataclass(frozen=True)
    class Order:
        colour: Colour

    class Failed(Exception):
        pass

    facts, back = other.echo(Order(Colour.RED), Order(Colour.RED))
    assert facts["equal"] == [True, True]
    assert facts["classes"] == 1
    assert [type(one) for one in back] == [Order, Order]
    assert back[0].colour is Colour.RED

    facts, back = other.echo(Order(Colour.RED), Failed("no"))
    assert facts["classes"] == 2
    assert type(back[1]) is Failed
    assert back[1].args == ("no",)


def test_a_class_that_comes_home_is_not_written_to(other: Other) -> None:
    class Base:
        def method(self) -> str:
            return "base"

    class Derived(Base):
        pass

    before = Base.__dict__["method"]
    facts, _ = other.echo(Derived())

    assert facts["bases"] == [Base]
    assert Base.__dict__["method"] is before


def test_classes_that_refer_to_each_other_keep_it(other: Other) -> None:
    class Left:
        other: type

    class Right:
        def make(self) -> Left:
            return Left()

    Left.other = Right
    _, (left, right) = other.echo(Left(), Right())

    assert type(left) is Left
    assert left.other is Right
    assert type(right.make()) is Left


def test_a_base_that_lists_its_subclasses_travels(other: Other) -> None:
    class Base:
        known: list[type] = []

        def __init_subclass__(cls) -> None:
            Base.known.append(cls)

    class One(Base):
        pass

    facts, (one,) = other.echo(One())

    assert type(one) is One
    assert facts["names"] == [One.__qualname__]


def test_a_class_made_again_is_another_class(other: Other) -> None:
    def cell() -> type:
        class Counter:
            def __eq__(self, other: object) -> bool:
                return type(other) is type(self)

            __hash__ = None  # type: ignore[assignment]

        return Counter

    first, second = cell(), cell()
    facts, back = other.echo(first(), second(), first())

    assert facts["classes"] == 2
    assert facts["equal"] == [True, False, True]
    assert [type(one) for one in back] == [first, second, first]


def test_a_class_whose_metaclass_cannot_compare_travels(other: Other) -> None:
    class Meta(type):
        __hash__ = type.__hash__

        def __eq__(cls, other: object) -> bool:
            raise RuntimeError("do not compare")

    class Odd(metaclass=Meta):
        pass

    _, back = other.echo(Plain(0), Odd())

    assert type(back[1]) is Odd


def test_main_and_its_functions_keep_identity_and_follow_their_globals(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent("""
        from tests.network.test_codec import Other
        FACTOR = 2
        def scale(x):
            return x * FACTOR
        class Message:
            def get(self):
                return scale(5)
        other = Other()
        facts, back = other.echo(scale, Message())
        assert back[0] is scale, back
        assert type(back[1]) is Message and back[1].get() == 10
        assert facts["main"], facts
        size = len(other.codec.encode([scale]))
        FACTOR = 3
        assert len(other.codec.encode([scale])) > size + 100, "the change was not sent"
        other.process.communicate(timeout=10)
        print("good")
        """)
    )
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=30, check=False,
        env=ENV,
    )  # fmt: skip

    assert done.stdout == "good\n", done.stderr


@given(st.lists(st.integers(0, 3), min_size=1, max_size=8))
def test_any_order_of_classes_keeps_identity(shared_other: Other, order: list[int]) -> None:
    _, back = shared_other.echo(*(_MADE[number]() for number in order))

    assert [_MADE[number] for number in order] == [type(one) for one in back]


def _make(number: int) -> type:
    class Made(Exception if number % 2 else object):  # type: ignore[misc]
        pass

    return Made


_MADE = [_make(number) for number in range(4)]


def test_encoding_from_within_a_reduce_does_not_disturb_the_outer_one() -> None:
    codec = Codec()
    inner: list[bytes] = []

    class Sends:
        def __reduce__(self) -> Any:
            inner.append(codec.encode(["inner"]))
            return (int, ("7",))

    assert Codec().decode(codec.encode(["before", Sends(), "after"])) == ["before", 7, "after"]
    assert Codec().decode(inner[0]) == ["inner"]


def test_a_codec_keeps_no_message_alive() -> None:
    codec = Codec()
    message = Plain(1)
    gone = weakref.ref(message)
    codec.encode([message])
    del message

    assert gone() is None


def test_a_module_travels_by_its_name():
    assert from_value(by_value({"modules": [pickle, collections.abc]})) == {
        "modules": [pickle, collections.abc]
    }


@pytest.mark.parametrize("module", [types.ModuleType("nowhere"), sys.modules["__main__"]])
def test_a_module_that_is_another_one_elsewhere_does_not_travel(module):
    with pytest.raises(TypeError, match="cannot pickle 'module' object"):
        by_value(module)
