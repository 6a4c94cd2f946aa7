"""A server under load, and an operation on it: light, for generators import this module."""

from __future__ import annotations

import os
import signal
from typing import Any

import resilkit as rk


class Desk(rk.Server):
    """Answers, refuses, and keeps people waiting."""

    def init(self) -> None:
        """Count from 0."""
        self.count = 0

    def add(self, by: int = 1) -> int:
        """Count."""
        self.count += by
        return self.count

    def total(self) -> int:
        """Return the count."""
        return self.count

    def refuse(self) -> None:
        """Refuse."""
        raise rk.Refused("not today")

    def ignore(self) -> Any:
        """Never answer."""
        self.defer()
        return rk.NO_REPLY

    def stall(self, seconds: float) -> tuple[float, float]:
        """Stop this whole node's loop, as a long collection would; say from when to when."""
        began = self.now()
        signal.sigtimedwait([], seconds)
        return began, self.now()

    def crash(self) -> None:
        """Crash."""
        raise ValueError("boom")


async def add_one(user: Any) -> tuple[int, int, int]:
    """Count by one; say who did it, and in which process."""
    total = await user.whereis("desk").call.add()
    return total, user.index, os.getpid()
