"""Servers that faults have ended: which, when, and when their supervisors brought them back."""

from __future__ import annotations

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
        restart_seconds: Seconds until its supervisor had started it again, or, where that gave up
            or ended, the one that came after it; ``None``: not yet.
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


Place = tuple[str, str, str]
"""A child's: its node, its supervisor's name, and its id."""


class Casualties:
    """Follows those that were ended through the events of their supervisors.

    One waits to be ``restarted`` by its own supervisor. When that gives up or ends, it is left
    behind: it is back when the successor has ``started`` the child, and never when the successor
    is up without it. Whatever starts in its place by another way (`start_child`, say) ends the
    waiting too: what is restarted there later is not the one that this fault ended.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._enders: dict[str, Ender] = {}
        self._fallen: dict[str, tuple[Casualty, str]] = {}
        self._waiting: dict[Place, tuple[Casualty, str]] = {}
        self._left: dict[Place, tuple[Casualty, str]] = {}

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
            self._leave(node, target)
        elif event == "terminated":
            self._ended((node, detail["supervisor"], target), detail)
        elif event in ("started", "restarted", "start_failed"):
            self._tried(event, (node, detail.get("supervisor", ""), target), time, detail)

    def _ended(self, place: Place, detail: dict[str, Any]) -> None:
        self._leave(place[0], place[2])  # the ids of supervisors are their names
        fallen = self._fallen.pop(detail["pid"], None)
        if fallen is not None:
            self._waiting[place] = fallen

    def _leave(self, node: str, supervisor: str) -> None:
        """Leave behind what a supervisor will not start again any more."""
        for place in [one for one in self._waiting if one[:2] == (node, supervisor)]:
            self._left[place] = self._waiting.pop(place)

    def _tried(self, event: str, place: Place, time: float, detail: dict[str, Any]) -> None:
        waits, left = self._waiting.get(place), self._left.get(place)
        if event == "start_failed":
            for casualty, strike_id in filter(None, (waits, left)):
                self._enders[strike_id].not_restarted(casualty)
            return
        self._waiting.pop(place, None)
        self._left.pop(place, None)
        # A node that died tells no end of its supervisors: the new incarnation does.
        if left is None and waits is not None and _life(waits[0].pid) != _life(detail["pid"]):
            left = waits
        back = left if event == "started" else waits
        if back is not None:
            self._back(*back, time)
        # One whose children are up: those that it has not started, it does not have.
        for gone in [one for one in self._left if one[:2] == (place[0], place[2])]:
            del self._left[gone]

    def _back(self, casualty: Casualty, strike_id: str, time: float) -> None:
        casualty.restart_seconds = round(max(0.0, time - casualty.time), 6)
        self._session.events.append(
            time,
            "fault",
            "came_back",
            target=casualty.server,
            detail={"id": strike_id, "seconds": casualty.restart_seconds},
        )
        self._enders[strike_id].came_back(casualty)


def _life(pid: str) -> str:
    """Return which life of its node a process was in: the last part of its pid."""
    return pid.rpartition(".")[2]
