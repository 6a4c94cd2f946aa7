"""The handshake against one that has seen some of it, or says too much."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import Iterator

import pytest

from resilkit.network import handshake
from resilkit.network.handshake import HandshakeError, Hello, accept, initiate
from tests.network.nets import COOKIE


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[socket.socket, socket.socket]]:
    """Return the node's end and the stranger's; nobody is dropped for being slow."""
    monkeypatch.setattr(handshake, "TIMEOUT", 60.0)
    near, far = socket.socketpair()
    with near, far:
        near.setblocking(False)
        far.setblocking(False)
        yield near, far


async def _read(sock: socket.socket, size: int) -> bytes:
    return await handshake._exactly(asyncio.get_running_loop(), sock, size)


def test_a_dialler_does_not_take_its_own_hello_for_the_listeners(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    near, far = ends

    async def run() -> None:
        loop = asyncio.get_running_loop()
        dialling = asyncio.ensure_future(
            initiate(loop, near, COOKIE, Hello("n1", 1, "member")),
        )
        nonce = (await _read(far, 36))[4:]
        mine = os.urandom(32)
        # What a true listener answers to the dialler's nonce: one in the middle passes it on.
        proof = handshake._proof(COOKIE, b"listener", nonce + mine, b"")
        await loop.sock_sendall(far, mine + proof)
        head = await _read(far, 2)
        rest = await _read(far, struct.unpack(">H", head)[0] + 32)
        await loop.sock_sendall(far, head + rest)
        with pytest.raises(HandshakeError, match="cookie"):
            await dialling

    asyncio.run(run())


def test_a_listener_does_not_take_its_own_proof_for_the_diallers(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    near, far = ends

    async def run() -> None:
        loop = asyncio.get_running_loop()
        own = Hello("n1", 1, "member")
        accepting = asyncio.ensure_future(accept(loop, near, COOKIE, own, lambda _: True))
        await loop.sock_sendall(far, b"RSK1" + b"\0" * 32)
        proof = (await _read(far, 64))[32:]
        await loop.sock_sendall(far, struct.pack(">H", 0) + proof)
        with pytest.raises(HandshakeError, match="cookie"):
            await accepting

    asyncio.run(run())


@pytest.mark.parametrize("length", [1025, 65535])
def test_a_hello_that_says_it_is_long_is_not_waited_for(
    ends: tuple[socket.socket, socket.socket], length: int
) -> None:
    near, far = ends

    async def run() -> None:
        loop = asyncio.get_running_loop()
        own = Hello("n1", 1, "member")
        accepting = asyncio.ensure_future(accept(loop, near, COOKIE, own, lambda _: True))
        await loop.sock_sendall(far, b"RSK1" + b"\0" * 32)
        await _read(far, 64)
        # Nothing follows: only its length can be what it is dropped for.
        await loop.sock_sendall(far, struct.pack(">H", length))
        async with asyncio.timeout(5):
            with pytest.raises(HandshakeError, match="too long"):
                await accepting

    asyncio.run(run())


def test_the_longest_hello_that_a_node_can_say_is_taken(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    near, far = ends

    async def run() -> None:
        loop = asyncio.get_running_loop()
        long = Hello("\U00020000" * handshake.LONGEST_NAME, (1 << 63) - 1, "member")
        heard = await asyncio.gather(
            initiate(loop, near, COOKIE, long), accept(loop, far, COOKIE, long, lambda _: True)
        )
        assert heard == [long, long]

    asyncio.run(run())
