"""Traces: whoever sends a message is named, wherever it comes from."""

from __future__ import annotations

import resilkit as rk
from tests.parity.servers import Asker, Counter


def test_a_trace_names_who_calls_and_who_casts(cluster: rk.Cluster) -> None:
    counter = cluster.start(Counter, 1, name="counted", node="n2")
    asker = cluster.start(Asker, name="asking", node="n1")
    with counter.trace(direction="in", kinds=["call", "cast", "info"]) as trace:
        counter.cast.increment()
        counter.send("a word")
        counter.call.increment()
        asker.call.ask("counted", "increment", 4)
        rows = [(row.kind, row.sender) for row in trace.wait(4)]
    assert rows == [
        ("cast", "@notebook"), ("info", "@notebook"), ("call", "@notebook"), ("call", "asking"),
    ]  # fmt: skip
