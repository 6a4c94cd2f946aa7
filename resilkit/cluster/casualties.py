"""Servers that faults have ended: which, when, and when their supervisors brought them back."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from resilkit.cluster.session import Session

__all__ = ["Casualties", "Casualty", "Ender"]


class Ender(Protocol):
    """What ends servers, and wants to know what becomes of them."""

    def struck(self, casualty: Casualty) -> None:
        """Take in that its rule has ended a server."""

    def came_back(self, casualty: Casualty) -> None:
        """Take in that the supervisor has started it again."""

    def not_restarted(self, casualty: Casualty) -> None:
        """Take in that a try to start it again has failed."""

    def gave_up(self, supervisor: str) -> None:
        """Take in that a supervisor has given up."""


@dataclass(slots=True, eq=False)
class Casualty:
    """One server that was ended.

    Attributes:
        server: Its name, or the id of the child.
        pid: Its pid, as events show it.
        time: When it was ended, in seconds on the notebook's monotonic clock.
        reason: With what.
        restart_seconds: Seconds until its supervisor had started it again; ``None``: not yet.
    """

    server: str
    pid: str
    time: float
    reason: str
    restart_seconds: float | None = None

    def row(self) -> dict[str, Any]:
        """Return it as a row of an outcome."""
        return {
            "time": self.time,
            "server": self.server,
            "outcome": "died",
            "reason": self.reason,
            "restart_seconds": self.restart_seconds,
        }


class Casualties:
    """Follows those that were ended through the events of their supervisors."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._enders: dict[str, Ender] = {}
        self._fallen: dict[str, tuple[Casualty, str]] = {}
        self._waiting: dict[tuple[str, str, str], deque[tuple[Casualty, str]]] = {}

    def follow(self, strike_id: str, ender: Ender) -> None:
        """Tell `ender` what becomes of the servers that the strike ends."""
        self._enders[strike_id] = ender

    def fell(self, strike_id: str, casualty: Casualty) -> None:
        """Note one that is about to be ended: before anybody can tell that it has been."""
        self._fallen[casualty.pid] = (casualty, strike_id)

    def spared(self, casualty: Casualty) -> None:
        """Forget one that was not ended after all."""
        self._fallen.pop(casualty.pid, None)

    def saw(self, node: str, time: float, row: tuple[Any, ...]) -> None:
        """Take in one event of a node, in the order in which that node tells them.

        Args:
            node: The node.
            time: When, in seconds on the notebook's monotonic clock.
            row: Kind, event, target and detail.
        """
        kind, event, target, detail = row
        if (kind, event) == ("fault", "struck"):
            ender = self._enders.get(detail["id"])
            if ender is not None:
                casualty = Casualty(target, detail["pid"], time, detail["reason"])
                self.fell(detail["id"], casualty)
                ender.struck(casualty)
        elif kind != "supervision":
            return
        elif event == "gave_up":
            for ender in self._enders.values():
                ender.gave_up(target)
        elif event == "terminated":
            fallen = self._fallen.pop(detail["pid"], None)
            if fallen is not None:
                key = (node, detail["supervisor"], target)
                self._waiting.setdefault(key, deque()).append(fallen)
        elif event in ("restarted", "start_failed"):
            self._tried(event, (node, detail.get("supervisor", ""), target), time)

    def _tried(self, event: str, key: tuple[str, str, str], time: float) -> None:
        waiting = self._waiting.get(key)
        if not waiting:
            return
        if event == "start_failed":
            casualty, strike_id = waiting[0]
            self._enders[strike_id].not_restarted(casualty)
            return
        casualty, strike_id = waiting.popleft()
        casualty.restart_seconds = round(max(0.0, time - casualty.time), 6)
        self._session.events.append(
            time,
            "fault",
            "came_back",
            target=casualty.server,
            detail={"id": strike_id, "seconds": casualty.restart_seconds},
        )
        self._enders[strike_id].came_back(casualty)
