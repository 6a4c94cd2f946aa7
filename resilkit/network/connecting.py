"""Making connections: listening, dialling again and again, and turning strangers away."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from typing import TYPE_CHECKING, Any

from resilkit.network.addresses import Listener, connect, listen
from resilkit.network.handshake import HandshakeError, Hello, accept, initiate

if TYPE_CHECKING:
    import random
    import socket
    from collections.abc import Awaitable, Callable
    from pathlib import Path

__all__ = ["Connector"]

_FIRST_PAUSE = 0.002
_GROWTH = 1.5
_LONGEST_PAUSE = 0.25
_BACKLOG = 128
MOST_UNPROVEN = 64
"""Connections that have not proved the cookie yet; the oldest goes when one more comes."""


class Connector:
    """Makes proven connections of one process, and says how each attempt ended.

    Args:
        own: Who this end is.
        cookie: The cluster's secret.
        folder: Where the sockets are.
        rng: Spreads the attempts, so that those who lost the same node do not dial in step.
        held: Returns who is connected under a name, ``None`` for nobody.
        adopt: Takes over a proven connection.
    """

    def __init__(
        self,
        own: Hello,
        *,
        cookie: bytes,
        folder: Path,
        rng: random.Random,
        held: Callable[[str], Hello | None],
        adopt: Callable[[socket.socket, Hello], Awaitable[None]],
    ) -> None:
        self._own = own
        self._cookie = cookie
        self._folder = folder
        self._rng = rng
        self._held = held
        self._adopt = adopt
        self._loop = asyncio.get_running_loop()
        self._dialling: dict[str, asyncio.Task[None]] = {}
        self._in_handshake: set[str] = set()
        self._outcomes: dict[str, str] = {}
        self._wake: dict[str, asyncio.Event] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._unproven: dict[asyncio.Task[Any], None] = {}
        self._server: Listener | None = None
        self._changed = asyncio.Event()
        self._closed = False

    @property
    def unproven(self) -> int:
        """How many connections have not proved the cookie yet."""
        return len(self._unproven)

    def listen(self) -> None:
        """Let others dial."""
        self._server = listen(self._folder, self._own.name, _BACKLOG)
        _ = self._spawn(self._accept_all(self._server.sock))

    async def close(self) -> None:
        """End all attempts, and listen no more."""
        self._closed = True
        tasks = [*self._tasks, *self._dialling.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._server is not None:
            self._server.close()
            self._server = None

    def _spawn(self, coroutine: Any) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = self._loop.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # What becomes of it --------------------------------------------------------------------------

    def refused(self, peer: str) -> bool:
        """Whether nobody listened under that name the last time."""
        return self._outcomes.get(peer) == "refused"

    def trouble(self, peer: str) -> str:
        """Return why the last attempt to reach `peer` failed, ``""`` when nothing is wrong here."""
        outcome = self._outcomes.get(peer, "")
        return "" if outcome in {"connected", "refused"} else outcome

    def note(self, peer: str, outcome: str) -> None:
        """Note how an attempt ended, and tell those who wait."""
        self._outcomes[peer] = outcome
        self.tell()

    def tell(self) -> None:
        """Wake those who wait for a change."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def change(self) -> None:
        """Return when some connection has come or gone."""
        await self._changed.wait()

    # Dialling ------------------------------------------------------------------------------------

    def lost(self, peer: str) -> None:
        """Dial again at once, if a connection to `peer` is to be kept."""
        if peer in self._wake:
            self._wake[peer].set()

    def hang_up(self, peer: str) -> None:
        """Stop keeping a connection to `peer`."""
        task = self._dialling.pop(peer, None)
        if task is not None:
            task.cancel()

    def dial(self, peer: str) -> None:
        """Keep a connection to `peer`: connect, and connect again when it is lost."""
        if self._closed:
            return
        self._wake.setdefault(peer, asyncio.Event()).set()
        if peer not in self._dialling:
            self._dialling[peer] = self._loop.create_task(self._keep(peer))

    async def _keep(self, peer: str) -> None:
        pause = _FIRST_PAUSE
        while True:
            if self._held(peer) is None and await self._dial_once(peer):
                pause = _FIRST_PAUSE
            wake = self._wake[peer]
            if wake.is_set():
                # Somebody knows that it is there, or will be in a moment: its process was forked.
                pause = _FIRST_PAUSE
            wake.clear()
            if self._held(peer) is not None:
                await wake.wait()  # until the link is lost, or somebody knows better
                continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause * self._rng.uniform(0.8, 1.2)):
                    await wake.wait()
            pause = min(_GROWTH * pause, _LONGEST_PAUSE)

    async def _dial_once(self, peer: str) -> bool:
        try:
            sock = await connect(self._loop, self._folder, peer)
        except (FileNotFoundError, ConnectionRefusedError):
            self.note(peer, "refused")
            return False
        except OSError as error:  # it is not the peer's fault: no descriptors left, say
            self.note(peer, str(error))
            return False
        self._in_handshake.add(peer)
        try:
            theirs = await initiate(self._loop, sock, self._cookie, self._own)
            if theirs.name != peer:
                raise HandshakeError(f"{theirs.name!r} answered for {peer!r}")
            held = self._held(peer)
            if held is not None and held.incarnation >= theirs.incarnation:
                sock.close()
                return True
            await self._adopt(sock, theirs)
        except (HandshakeError, OSError) as error:
            sock.close()
            self.note(peer, str(error))
            return False
        except BaseException:
            sock.close()
            raise
        finally:
            self._in_handshake.discard(peer)
        return True

    # Listening -----------------------------------------------------------------------------------

    async def _accept_all(self, server: socket.socket) -> None:
        while True:
            try:
                sock, _ = await self._loop.sock_accept(server)
            except OSError:
                # No descriptors or no memory left, or a caller who hung up: none of it lasts.
                await asyncio.sleep(_LONGEST_PAUSE)
                continue
            sock.setblocking(False)
            if len(self._unproven) >= MOST_UNPROVEN:
                # A flood of silent connections must not use up the descriptors. An honest one
                # proves itself in milliseconds, so the oldest is the one to go.
                oldest = next(iter(self._unproven))
                del self._unproven[oldest]
                oldest.cancel()
            task = self._spawn(self._accept_one(sock))
            self._unproven[task] = None
            task.add_done_callback(functools.partial(self._proven, sock))

    def _proven(self, sock: socket.socket, task: asyncio.Task[Any]) -> None:
        self._unproven.pop(task, None)
        if task.cancelled():
            sock.close()  # one that is cancelled before it began cannot do it

    async def _accept_one(self, sock: socket.socket) -> None:
        try:
            theirs = await accept(self._loop, sock, self._cookie, self._own, self._admits)
            await self._adopt(sock, theirs)
        except (HandshakeError, OSError):
            sock.close()
            return
        except BaseException:
            sock.close()
            raise

    def _admits(self, peer: Hello) -> bool:
        """Whether a connection that `peer` dialled may become the link: there is one a pair.

        When both dial at once, the one that the smaller name dialled is kept. The loser is turned
        away before it is made, so that no link is ever replaced while it is in use.
        """
        held = self._held(peer.name)
        if held is not None and held.incarnation >= peer.incarnation:
            return False
        return not (peer.name in self._in_handshake and self._own.name < peer.name)
