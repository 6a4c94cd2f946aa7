"""`%trace`: the messages of a server, recorded from a line."""

from __future__ import annotations

import math

import pytest

import resilkit as rk
from tests.cluster.servers import Counter
from tests.ipython.conftest import Shell


@pytest.fixture
def counter(shell: Shell) -> rk.ClusterReference:
    """A server of a cluster of two nodes."""
    cluster = shell.run("%cluster start 2")
    return cluster.start(Counter, name="counter-0", node="n2")


def test_a_line_records_a_server_until_it_is_stopped(
    shell: Shell, counter: rk.ClusterReference
) -> None:
    trace = shell.run("%trace counter-0 --kinds call,reply --limit 3")
    assert trace is shell.names["trace"]
    for _ in range(3):
        counter.call.increment()
    counter.cast.increment()
    counter.sync()
    trace.wait(3)
    assert {message.kind for message in trace.messages} <= {"call", "reply"}
    assert shell.run("%trace") is trace
    assert not trace.over
    assert shell.run("%trace --stop") is trace
    assert trace.over
    assert len(trace) == 3


def test_a_new_trace_in_the_variable_stops_the_one_before(
    shell: Shell, counter: rk.ClusterReference
) -> None:
    first = shell.run("%trace counter-0")
    other = shell.run("%trace counter-0 --as other --methods get --direction in --for 60s")
    assert not first.over
    second = shell.run("%trace counter-0")
    assert first.over
    assert not second.over
    assert shell.names["other"] is other
    counter.call.increment()
    counter.call.get()
    assert [message.method for message in other.wait(1)] == ["get"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("counter-9", "did you mean 'counter-0'?"),
        ("counter-0 --kinds call,shout", "shout"),
        ("counter-0 --limit 0", "limit"),
        ("counter-0 --limit many", "invalid int value"),
        ("counter-0 --direction up", "invalid choice"),
        ("counter-0 --for never", "is no duration"),
        ("counter-0 --stop", "needs no SERVER"),
        ("counter-0 --as 2x", "no name of a variable"),
        ("counter-0 --as class", "no name of a variable"),
        ("counter-0 --as print", "'print' is in use (builtin_function_or_method)"),
        ("counter-0 --as math", "'math' is in use (module)"),
        ("--stop", "there is no trace in `trace`"),
        ("", "there is no trace in `trace`"),
    ],
)
@pytest.mark.usefixtures("counter")
def test_a_slip_is_told_in_short_and_nothing_is_traced(shell: Shell, line: str, words: str) -> None:
    shell.names["math"] = math
    assert words in shell.refused(f"%trace {line}")
    assert "trace" not in shell.names
