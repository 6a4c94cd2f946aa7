"""Servers that the runtime's tests use."""

from __future__ import annotations

import asyncio
from typing import Any

from resilkit.errors import Refused
from resilkit.runtime import NO_REPLY, Server


class Counter(Server):
    """Counts, and does what a test asks of it."""

    def init(self, start: int = 0) -> None:
        """Begin at `start`."""
        self.value = start

    def increment(self, by: int = 1) -> int:
        """Add."""
        self.value += by
        return self.value

    def boom(self, text: str = "boom") -> None:
        """Crash."""
        raise ValueError(text)

    def refuse(self) -> None:
        """Answer no."""
        raise Refused("not today")

    def quit(self, reason: Any = "normal") -> None:
        """Stop by itself."""
        self.stop(reason)

    async def slow(self) -> str:
        """Wait for `release`, which cannot come: one message at a time."""
        self.gate = asyncio.Event()
        await self.gate.wait()
        return "slow"


class Recorder(Server):
    """Keeps every message that is no call or cast."""

    def init(self, *, trap_exit: bool = False) -> None:
        """Trap exits on demand."""
        self.trap_exit = trap_exit
        self.seen: list[Any] = []

    def info(self, message: Any) -> None:
        """Keep it."""
        self.seen.append(message)

    def messages(self) -> list[Any]:
        """Return what came."""
        return list(self.seen)

    def watch(self, target: Any) -> int:
        """Monitor."""
        return self.monitor(target)

    def unwatch(self, monitor: int) -> None:
        """Demonitor."""
        self.demonitor(monitor)

    def tie(self, target: Any) -> None:
        """Link."""
        self.link(target)

    async def hear(self, target: Any) -> None:
        """Ask it something: what this one has sent it before is there then."""
        await target.call.messages()

    def untie(self, target: Any) -> None:
        """Unlink."""
        self.unlink(target)

    def later(self, delay: float, message: Any) -> None:
        """Start a timer."""
        self.send_after(delay, message)

    def never(self, message: Any) -> None:
        """Start a timer and cancel it."""
        self.send_after(0.0, message).cancel()

    def listen(self, pattern: str) -> None:
        """Subscribe."""
        self.subscribe(pattern)

    def quit(self, reason: Any = "normal") -> None:
        """Stop by itself."""
        self.stop(reason)


class Ending(Server):
    """Traps exits, and notes in a list that the test shares how it ended."""

    def init(self, log: list[Any], name: str = "", *, trap: bool = True) -> None:
        """Trap exits."""
        self.trap_exit = trap
        self.log = log
        self.name = name
        log.append(("init", name))

    def terminate(self, reason: Any) -> None:
        """Note it."""
        self.log.append(("terminate", self.name, reason))

    def quit(self, reason: Any = "normal") -> None:
        """Stop by itself."""
        self.stop(reason)

    def boom(self) -> None:
        """Crash."""
        raise ValueError("boom")


class Desk(Server):
    """Answers later."""

    def init(self) -> None:
        """Wait for orders."""
        self.waiting: dict[str, Any] = {}

    def hold(self, order: str) -> Any:
        """Do not answer now."""
        self.waiting[order] = self.defer()
        return NO_REPLY

    def release(self, order: str) -> None:
        """Answer now."""
        self.waiting.pop(order).reply(f"{order} released")

    def deny(self, order: str) -> None:
        """Answer with an error."""
        self.waiting.pop(order).fail(Refused("denied"))

    def pass_on(self, order: str, to: Any) -> None:
        """Let another server answer."""
        to.cast.answer(self.waiting[order])

    def answer(self, deferred: Any) -> None:
        """Answer in another's place."""
        deferred.reply("answered elsewhere")

    def boom(self) -> None:
        """Crash with callers waiting."""
        raise ValueError("boom")
