"""Servers that the parity tests start on whatever nodes there are."""

from __future__ import annotations

import asyncio
from typing import Any

from resilkit import NO_REPLY, Refused, Server
from tests.runtime import servers
from tests.runtime.servers import Desk, Recorder

__all__ = ["Asker", "Counter", "Desk", "Ending", "Gate", "Log", "Recorder"]


class Counter(servers.Counter):
    """Counts, and does what a test asks of it."""

    def get(self) -> int:
        """Return the count."""
        return self.value

    def where(self) -> str:
        """Return its node."""
        return self.node

    def hold(self) -> Any:
        """Never answer."""
        self.defer()
        return NO_REPLY

    def echo(self, value: Any) -> Any:
        """Return what came."""
        return value


class Gate(Server):
    """Keeps a caller waiting inside its handler, one message at a time."""

    def init(self) -> None:
        """Begin with an empty log."""
        self.log: list[str] = []

    async def slow(self, seconds: float, name: str = "slow") -> str:
        """Take so many seconds."""
        self.log.append(f"{name} begins")
        await asyncio.sleep(seconds)
        self.log.append(f"{name} ends")
        return name

    async def stuck(self) -> None:
        """Never end."""
        await asyncio.Event().wait()

    def note(self, what: str) -> list[str]:
        """Write something down, and return all that stands there."""
        self.log.append(what)
        return self.log


class Asker(Server):
    """Calls and casts to other servers when it is told to."""

    async def ask(self, address: Any, method: str, *args: Any, timeout: float = 5.0) -> Any:
        """Call another server; its error is an answer."""
        reference = self.whereis(address) if isinstance(address, str) else address
        try:
            return await reference.with_timeout(timeout).call.__getattr__(method)(*args)
        except Exception as error:
            return error

    def tell(self, address: str, method: str, count: int) -> None:
        """Cast the numbers below `count` to another server, one after the other."""
        target = self.whereis(address)
        for number in range(count):
            target.cast.__getattr__(method)(number)

    async def loop(self) -> Any:
        """Call itself."""
        return await self.me.call.loop()

    def told(self, value: Any) -> None:
        """Refuse."""
        raise Refused(value)

    def side(self) -> tuple[bool, list[str]]:
        """Return whether its node is in the majority, and whom it reaches."""
        return self.majority(), self.nodes()


class Log(Server):
    """Where others write down what happens, in the order in which they do; they are on its node."""

    def init(self) -> None:
        """Begin an empty page."""
        self.page: list[Any] = []

    def note(self, entry: Any) -> None:
        """Write something down."""
        self.page.append(entry)

    def read(self) -> list[Any]:
        """Return the page, and begin a new one."""
        page, self.page = self.page, []
        return page


class Ending(Server):
    """Traps exits on demand, and tells a recorder how it began and ended."""

    def init(self, to: str, name: str = "", *, trap: bool = True) -> None:
        """Tell that it begins."""
        self.trap_exit = trap
        self.to, self.name = self.whereis(to), name
        self.to.cast.note(("init", name))

    def terminate(self, reason: Any) -> None:
        """Tell how it ends."""
        self.to.cast.note(("terminate", self.name, reason))

    def quit(self, reason: Any = "normal") -> None:
        """Stop by itself."""
        self.stop(reason)

    def boom(self) -> None:
        """Crash."""
        raise ValueError("boom")
