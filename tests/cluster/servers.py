"""Servers that the cluster's tests start on real nodes."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import Any

from resilkit import NO_REPLY, ChildSpec, Server, SupervisorSpec


class Counter(Server):
    """Counts. Every public method can be called (reply) or cast (no reply)."""

    def init(self, start: int = 0) -> None:
        """Begin at `start`."""
        self.value = start

    def increment(self, by: int = 1) -> int:
        """Add."""
        self.value += by
        return self.value

    def get(self) -> int:
        """Return the count."""
        return self.value

    def boom(self) -> None:
        """Crash."""
        raise ValueError("boom")

    def where(self) -> tuple[str, int]:
        """Return the node and its process id."""
        return self.node, os.getpid()

    def hold(self) -> Any:
        """Never answer."""
        self.defer()
        return NO_REPLY

    def block(self) -> None:
        """Stop this whole node's loop, as a handler in an endless loop would."""
        signal.sigtimedwait([], 60.0)

    def echo(self, value: Any) -> Any:
        """Return what came."""
        return value

    def side(self) -> tuple[bool, list[str]]:
        """Return whether this node is in the majority, and whom it reaches."""
        return self.majority(), self.nodes()

    async def ask(self, name: str, method: str, *args: Any) -> Any:
        """Call another server from this one; its error is an answer."""
        try:
            return await self.whereis(name).call.__getattr__(method)(*args)
        except Exception as error:
            return error

    def read_config(self, key: str) -> Any:
        """Return a setting."""
        return self.config.get(key)

    def announce(self, topic: str, payload: Any) -> None:
        """Publish."""
        self.publish(topic, payload)

    def keep(self, key: str, value: Any) -> None:
        """Store durably."""
        self.storage.put(key, value)
        self.storage.sync()

    def loaded(self) -> set[str]:
        """Return the packages that this node's process has loaded."""
        return {name.partition(".")[0] for name in sys.modules}

    def kept(self, key: str) -> Any:
        """Return what was stored."""
        return self.storage.get(key)


class Slow(Server):
    """Takes for ever to start."""

    async def init(self) -> None:
        """Wait."""
        await asyncio.Event().wait()


class Broken(Server):
    """Does not start."""

    def init(self) -> None:
        """Raise."""
        raise ValueError("cannot start")


class Suicidal(Server):
    """Takes its node along when it starts."""

    def init(self) -> None:
        """End the process."""
        os.kill(os.getpid(), signal.SIGKILL)


COUNTERS = SupervisorSpec(
    "counters", [ChildSpec(Counter, name=f"counter-{i}", args=(i,)) for i in range(3)]
)
