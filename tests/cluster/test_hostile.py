"""Peers that are not of the cluster, at the sockets of a real one: it goes on."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest

import resilkit as rk
from resilkit.cluster.cluster import Cluster
from tests.cluster.harm import hears, probes, whole

ALL = ["n1", "n2"]
NONCE = b"RSK1" + b"n" * 32


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with rk.Cluster(nodes=2, seed=2) as cluster:
        probes(cluster)
        yield cluster


def no_cookie(stranger: socket.socket) -> None:
    """Say nothing that proves anything, and hang up."""
    stranger.sendall(NONCE)
    stranger.shutdown(socket.SHUT_WR)


def wrong_cookie(stranger: socket.socket) -> None:
    """Go all the way of the handshake, with a proof of another cookie."""
    stranger.sendall(NONCE)
    assert len(stranger.recv(64, socket.MSG_WAITALL)) == 64, "a nonce and a proof"
    hello = b'["n2", 9, "member"]'
    stranger.sendall(len(hello).to_bytes(2, "big") + hello + b"p" * 32)


def garbage(stranger: socket.socket) -> None:
    """Send what is no handshake at all."""
    with suppress(OSError):  # it need not take all of it
        stranger.sendall(bytes(range(256)) * 256)


@contextmanager
def dialled(cluster: Cluster, name: str) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.settimeout(20.0)
        stranger.connect(str(cluster._session.folder / f"{name}.sock"))
        yield stranger


def dropped(stranger: socket.socket) -> bool:
    """Return whether the node hangs up, having told no more than its nonce and its proof."""
    heard = b""
    with suppress(ConnectionError):
        while part := stranger.recv(1 << 16):
            heard += part
            if len(heard) > 64:
                return False
    return True


@pytest.mark.parametrize("attack", [no_cookie, wrong_cookie, garbage])
def test_a_stranger_is_dropped_and_the_cluster_goes_on(cluster: Cluster, attack) -> None:
    before = [(node.pid, node.incarnation) for node in cluster.nodes.values()]
    with ExitStack() as stack:
        strangers = [stack.enter_context(dialled(cluster, name)) for name in ALL for _ in range(10)]
        for stranger in strangers:
            attack(stranger)
        assert all(dropped(stranger) for stranger in strangers)
    assert whole(cluster)
    assert [(node.pid, node.incarnation) for node in cluster.nodes.values()] == before


def test_many_half_handshakes_keep_nobody_from_the_cluster(cluster: Cluster) -> None:
    with ExitStack() as stack:
        for name in ALL:
            for _ in range(50):
                stranger = stack.enter_context(dialled(cluster, name))
                stranger.sendall(NONCE[:20])
        assert [hears(cluster, name) for name in ALL] == [ALL, ALL]
        # A node that has to shake hands itself gets through among them.
        cluster.nodes["n2"].restart()
        assert cluster.health()["n1"]["reachable"] == ALL
        assert cluster.whereis("on-n2").call.echo() == cluster.nodes["n2"].pid
