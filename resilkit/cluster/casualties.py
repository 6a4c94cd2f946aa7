"""Servers that faults have ended: which, when, and when their supervisors brought them back."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

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


@dataclass(slots=True, eq=False)
class _Open:
    """A casualty of which there may be more to tell.

    Attributes:
        casualty: The casualty.
        strike_id: The id of the strike that ended it.
        sure: Whether it was that strike that ended it; else what is heard of it waits.
        news: What waits.
    """

    casualty: Casualty
    strike_id: str
    sure: bool = False
    news: list[Callable[[], None]] = field(default_factory=list)

    def tell(self, news: Callable[[], None]) -> None:
        """Tell now, or when it is sure."""
        if self.sure:
            news()
        else:
            self.news.append(news)


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
        self._open: dict[Casualty, _Open] = {}
        self._fallen: dict[str, _Open] = {}
        self._waiting: dict[Place, _Open] = {}
        self._left: dict[Place, _Open] = {}

    def follow(self, strike_id: str, ender: Ender) -> None:
        """Tell `ender` what becomes of the servers that the strike ends."""
        self._enders[strike_id] = ender

    def fell(self, strike_id: str, casualty: Casualty) -> None:
        """Note one that is about to be ended: before anybody can tell that it has been.

        What is heard of it is told when it has been `ended`, and never when it was `spared`:
        somebody else may end it first.
        """
        one = _Open(casualty, strike_id)
        self._open[casualty] = self._fallen[casualty.pid] = one

    def ended(self, casualty: Casualty) -> None:
        """Take in that it has really been ended; tell what was heard of it meanwhile."""
        one = self._open.get(casualty)
        if one is not None:
            one.sure = True
            while one.news:
                one.news.pop(0)()

    def spared(self, casualty: Casualty) -> None:
        """Forget one that was not ended after all: what becomes of it is not this fault's."""
        one = self._open.pop(casualty, None)
        for table in (self._fallen, self._waiting, self._left):
            for key in [key for key, each in table.items() if each is one]:
                del table[key]  # type: ignore[arg-type]

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
                self.ended(casualty)
                ender.struck(casualty)
        elif kind != "supervision":
            return
        elif event == "gave_up":
            for ender in self._enders.values():
                ender.gave_up(target)
            self._leave(node, target)
        elif event == "terminated":
            self._terminated((node, detail["supervisor"], target), detail)
        elif event in ("started", "restarted", "start_failed"):
            self._tried(event, (node, detail.get("supervisor", ""), target), time, detail)

    def _terminated(self, place: Place, detail: dict[str, Any]) -> None:
        self._leave(place[0], place[2])  # the ids of supervisors are their names
        fallen = self._fallen.pop(detail["pid"], None)
        if fallen is not None:
            self._waiting[place] = fallen

    def _leave(self, node: str, supervisor: str) -> None:
        """Leave behind what a supervisor will not start again any more."""
        for place in [one for one in self._waiting if one[:2] == (node, supervisor)]:
            self._left[place] = self._waiting.pop(place)

    def _tried(self, event: str, place: Place, time: float, detail: dict[str, Any]) -> None:
        if event == "start_failed":
            for one in filter(None, (self._waiting.get(place), self._left.get(place))):
                ender = self._enders[one.strike_id]
                one.tell(partial(ender.not_restarted, one.casualty))
            return
        waits, left = self._waiting.pop(place, None), self._left.pop(place, None)
        # A node that died tells no end of its supervisors: the new incarnation does.
        if left is None and waits is not None and _life(waits.casualty.pid) != _life(detail["pid"]):
            left = waits
        back = left if event == "started" else waits
        if back is not None:
            back.tell(partial(self._back, back, time))
        # Its children are up by now: those that it has not started, it does not have.
        absent = [one for one in self._left if one[:2] == (place[0], place[2])]
        closed = [self._left.pop(one) for one in absent]
        for other in (waits, left, *closed):
            if other is not None and other is not back:
                self._close(other)

    def _back(self, one: _Open, time: float) -> None:
        casualty = one.casualty
        casualty.restart_seconds = round(max(0.0, time - casualty.time), 6)
        self._session.events.append(
            time,
            "fault",
            "came_back",
            target=casualty.server,
            detail={"id": one.strike_id, "seconds": casualty.restart_seconds},
        )
        self._enders[one.strike_id].came_back(casualty)
        self._close(one)

    def _close(self, one: _Open) -> None:
        self._open.pop(one.casualty, None)


def _life(pid: str) -> str:
    """Return which life of its node a process was in: the last part of its pid."""
    return pid.rpartition(".")[2]
