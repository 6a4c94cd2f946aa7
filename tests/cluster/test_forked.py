"""Handlers that fork: the child is not the node, and the node does not notice."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import resilkit as rk
from resilkit.cluster.cluster import Cluster
from tests.cluster.harm import wait_until


def double(value: int) -> int:
    """Return twice `value`."""
    return 2 * value


def send_double(pipe: Any, value: int) -> None:
    """Write twice `value` into a pipe, from a loop of this process's own."""
    pipe.send(asyncio.run(asyncio.sleep(0, 2 * value)))


class Forker(rk.Server):
    """Forks in every way that there is, and notes which process ran its code after that."""

    def init(self, path: str) -> None:
        """Note into `path`."""
        self.path = Path(path)
        self.handled = 0

    def note(self, what: str) -> None:
        """Write down what happened, and in which process."""
        self.handled += 1
        with self.path.open("a") as file:
            file.write(f"{what} {os.getpid()}\n")

    def where(self) -> int:
        """Return the node's process."""
        return os.getpid()

    def returns(self) -> int:
        """Fork; both return. The child is handed over to nobody: it must end by itself."""
        child = os.fork()
        return child or -1

    def raises(self) -> int:
        """Fork; the child raises."""
        child = os.fork()
        if not child:
            raise ValueError("in the child")
        return child

    async def awaits(self) -> int:
        """Fork; both await the loop."""
        child = os.fork()
        await asyncio.sleep(0)
        return child or -1

    async def in_thread(self) -> int:
        """Fork in a thread."""
        return await asyncio.to_thread(self.returns)

    def exits(self, status: int) -> int:
        """Fork a child that does something of its own, and wait for it."""
        child = os.fork()
        if not child:
            self.note("child")
            os._exit(status)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    def execs(self) -> int:
        """Fork a child that becomes another program."""
        child = os.fork()
        if not child:
            program = [sys.executable, "-c", "raise SystemExit(7)"]
            os.execv(sys.executable, program)  # noqa: S606 - what is tested
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    def speaks(self, name: str) -> int:
        """Fork a child that sends a message to another server as if it were this one."""
        child = os.fork()
        if not child:
            self.whereis(name).cast.note("from the child")
            os._exit(9)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    def ended(self, child: int) -> bool:
        """Whether a child has ended; it is reaped."""
        return os.waitpid(child, os.WNOHANG)[0] == child

    def process(self, method: str) -> int:
        """Run a function in a process of `multiprocessing`."""
        context: Any = multiprocessing.get_context(method)
        here, there = context.Pipe()
        process = context.Process(target=send_double, args=(there, 21))
        process.start()
        answer: int = here.recv()
        process.join()
        return answer

    def pool(self) -> list[int]:
        """Run a function in a pool."""
        with multiprocessing.get_context("fork").Pool(2) as pool:
            return pool.map(double, [1, 2, 3])

    def program(self) -> str:
        """Run a program, with Python code between fork and exec."""
        done = subprocess.run(["echo", "one"], stdout=-1, check=True, preexec_fn=os.getpid)
        return done.stdout.decode().strip()

    async def program_awaited(self) -> str:
        """Run a program on the loop."""
        two = await asyncio.create_subprocess_exec("echo", "two", stdout=-1)
        return (await two.communicate())[0].decode().strip()


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Two nodes. A handler that starts a whole interpreter holds its node up for seconds."""
    with rk.Cluster(nodes=2, detect_after=30.0) as cluster:
        yield cluster


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """What the servers write down."""
    path = tmp_path / "notes"
    path.touch()
    return path


@pytest.fixture
def forker(cluster: Cluster, notes: Path) -> Iterator[Any]:
    """A server on n2, whose node must be as well after the test as before."""
    forker = cluster.start(Forker, str(notes), name="forker", node="n2")
    other = cluster.start(Forker, str(notes), name="other", node="n1")
    yield forker.with_timeout(20.0)
    pid, incarnation = cluster.nodes["n2"].pid, cluster.nodes["n2"].incarnation
    # More than one message, over both connections: those of the notebook, and of the other node.
    for _ in range(20):
        assert forker.call.where() == pid
        assert cluster.health()["n1"]["reachable"] == ["n1", "n2"]
    assert (cluster.nodes["n2"].status, incarnation) == ("running", 1)
    forker.stop()
    other.stop()


@pytest.mark.parametrize("method", ["returns", "raises", "awaits", "in_thread"])
def test_a_child_that_comes_back_ends_and_serves_nobody(
    cluster: Cluster, forker: Any, notes: Path, method: str
) -> None:
    # All in one frame: what waits behind the handler that forks is there in the child as well.
    for number in range(3):
        forker.cast.note(f"before-{number}")
    answer = getattr(forker.acall, method)

    async def main() -> int:
        waiting = asyncio.ensure_future(answer())
        for number in range(50):
            forker.cast.note(f"after-{number}")
        child: int = await waiting
        return child

    child = asyncio.run(main())
    assert child > 0, "the node itself answered"
    wait_until(lambda: forker.call.ended(child))
    forker.sync()
    lines = notes.read_text().splitlines()
    assert len(lines) == 53, "each message was handled once"
    assert {line.split()[1] for line in lines} == {str(cluster.nodes["n2"].pid)}
    words = cluster.nodes["n2"].log()
    assert f"a fork of node n2 (process {child})" in words
    assert "Fatal" not in words


def test_a_child_that_exits_or_becomes_another_program_leaves_the_node_alone(
    forker: Any, notes: Path
) -> None:
    assert [forker.call.exits(status) for status in (0, 3)] == [0, 3]
    assert [line.split()[0] for line in notes.read_text().splitlines()] == ["child", "child"]
    assert forker.call.execs() == 7


def test_a_child_cannot_speak_for_the_node(forker: Any, notes: Path) -> None:
    assert forker.call.speaks("other") == 0, "ended when it tried"
    assert forker.call.speaks("forker") == 9, "on its own node there is nobody to hear it"
    assert notes.read_text() == ""


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_multiprocessing_works_in_a_handler(forker: Any, method: str) -> None:
    assert forker.call.process(method) == 42


def test_a_pool_and_programs_work_in_a_handler(forker: Any) -> None:
    assert forker.call.pool() == [2, 4, 6]
    assert (forker.call.program(), forker.call.program_awaited()) == ("one", "two")
