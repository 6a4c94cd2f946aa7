"""The log of a node: what its servers print, and how they crash."""

from __future__ import annotations

import linecache
from typing import Any

import pytest

import resilkit as rk

_CELL = """
import os, sys, time
import resilkit as rk
class Clumsy(rk.Server):
    def init(self):
        print("here I am")
    def trip(self):
        raise ValueError("over my own feet")
    def shut(self):
        sys.stderr.close()
        sys.stderr = None
"""


@pytest.fixture
def clumsy() -> type[rk.Server]:
    """A class as a notebook has it: of a cell, which is no file."""
    name = "/tmp/ipykernel_1/cell.py"
    linecache.cache[name] = (len(_CELL), None, _CELL.splitlines(keepends=True), name)
    bound: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(_CELL, name, "exec"), bound)  # noqa: S102 - as a notebook runs a cell
    found: type[rk.Server] = bound["Clumsy"]
    return found


def test_the_log_shows_what_is_printed_and_each_crash_with_the_lines_of_the_cell(
    clumsy: type[rk.Server],
) -> None:
    with rk.Cluster(nodes=1) as cluster:
        spec = rk.ChildSpec(clumsy, name="clumsy")
        cluster.start(rk.SupervisorSpec("tree", [spec], max_restarts=100))
        server = cluster.whereis("clumsy")
        with pytest.raises(rk.ServerExit):
            server.call.trip()
        log = cluster.nodes["n1"].log()
        assert "here I am" in log
        assert "server clumsy (Clumsy, <n1." in log
        assert "while handling: call of trip, from @notebook" in log
        assert 'raise ValueError("over my own feet")' in log
        assert "ValueError: over my own feet" in log
        assert "server_process.py" not in log
        assert len(log) < 2_000


def test_a_server_that_closed_the_stream_of_errors_crashes_as_loudly(
    clumsy: type[rk.Server],
) -> None:
    with rk.Cluster(nodes=1) as cluster:
        server = cluster.start(clumsy, name="clumsy")
        server.call.shut()
        with pytest.raises(rk.ServerExit):
            server.call.trip()
        assert "over my own feet" in cluster.nodes["n1"].log()
        assert cluster.health()["n1"]["servers"] == 0
