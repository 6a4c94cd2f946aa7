from __future__ import annotations

import enum
import pickle
from typing import NamedTuple

import pytest

from resilkit.errors import (
    CallTimeout,
    ClusterClosed,
    InternalError,
    NodeDown,
    NoProcess,
    Refused,
    ServerExit,
)
from resilkit.history import FAIL, INFO
from resilkit.workload.outcome import classify, plain, trace


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Refused("no"), FAIL),
        (NoProcess("no"), FAIL),
        (ClusterClosed("no"), FAIL),
        (NodeDown("not sent", definite=True), FAIL),
        (NodeDown("lost"), INFO),
        (CallTimeout("late"), INFO),
        (ServerExit("died"), INFO),
        (InternalError("bug"), INFO),
        (ConnectionResetError("reset"), INFO),
        (KeyError("x"), INFO),
    ],
)
def test_only_a_definite_error_means_that_it_did_not_happen(error, status):
    assert classify(error)[0] == status


def test_the_text_is_the_type_and_the_first_line_cut():
    assert classify(ServerExit("died", remote_traceback="Traceback"))[1] == "ServerExit: died"
    assert classify(ValueError())[1] == "ValueError"
    assert len(classify(ValueError("x" * 999))[1]) == 200


def test_an_error_whose_text_raises_is_still_recorded():
    class Hostile(Exception):
        def __str__(self):
            raise ZeroDivisionError

    assert "its text raised ZeroDivisionError" in classify(Hostile())[1]


def test_only_foreign_errors_have_a_traceback_worth_keeping():
    assert trace(Refused("no")) == ""
    assert "KeyError" in trace(KeyError("x"))


class Point(NamedTuple):
    x: int


class Colour(enum.IntEnum):
    RED = 3


class Hostile:
    def __repr__(self):
        raise ZeroDivisionError


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (None, None),
        (1.5, 1.5),
        (("k", (1, 2)), ("k", (1, 2))),
        ([{1: {2}}], [{1: {2}}]),
        (frozenset({1}), frozenset({1})),
        (Point(3), (3,)),
        (Colour.RED, 3),
        (object, "<class 'object'>"),
        (Hostile(), "<Hostile, whose repr raised ZeroDivisionError>"),
    ],
)
def test_values_are_kept_as_plain_data(value, kept):
    found = plain(value)
    assert found == kept
    assert type(found) is type(kept)
    assert pickle.loads(pickle.dumps(found)) == kept


def test_what_is_kept_does_not_change_with_its_source():
    source = {"list": [1]}
    kept = plain(source)
    source["list"].append(2)
    assert kept == {"list": [1]}


def test_a_value_that_contains_itself_ends():
    loop = []
    loop.append(loop)
    assert "[...]" in str(plain(loop))
