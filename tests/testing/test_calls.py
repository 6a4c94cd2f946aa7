"""Calls and casts: plain data that prints as the code that makes it."""

from __future__ import annotations

import copy
import pickle
from enum import Enum

import pytest

from resilkit.errors import InvalidArgument
from resilkit.testing import Arguments, Call, Cast
from tests.testing.pasted import run


class Colour(Enum):
    RED = 1


SAMPLES = [
    Call("get"),
    Cast("increment", by=3),
    Call("put", "a key", {"nested": [1.5, None]}, to="store-0"),
    Call("paint", Colour.RED, edge=("dashed", frozenset({1}))),
    Call("rate", float("inf")),
    Arguments(),
    Arguments(1, "two", three=[3]),
]


@pytest.mark.parametrize("made", SAMPLES, ids=repr)
def test_it_prints_as_code_that_makes_an_equal_one(made: object) -> None:
    assert run(repr(made), Colour=Colour) == made


def test_it_prints_as_one_would_write_it() -> None:
    assert repr(Call("increment", by=3)) == 'Call("increment", by=3)'
    assert repr(Cast("say", "it's", to="a")) == 'Cast("say", "it\'s", to="a")'


@pytest.mark.parametrize("made", SAMPLES, ids=repr)
def test_copies_and_pickles_are_equal(made: object) -> None:
    assert pickle.loads(pickle.dumps(made)) == made
    assert copy.deepcopy(made) == made


def test_equality_tells_kind_method_arguments_and_server_but_not_the_order_of_keywords() -> None:
    assert Call("move", a=1, b=2) == Call("move", b=2, a=1)
    assert hash(Call("move", a=1, b=2)) == hash(Call("move", b=2, a=1))
    different = [
        Call("get"), Cast("get"), Call("put"), Call("get", 1), Call("get", a=1), Call("get", to="a")
    ]  # fmt: skip
    assert len(set(different)) == len(different)


def test_it_has_a_hash_only_where_its_arguments_have_one() -> None:
    with pytest.raises(TypeError, match="unhashable"):
        hash(Call("put", [1]))


def test_it_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Call("get").method = "put"  # type: ignore[misc]


def test_an_argument_may_have_the_names_of_ours() -> None:
    call = Call("log", method="x", args=1, kwargs=2, self=3)
    assert call.kwargs == {"method": "x", "args": 1, "kwargs": 2, "self": 3}
    assert run(repr(call)) == call


@pytest.mark.parametrize("method", ["_private", "", "no method", 3, None])
def test_what_is_no_public_method_is_refused(method: object) -> None:
    with pytest.raises(InvalidArgument, match="public method") as refused:
        Call(method)
    assert refused.value.path == "Call.method"
    assert refused.value.value == method


def test_what_is_no_name_of_a_server_is_refused() -> None:
    with pytest.raises(InvalidArgument) as refused:
        Cast("get", to="")
    assert refused.value.path == "Cast.to"


def test_a_pattern_takes_one_apart() -> None:
    match Call("put", 1, by=2, to="a"):
        case Call(method="put", args=(first,), kwargs={"by": by}, to=to):
            assert (first, by, to) == (1, 2, "a")
        case _:
            pytest.fail("the pattern does not fit")
