"""A server that cannot travel to its node is refused, and nothing of it is left."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import resilkit as rk
from tests.parity.grounds import Ground, eventually
from tests.parity.servers import Counter

KEEPS: dict[str, tuple[Callable[[rk.Cluster, Any], Any], str]] = {
    "a cluster": (lambda cluster, _: cluster, r"a Cluster stays in .* self\.whereis\(name\)"),
    "a node": (lambda cluster, _: cluster.nodes["n1"], "a NodeHandle stays in the process"),
    "a lock": (lambda *_: threading.Lock(), r"cannot pickle '_thread\.lock' object"),
    "a file": (lambda _, file: file, "not opened for reading"),
    "a generator": (lambda *_: (each for each in "abc"), "cannot pickle 'generator' object"),
}


def keeping(thing: Any) -> type[rk.Server]:
    """Return a class whose code keeps what it is given."""

    class Keeper(rk.Server):
        def get(self) -> str:
            return repr(thing)

    return Keeper


def below(thing: Any) -> type[rk.Server]:
    """Return a class whose code needs another one, which keeps that."""
    other = keeping(thing)

    class Above(rk.Server):
        def get(self) -> str:
            return other.__name__

    return Above


HOW: dict[str, Callable[[rk.Cluster, Any], Any]] = {
    "by itself": lambda cluster, thing: cluster.start(keeping(thing), name="it", node="n2"),
    "by another class": lambda cluster, thing: cluster.start(below(thing), name="it", node="n2"),
    "supervised": lambda cluster, thing: cluster.start(
        rk.SupervisorSpec("all", [rk.ChildSpec(keeping(thing), name="it")]), node="n2"
    ),
    "as an argument": lambda cluster, thing: cluster.start(Counter, thing, name="it", node="n2"),
}


@pytest.mark.parametrize("kept", KEEPS)
@pytest.mark.parametrize("how", HOW)
def test_a_server_that_keeps_what_cannot_travel_is_refused(
    cluster: rk.Cluster, kept: str, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    make, words = KEEPS[kept]
    if (how, kept) == ("as an argument", "a file"):
        words = "cannot pickle '_io.TextIOWrapper' object"
    with Path(os.devnull).open("w") as file:
        for _ in range(2):
            with pytest.raises(rk.InvalidArgument, match=rf"cannot travel between .*{words}"):
                HOW[how](cluster, make(cluster, file))
    assert list(cluster.names()) == []
    assert cluster.nodes["n2"].servers() == []
    cluster.nodes["n2"].restart()
    assert cluster.nodes["n2"].servers() == []
    assert caplog.records == []


def test_what_may_travel_is_kept(cluster: rk.Cluster) -> None:
    assert cluster.start(keeping({"answer": 42}), node="n2").call.get() == "{'answer': 42}"


def test_a_cluster_with_such_an_application_is_not_made(ground: Ground) -> None:
    node = rk.NodeSpec("n1", applications=[keeping(threading.Lock())])
    with pytest.raises(rk.ResilkitError, match=r"cannot travel .*lock"):
        ground.cluster(rk.ClusterSpec(nodes=[node]))


def test_a_server_that_cannot_travel_any_more_is_told_of(
    cluster_of: Callable[..., rk.Cluster], caplog: pytest.LogCaptureFixture
) -> None:
    cluster = cluster_of(nodes=1)
    held: list[Any] = []
    held_by = keeping(held)
    assert cluster.start(held_by, name="it").call.get() == "[]"
    held.append(threading.Lock())
    cluster.start(Counter, name="counter")

    def told() -> list[str]:
        rows = cluster.events.frame("alert")
        return [event for event in rows["event"] if event == "boot_not_updated"]

    eventually(cluster, told)
    assert cluster.whereis("counter").call.increment() == 1
    assert caplog.records == []
