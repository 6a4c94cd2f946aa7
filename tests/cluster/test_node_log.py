"""The log of a node is bounded, and does not make what writes into it fail."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import resilkit as rk
from resilkit.cluster.node_log import KEPT_BYTES, MOST_BYTES, NodeLog


class Chatty(rk.Server):
    def say(self, lines: int, size: int) -> int:
        for number in range(lines):
            print(f"{number} {'y' * size}")  # noqa: T201 - what it is about
        return lines


def test_a_log_that_has_grown_too_long_keeps_its_end_and_says_so() -> None:
    with rk.Cluster(nodes=1) as cluster:
        chatty = cluster.start(Chatty, name="chatty")
        assert chatty.with_timeout(60.0).call.say(3 * MOST_BYTES // 100_000, 100_000)
        assert chatty.call.say(7, 10) == 7
        log = cluster._session.folder / "logs" / "n1.log"
        assert KEPT_BYTES / 2 < log.stat().st_size <= MOST_BYTES + 200_000
        assert b"older bytes were dropped here)\n" in log.read_bytes()[:100]
        assert cluster.nodes["n1"].log().endswith(f"6 {'y' * 10}\n")


def test_a_server_prints_on_and_crashes_as_ever_where_the_log_cannot_grow() -> None:
    spec = rk.NodeSpec("n1", limits=rk.Limits(file_size_bytes=4096))
    with rk.Cluster(nodes=[spec]) as cluster:
        chatty = cluster.start(Chatty, name="chatty")
        assert chatty.call.say(100, 1000) == 100
        with pytest.raises(rk.ServerExit):
            chatty.call.say("many", 1000)
        assert cluster.health()["n1"]["answers"]


def test_what_was_lost_is_told_once_the_disk_takes_something_again(tmp_path: Path) -> None:
    path, flags = tmp_path / "n1.log", os.O_RDWR | os.O_APPEND | os.O_CREAT
    descriptor, closed = os.open(path, flags), os.open(path, os.O_RDONLY)
    try:
        log = NodeLog(descriptor)
        # A descriptor of the same file that takes nothing stands for a disk that is full.
        assert log.write(closed, b"lost\n") == 5
        assert log.write(descriptor, b"kept\n") == 5
        assert path.read_text().splitlines() == [
            "(5 bytes were lost here: they could not be written)", "kept"
        ]  # fmt: skip
    finally:
        os.close(descriptor)
        os.close(closed)


def test_what_a_server_put_in_the_place_of_its_output_is_its_own(tmp_path: Path) -> None:
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT
    descriptor, other = os.open(tmp_path / "n1.log", flags), os.open(tmp_path / "own", flags)
    full = os.open(tmp_path / "own", os.O_RDONLY)
    try:
        log = NodeLog(descriptor, most_bytes=100, kept_bytes=10)
        for _ in range(50):
            log.write(other, b"0123456789\n")
        assert (tmp_path / "own").stat().st_size == 550
        with pytest.raises(OSError, match="Bad file descriptor"):
            log.write(full, b"lost")
    finally:
        for one in (descriptor, other, full):
            os.close(one)
