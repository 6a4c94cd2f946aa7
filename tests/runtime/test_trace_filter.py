"""Filters of traces: what they take, and what is refused before anything is traced."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from resilkit.errors import InvalidArgument
from resilkit.runtime.trace_filter import TraceFilter

CALL = ("in", "call", "set_price", "teller-3")


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({}, True),
        ({"kinds": "call"}, True),
        ({"kinds": ["cast", "call"]}, True),
        ({"kinds": {"cast", "info"}}, False),
        ({"methods": "set_*"}, True),
        ({"methods": ["get", "*_price"]}, True),
        ({"methods": "set"}, False),
        ({"methods": "Set_*"}, False),
        ({"direction": "in"}, True),
        ({"direction": "out"}, False),
        ({"peers": "teller-?"}, True),
        ({"peers": "@*"}, False),
        ({"kinds": "call", "peers": "@*"}, False),
    ],
)
def test_a_message_is_wanted_when_every_filter_takes_it_also_after_the_journey(
    given: dict[str, Any], wanted: bool
) -> None:
    filter = TraceFilter(**given)
    assert filter.wants(*CALL) is wanted
    assert pickle.loads(pickle.dumps(filter)).wants(*CALL) is wanted


def test_what_befalls_the_server_has_no_direction_and_no_method() -> None:
    ended = ("", "ended", "", "")
    assert TraceFilter().wants(*ended)
    assert TraceFilter(kinds=["ended"]).wants(*ended)
    assert not TraceFilter(direction="in").wants(*ended)
    assert not TraceFilter(methods="get").wants(*ended)


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"kinds": "cal"}, "kinds[0]"),
        ({"kinds": ["call", 3]}, "kinds[1]"),
        ({"kinds": []}, "kinds"),
        ({"kinds": 3}, "kinds"),
        ({"methods": ["get", ""]}, "methods[1]"),
        ({"methods": "x" * 513}, "methods[0]"),
        ({"methods": {"get": 1}}, "methods"),
        ({"direction": "both"}, "direction"),
        ({"direction": ["in"]}, "direction"),
        ({"peers": [None]}, "peers[0]"),
    ],
)
def test_what_is_no_filter_is_refused_with_its_place(given: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        TraceFilter(**given)
    assert caught.value.path == path


def test_a_filter_says_what_it_was_given_and_nothing_else() -> None:
    shown = repr(TraceFilter(kinds="call", methods=["a", "b"]))
    assert shown == "TraceFilter(kinds=('call',), methods=('a', 'b'))"
