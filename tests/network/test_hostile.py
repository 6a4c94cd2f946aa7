"""Peers that are not of the cluster: dropped in bounded time, before anything is unpickled."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import os
import pickle
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilkit.network import codec, connecting, handshake
from resilkit.network.framing import DATA, LARGEST, frame
from resilkit.network.handshake import HandshakeError, Hello, accept, initiate
from tests.network.nets import COOKIE, Net, mesh


@pytest.fixture(autouse=True)
def _short_handshakes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handshake, "TIMEOUT", 0.2)


PACE = 0.01
"""Seconds between the bytes of one that is slow on purpose."""


class Stranger:
    """A raw connection to a node."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def dropped(self) -> bytes:
        """Return what came until the node hung up, which must be soon."""
        async with asyncio.timeout(5):
            try:
                return await self.reader.read()
            except ConnectionError:
                return b""

    async def close(self) -> None:
        self.writer.transport.abort()
        await asyncio.sleep(0)


async def _dial(folder: Path) -> Stranger:
    return Stranger(*await asyncio.open_unix_connection(str(folder / "n1.sock")))


@asynccontextmanager
async def _node(folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Net]:
    """A node that must neither unpickle nor hear of a stranger, and must still serve at the end."""
    net = Net(folder, mesh("n1", "n2"))
    await net.start("n1")
    unpickled: list[Any] = []
    with monkeypatch.context() as patch:
        patch.setattr(codec.pickle, "loads", unpickled.append)
        yield net
    assert unpickled == []
    assert net.got["n1"].log == []
    assert net.complaints == []
    await net.start("n2")
    await net.reach("n1", ["n2"])
    await net.close()


def _bomb() -> bytes:
    return frame(DATA, pickle.dumps([(1, "x")]))


@pytest.mark.parametrize(
    "data",
    [
        b"", b"GET / HTTP/1.1\r\n\r\n", os.urandom(4000), b"RSK1" + b"\0" * 32 + _bomb(),
        b"RSK1" + b"\0" * 32 + b"\xff\xff" + b"\0" * 4000, b"RSK1" + b"\0" * 31, _bomb(),
        b"RSK1" + b"\0" * 32 + struct.pack(">H", 3) + b"{}]" + b"\0" * 32, b"RSK1" * 100_000,
    ],
    ids=["nothing", "http", "noise", "no proof", "long hello", "half a nonce", "a frame at once",
         "wrong proof", "a lot"],
)  # fmt: skip
def test_garbage_is_dropped_unread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes
) -> None:
    async def run() -> None:
        async with _node(tmp_path, monkeypatch):
            stranger = await _dial(tmp_path)
            stranger.writer.write(data)
            came = await stranger.dropped()
            assert len(came) <= 64  # the node's nonce and proof, and never a hello
            await stranger.close()

    asyncio.run(run())


def test_one_that_hangs_up_half_way_is_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> None:
        async with _node(tmp_path, monkeypatch) as net:
            for data in (b"", b"RSK1", b"RSK1" + b"\0" * 32):
                stranger = await _dial(tmp_path)
                stranger.writer.write(data)
                await stranger.writer.drain()
                if len(data) > 4:
                    await stranger.reader.readexactly(64)
                await stranger.close()
            async with asyncio.timeout(5):
                while net.nodes["n1"]._connector.unproven:  # noqa: ASYNC110 - nobody announces it
                    await asyncio.sleep(0)

    asyncio.run(run())


def test_a_byte_at_a_time_is_too_slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        async with _node(tmp_path, monkeypatch):
            stranger = await _dial(tmp_path)

            async def drip() -> None:
                for byte in b"RSK1" + b"\0" * 1000:
                    stranger.writer.write(bytes([byte]))
                    await asyncio.sleep(PACE)

            dripping = asyncio.create_task(drip())
            assert await stranger.dropped() == b"", "it was not waited for until it had a nonce"
            assert not dripping.done()
            dripping.cancel()
            await stranger.close()

    asyncio.run(run())


def test_a_flood_of_silent_connections_does_not_keep_the_others_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handshake, "TIMEOUT", 60.0)
    monkeypatch.setattr(connecting, "MOST_UNPROVEN", 5)

    async def run() -> None:
        async with _node(tmp_path, monkeypatch) as net:
            strangers = [await _dial(tmp_path) for _ in range(20)]
            for stranger in strangers[:15]:
                await stranger.dropped()
            assert net.nodes["n1"]._connector.unproven == 5
        for stranger in strangers:
            await stranger.close()

    asyncio.run(run())


def _client(cookie: bytes, nonce: bytes, theirs: bytes, body: bytes) -> bytes:
    proof = hmac.new(
        cookie, b"\0".join((b"dialler", nonce + theirs, body)), hashlib.sha256
    ).digest()
    return struct.pack(">H", len(body)) + body + proof


@pytest.mark.parametrize(
    ("cookie", "body"),
    [
        (b"wrong", json.dumps(["n2", 1, "member"]).encode()),
        (b"", json.dumps(["n2", 1, "member"]).encode()),
        (COOKIE, b"no json"), (COOKIE, b"[1]"), (COOKIE, b'["", 1, "member"]'),
        (COOKIE, b'["n2", -1, "member"]'), (COOKIE, b'["n2", 1, "king"]'),
        (COOKIE, b'["n2", true, "member"]'), (COOKIE, b"\xff\xfe"), (COOKIE, b"[" * 900),
    ],
    ids=["wrong cookie", "empty cookie", "no json", "short", "no name", "negative", "no role",
         "no number", "no text", "deep"],
)  # fmt: skip
def test_a_proof_without_the_cookie_or_a_wrong_hello_is_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cookie: bytes, body: bytes
) -> None:
    async def run() -> None:
        async with _node(tmp_path, monkeypatch):
            stranger = await _dial(tmp_path)
            nonce = os.urandom(32)
            stranger.writer.write(b"RSK1" + nonce)
            answer = await stranger.reader.readexactly(64)
            stranger.writer.write(_client(cookie, nonce, answer[:32], body) + _bomb())
            assert await stranger.dropped() == b""
            await stranger.close()

    asyncio.run(run())


def test_a_recorded_proof_cannot_be_played_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> None:
        async with _node(tmp_path, monkeypatch):
            nonce = os.urandom(32)
            first = await _dial(tmp_path)
            first.writer.write(b"RSK1" + nonce)
            theirs = (await first.reader.readexactly(64))[:32]
            recorded = _client(COOKIE, nonce, theirs, b'["n2", 1, "member"]')
            second = await _dial(tmp_path)
            second.writer.write(b"RSK1" + nonce)
            await second.reader.readexactly(64)
            second.writer.write(recorded)
            assert await second.dropped() == b""
            await first.close()
            await second.close()

    asyncio.run(run())


def test_what_listens_in_a_nodes_place_without_the_cookie_is_not_spoken_to(tmp_path: Path) -> None:
    heard = bytearray()
    refused = 0

    async def impostor(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal refused
        heard.extend(await reader.readexactly(36))
        writer.write(os.urandom(64))
        heard.extend(await reader.read())
        refused += 1
        writer.close()

    async def run() -> None:
        server = await asyncio.start_unix_server(impostor, str(tmp_path / "n2.sock"))
        net = Net(tmp_path, mesh("n1", "n2"))
        await net.start("n1")
        async with asyncio.timeout(5):
            while refused < 3:  # noqa: ASYNC110 - it is tried again and again
                await asyncio.sleep(0)
        assert len(heard) % 36 == 0  # nonces, and never the name
        assert net.got["n1"].log == []
        await net.close()
        server.close()

    asyncio.run(run())


def test_a_member_that_goes_mad_costs_its_own_connection_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handshake, "TIMEOUT", 60.0)

    async def run() -> None:
        net = Net(tmp_path, mesh("n1", "n2", "n3"))
        await net.up("n1", "n3")
        for garbage in (struct.pack(">IB", LARGEST + 1, DATA), frame(2, b"{}"), frame(99, b"?")):
            stranger = await _dial(tmp_path)
            nonce = os.urandom(32)
            stranger.writer.write(b"RSK1" + nonce)
            theirs = (await stranger.reader.readexactly(64))[:32]
            stranger.writer.write(_client(COOKIE, nonce, theirs, b'["@mad", 1, "client"]'))
            await net.got["n1"].until(lambda: net.got["n1"].log[-1] == ("up", "@mad", 1, "client"))
            stranger.writer.write(garbage)
            if len(garbage) == 5:
                await stranger.dropped()  # nothing so large is waited for
            await stranger.close()
            await net.got["n1"].until(lambda: net.got["n1"].log[-1] == ("down", "@mad", 1))
        assert net.nodes["n1"].send("n3", ("still here",))
        await net.got["n3"].until(lambda: bool(net.got["n3"].messages()))
        await net.close()

    asyncio.run(run())


@given(st.integers(0, 10_000), st.integers(1, 255), st.sampled_from(["dialler", "listener"]))
def test_whatever_byte_is_changed_on_the_way_the_ends_do_not_agree(
    place: int, change: int, victim: str
) -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        near, far = socket.socketpair()
        near.setblocking(False)
        far.setblocking(False)
        changed = Changed(loop, place, change)
        dialler, listener = (loop, changed) if victim == "listener" else (changed, loop)
        results = await asyncio.gather(
            _ended(near, initiate(dialler, near, COOKIE, Hello("n1", 1, "member"))),
            _ended(far, accept(listener, far, COOKIE, Hello("n2", 1, "member"), lambda _: True)),
        )
        assert isinstance(results[0 if victim == "dialler" else 1], HandshakeError), results

    asyncio.run(run())


async def _ended(sock: socket.socket, step: Any) -> Any:
    try:
        return await step
    except HandshakeError as error:
        sock.close()
        return error
    finally:
        sock.close()


class Changed:
    """A loop on which one byte of all that is received is another one."""

    def __init__(self, loop: asyncio.AbstractEventLoop, place: int, change: int) -> None:
        self._loop = loop
        # 64 bytes and a hello of 2 + 17 + 32, or 36 bytes and the same.
        self._place = place % 87
        self._change = change
        self._seen = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)

    async def sock_recv(self, sock: socket.socket, size: int) -> bytes:
        data = bytearray(await self._loop.sock_recv(sock, size))
        if self._seen <= self._place < self._seen + len(data):
            data[self._place - self._seen] ^= self._change
        self._seen += len(data)
        return bytes(data)
