"""Which nodes faults make slow, and made slow a while ago."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from resilkit.cluster.session import Session

__all__ = ["SlowNodes"]

_REMEMBERED = 600.0
"""Seconds after its end for which a slowness may still be the reason of what is told."""


@dataclass(slots=True)
class _Slowness:
    fault_id: str
    node: str
    factor: float
    began: float
    ended: float = math.inf


class SlowNodes:
    """The slow nodes of one cluster. The launcher carries it out; here stands why."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._all: list[_Slowness] = []

    async def slow(self, fault_id: str, node: str, factor: float) -> None:
        """Make a node do everything `factor` times slower.

        Raises:
            ClusterError: It has no process.
            StorageError: How to let it go on could not be written down; it is as fast as ever.
        """
        now = self._session.clock.now()
        self._all = [one for one in self._all if one.ended > now - _REMEMBERED]
        self._all.append(_Slowness(fault_id, node, factor, now))
        await self._session.launcher.slow(node, fault_id, factor)

    async def unslow(self, fault_id: str, node: str) -> float | None:
        """Slow a node no more for one fault; safe to repeat.

        Returns:
            How many times slower it has really been, ``None`` where nobody knows.
        """
        slowed = await self._session.launcher.unslow(node, fault_id)
        for one in self._all:
            if (one.fault_id, one.node) == (fault_id, node):
                one.ended = min(one.ended, self._session.clock.now())
        return slowed

    def why(self, node: str, since: float, until: float) -> str:
        """Return which faults made a node slow between two times, ``""`` where none did."""
        slow = [
            f"{one.fault_id} makes it {one.factor:g} times slower"
            for one in self._all
            if one.node == node and one.began <= until and one.ended >= since
        ]
        return " and ".join(slow)
