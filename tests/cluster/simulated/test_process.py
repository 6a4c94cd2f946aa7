"""The process that a simulated node stands for, where the real one shines through."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator

import pytest

import resilkit as rk


class Forking(rk.Server):
    """Makes a process of the machine's."""

    def fork(self, status: int) -> int:
        pid = os.fork()
        if pid == 0:
            os._exit(status)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    def pids(self) -> tuple[int, int]:
        return os.getpid(), importlib.import_module("psutil").Process().pid

    def kill_nobody(self) -> None:
        os.kill(99_999_999, 9)


@pytest.fixture
def server() -> Iterator[rk.ClusterReference]:
    with rk.Cluster(nodes=2, backend="simulation", seed=7) as cluster:
        yield cluster.start(Forking, node="n2")


def test_a_fork_ends_as_a_process_and_not_as_its_node(server: rk.ClusterReference) -> None:
    with pytest.warns(UserWarning, match=r"os\.fork was used"):
        assert server.call.fork(7) == 7
    assert server.alive()


def test_what_is_measured_of_the_process_is_the_real_ones(server: rk.ClusterReference) -> None:
    virtual, real = server.call.pids()
    assert real == os.getpid()
    assert virtual == server._session.nodes["n2"].pid


def test_a_number_that_is_no_nodes_is_the_machines(server: rk.ClusterReference) -> None:
    with pytest.raises(rk.ServerExit) as caught:
        server.call.kill_nobody()
    assert isinstance(caught.value.reason, ProcessLookupError)


def test_outside_of_it_all_is_the_machines(server: rk.ClusterReference) -> None:
    assert os.getpid() < 99_999_999
    assert server.alive()
