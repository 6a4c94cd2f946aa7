"""Listening and dialling go on, whatever the operating system says."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from resilkit.network.connecting import Connector
from resilkit.network.handshake import Hello
from resilkit.rng import stream
from tests.network.nets import COOKIE, Net, mesh, on_both_loops


class Refusing:
    """A loop whose `sock_accept` fails a few times first."""

    def __init__(self, loop: Any, *numbers: int) -> None:
        self._loop = loop
        self.left = list(numbers)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)

    async def sock_accept(self, server: socket.socket) -> Any:
        if self.left:
            number = self.left.pop()
            raise OSError(number, os.strerror(number))
        return await self._loop.sock_accept(server)


@on_both_loops
async def test_no_error_of_accept_ends_listening(folder: Path) -> None:
    net = Net(folder, mesh("n1", "n2"))
    made = Connector.__init__

    def init(self: Connector, own: Hello, **options: Any) -> None:
        made(self, own, **options)
        if own.name == "n2":  # whom n1 dials
            self._loop = Refusing(self._loop, errno.ECONNABORTED, errno.ENOBUFS, errno.ENOMEM)  # type: ignore[assignment]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Connector, "__init__", init)
        await net.up()
    assert net.nodes["n1"].peers() == {"n2": 1}
    assert not net.complaints


async def _fails_first(folder: Path, who: str) -> None:
    net = Net(folder, mesh("n1", "n2"))
    made = Connector.__init__
    failures = []

    def init(self: Connector, own: Hello, **options: Any) -> None:
        adopt = options["adopt"]

        async def failing(sock: socket.socket, peer: Hello) -> None:
            if not failures:
                failures.append(own.name)
                raise OSError(errno.ENOBUFS, os.strerror(errno.ENOBUFS))
            await adopt(sock, peer)

        made(self, own, **{**options, "adopt": failing if own.name == who else adopt})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Connector, "__init__", init)
        await net.up()
    assert failures == [who]
    assert not net.complaints


@on_both_loops
async def test_dialling_goes_on_after_a_connection_that_could_not_be_taken(folder: Path) -> None:
    await _fails_first(folder, "n1")


@on_both_loops
async def test_a_dialled_connection_that_could_not_be_taken_is_let_go(folder: Path) -> None:
    await _fails_first(folder, "n2")


@on_both_loops
async def test_a_stranger_behind_a_name_never_becomes_a_link(folder: Path) -> None:
    net = Net(folder, mesh("n1", "n2"))
    stranger = await net.start("n9")
    # The file of n2's socket leads elsewhere: the other end has the cookie, but is not n2.
    (folder / "n2.sock").symlink_to(folder / "n9.sock")
    n1 = await net.start("n1")
    async with asyncio.timeout(5):
        while "n2" not in n1._connector._outcomes:
            await n1._connector.change()
    assert "'n9' answered for 'n2'" in n1._connector._outcomes["n2"]
    assert n1._links == {}
    assert not n1.peers()
    assert stranger.hello.name == "n9"


async def _never(_sock: socket.socket, _peer: Hello) -> None:
    raise AssertionError("nobody listens")


@on_both_loops
async def test_who_is_told_to_dial_tries_again_soon_however_long_it_was_in_vain(
    folder: Path,
) -> None:
    loop = asyncio.get_running_loop()
    connector = Connector(
        Hello("n1", 1, "client"), cookie=COOKIE, folder=folder, rng=stream(7),
        held=lambda _: None, adopt=_never,
    )  # fmt: skip
    connector.dial("n2")
    last, gap = loop.time(), 0.0
    while gap < 0.2:  # the longest pause is a quarter of a second, give or take a fifth
        await connector.change()
        last, gap = loop.time(), loop.time() - last
    connector.dial("n2")
    told = loop.time()
    for _ in range(5):
        await connector.change()
    assert loop.time() - told < 0.5, "it would have taken four of the longest pauses"
    await connector.close()
