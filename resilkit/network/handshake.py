"""The proof of the cookie: before it is given, not one byte of a peer is unpickled.

Both ends send a nonce, and each proves with an HMAC over both nonces that it has the cookie; then
each says who it is, under an HMAC as well. Sizes and times are bounded, so that a peer that sends
garbage, nothing, or one byte a minute is dropped soon.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import secrets
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from resilkit.errors import ClusterError, InvalidArgument

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

__all__ = ["HandshakeError", "Hello", "accept", "checked", "initiate"]

_MAGIC = b"RSK1"
_NONCE = 32
_PROOF = 32
_LENGTH = struct.Struct(">H")
_MOST = 1024
LONGEST_NAME = 64
"""Characters of a name; as JSON in its worst escape it still fits into a hello."""
ROLES = ("member", "client")
TIMEOUT = 5.0
"""Seconds that a handshake may take in all."""


class HandshakeError(ClusterError):
    """A peer could not prove the cookie, spoke garbage, or took too long."""


@dataclass(frozen=True, slots=True)
class Hello:
    """Who a peer is."""

    name: str
    incarnation: int
    role: str


async def initiate(
    loop: asyncio.AbstractEventLoop, sock: socket.socket, cookie: bytes, own: Hello
) -> Hello:
    """Prove the cookie to the one that was dialled, have it prove it too, and exchange hellos."""
    try:
        async with asyncio.timeout(TIMEOUT):
            nonce = secrets.token_bytes(_NONCE)
            await loop.sock_sendall(sock, _MAGIC + nonce)
            answer = await _exactly(loop, sock, _NONCE + _PROOF)
            theirs = answer[:_NONCE]
            nonces = nonce + theirs
            _check(cookie, b"listener", nonces, b"", answer[_NONCE:])
            await loop.sock_sendall(sock, _signed(cookie, b"dialler", nonces, own))
            return await _hello(loop, sock, cookie, b"listener-hello", nonces)
    except (TimeoutError, OSError) as error:
        raise HandshakeError(f"the handshake failed: {str(error) or 'too slow'}") from error


async def accept(
    loop: asyncio.AbstractEventLoop,
    sock: socket.socket,
    cookie: bytes,
    own: Hello,
    admits: Callable[[Hello], bool],
) -> Hello:
    """Do the same as the one that was dialled.

    A peer that has proved the cookie but that `admits` turns away gets no hello.
    """
    try:
        async with asyncio.timeout(TIMEOUT):
            opening = await _exactly(loop, sock, len(_MAGIC) + _NONCE)
            if opening[: len(_MAGIC)] != _MAGIC:
                raise HandshakeError("the peer speaks another protocol")
            nonce = opening[len(_MAGIC) :]
            mine = secrets.token_bytes(_NONCE)
            nonces = nonce + mine
            proof = _proof(cookie, b"listener", nonces, b"")
            await loop.sock_sendall(sock, mine + proof)
            hello = await _hello(loop, sock, cookie, b"dialler", nonces)
            if not admits(hello):
                raise HandshakeError(f"{hello.name!r} is connected already")
            await loop.sock_sendall(sock, _signed(cookie, b"listener-hello", nonces, own))
            return hello
    except (TimeoutError, OSError) as error:
        raise HandshakeError(f"the handshake failed: {str(error) or 'too slow'}") from error


def _proof(cookie: bytes, label: bytes, nonces: bytes, body: bytes) -> bytes:
    return hmac.new(cookie, b"\0".join((label, nonces, body)), hashlib.sha256).digest()


def _check(cookie: bytes, label: bytes, nonces: bytes, body: bytes, proof: bytes) -> None:
    if not hmac.compare_digest(_proof(cookie, label, nonces, body), proof):
        raise HandshakeError("the peer does not have this cluster's cookie")


def _signed(cookie: bytes, label: bytes, nonces: bytes, hello: Hello) -> bytes:
    body = json.dumps([hello.name, hello.incarnation, hello.role]).encode()
    return _LENGTH.pack(len(body)) + body + _proof(cookie, label, nonces, body)


async def _hello(
    loop: asyncio.AbstractEventLoop,
    sock: socket.socket,
    cookie: bytes,
    label: bytes,
    nonces: bytes,
) -> Hello:
    (length,) = _LENGTH.unpack(await _exactly(loop, sock, _LENGTH.size))
    if length > _MOST:
        raise HandshakeError("the peer's hello is too long")
    body = await _exactly(loop, sock, length)
    _check(cookie, label, nonces, body, await _exactly(loop, sock, _PROOF))
    return _read(body)


def _read(body: bytes) -> Hello:
    """Return a hello; even one that was proved may come from another version, or a bug."""
    try:
        name, incarnation, role = json.loads(body)
        return checked(Hello(name, incarnation, role))
    except (ValueError, TypeError) as error:
        raise HandshakeError(f"the peer's hello is wrong: {error}") from error


def checked(hello: Hello) -> Hello:
    """Return `hello` if a node can be called that.

    Raises:
        InvalidArgument: A field of it is wrong.
    """
    name, incarnation, role = hello.name, hello.incarnation, hello.role
    if not isinstance(name, str) or not name.isprintable() or not 0 < len(name) <= LONGEST_NAME:
        raise InvalidArgument(
            "is no name for a node", path="name", value=name,
            allowed=f"1 to {LONGEST_NAME} printable characters",
        )  # fmt: skip
    if type(incarnation) is not int or not 0 <= incarnation < 1 << 63:
        raise InvalidArgument(
            "is no incarnation", path="incarnation", value=incarnation, allowed="an integer >= 0"
        )
    if role not in ROLES:
        raise InvalidArgument("is no role", path="role", value=role, allowed="member or client")
    return hello


async def _exactly(loop: asyncio.AbstractEventLoop, sock: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = await loop.sock_recv(sock, size - len(data))
        if not part:
            raise HandshakeError("the peer hung up during the handshake")
        data += part
    return data
