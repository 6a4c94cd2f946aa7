"""Servers that faults have ended: which, when, and when their supervisors brought them back."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from asyncio import TimerHandle
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
        time: When it was ended, in seconds on the cluster's clock.
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


_AWAITED = 300.0
"""Seconds that more may be told of a strike after its end: nobody may start what it ended again."""


@dataclass(slots=True, eq=False)
class _Followed:
    """A strike of which there may be more to tell.

    Attributes:
        strike_id: Its id.
        ender: Whom to tell.
        open: Its casualties of which there may be more to tell.
        over: Whether it ends nobody any more.
        timer: What ends the waiting.
    """

    strike_id: str
    ender: Ender
    open: set[Casualty] = field(default_factory=set)
    over: bool = False
    timer: TimerHandle | None = None


@dataclass(slots=True, eq=False)
class _Open:
    """A casualty of which there may be more to tell.

    Attributes:
        casualty: The casualty.
        followed: The strike that ended it.
        sure: Whether it was that strike that ended it; else what is heard of it waits.
        news: What waits.
    """

    casualty: Casualty
    followed: _Followed
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

    A strike that is over and has nobody to wait for is forgotten: what happens from then on is
    not its doing.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._followed: dict[str, _Followed] = {}
        self._open: dict[Casualty, _Open] = {}
        # Two strikes may end the same server at once: each of them is told.
        self._fallen: dict[str, list[_Open]] = {}
        self._waiting: dict[Place, list[_Open]] = {}
        self._left: dict[Place, list[_Open]] = {}

    def follow(self, strike_id: str, ender: Ender) -> None:
        """Tell `ender` what becomes of the servers that the strike ends."""
        self._followed[strike_id] = _Followed(strike_id, ender)

    def followed(self) -> list[str]:
        """Return the ids of the strikes of which there may be more to tell."""
        return list(self._followed)

    def over(self, strike_id: str, *, told_all: bool = True) -> None:
        """Take in that a strike ends nobody any more, and forget it when all is told.

        Args:
            strike_id: Its id.
            told_all: Whether all whom it has ended are known; else more is awaited for a while.
        """
        followed = self._followed.get(strike_id)
        if followed is not None:
            followed.over = told_all
            followed.timer = self._session.loop.call_later(_AWAITED, self._forget, followed)
            self._settle(followed)

    def _settle(self, followed: _Followed) -> None:
        if followed.over and not followed.open:
            self._forget(followed)

    def _forget(self, followed: _Followed) -> None:
        """Tell no more of a strike, whatever becomes of those that it has ended."""
        del self._followed[followed.strike_id]
        if followed.timer is not None:
            followed.timer.cancel()
        for casualty in list(followed.open):
            self._drop(self._open.pop(casualty))

    def fell(self, strike_id: str, casualty: Casualty) -> None:
        """Note one that is about to be ended: before anybody can tell that it has been.

        What is heard of it is told when it has been `ended`, and never when it was `spared`:
        somebody else may end it first.
        """
        followed = self._followed.get(strike_id)
        if followed is None:
            return  # it was forgotten while its node said nothing
        one = _Open(casualty, followed)
        one.followed.open.add(casualty)
        self._open[casualty] = one
        self._fallen.setdefault(casualty.pid, []).append(one)

    def ended(self, casualty: Casualty) -> None:
        """Take in that it has really been ended; tell what was heard of it meanwhile."""
        one = self._open.get(casualty)
        if one is not None:
            one.sure = True
            while one.news:
                one.news.pop(0)()

    def spared(self, casualty: Casualty) -> None:
        """Forget one that was not ended after all: what becomes of it is not this fault's."""
        one = self._open.get(casualty)
        if one is not None:
            self._drop(one)
            self._close(one)

    def _drop(self, one: _Open) -> None:
        for table in (self._fallen, self._waiting, self._left):
            for key, each in list(table.items()):
                if one in each:
                    each.remove(one)
                    if not each:
                        del table[key]  # type: ignore[arg-type]

    def saw(self, node: str, time: float, row: tuple[Any, ...]) -> None:
        """Take in one event of a node, in the order in which that node tells them.

        Args:
            node: The node.
            time: When, in seconds on the cluster's clock.
            row: Kind, event, target and detail.
        """
        kind, event, target, detail = row
        if (kind, event) == ("fault", "struck"):
            followed = self._followed.get(detail["id"])
            if followed is not None:
                casualty = Casualty(target, detail["pid"], time, detail["reason"])
                self.fell(detail["id"], casualty)
                self.ended(casualty)
                followed.ender.struck(casualty)
        elif kind != "supervision":
            return
        elif event == "gave_up":
            for followed in self._followed.values():
                followed.ender.gave_up(target)
            self._leave(node, target)
        elif event == "terminated":
            self._terminated((node, detail["supervisor"], target), detail)
        elif event in ("started", "restarted", "start_failed"):
            self._tried(event, (node, detail.get("supervisor", ""), target), time, detail)

    def _terminated(self, place: Place, detail: dict[str, Any]) -> None:
        self._leave(place[0], place[2])  # the ids of supervisors are their names
        fallen = self._fallen.pop(detail["pid"], None)
        if fallen is None:
            return
        if place[1] and detail.get("again", True):
            self._put(self._waiting, place, fallen)
            return
        for one in fallen:  # nobody restarts it
            one.tell(partial(self._close, one))

    def _leave(self, node: str, supervisor: str) -> None:
        """Leave behind what a supervisor will not start again any more."""
        for place in [one for one in self._waiting if one[:2] == (node, supervisor)]:
            self._put(self._left, place, self._waiting.pop(place))

    def _put(self, table: dict[Place, list[_Open]], place: Place, ones: list[_Open]) -> None:
        before = table.get(place, ())
        table[place] = ones
        for one in before:  # an event of its supervisor was lost
            self._close(one)

    def _tried(self, event: str, place: Place, time: float, detail: dict[str, Any]) -> None:
        if event == "start_failed":
            for one in (*self._waiting.get(place, ()), *self._left.get(place, ())):
                one.tell(partial(one.followed.ender.not_restarted, one.casualty))
            return
        waits, left = self._waiting.pop(place, []), self._left.pop(place, [])
        # A node that died tells no end of its supervisors: the new incarnation does.
        if not left and waits and _life(waits[0].casualty.pid) != _life(detail["pid"]):
            waits, left = left, waits
        back, closed = (left, waits) if event == "started" else (waits, left)
        for one in back:
            one.tell(partial(self._back, one, time))
        # Its children are up by now: those that it has not started, it does not have.
        for absent in [one for one in self._left if one[:2] == (place[0], place[2])]:
            closed = closed + self._left.pop(absent)
        for one in closed:
            self._close(one)

    def _back(self, one: _Open, time: float) -> None:
        casualty = one.casualty
        casualty.restart_seconds = round(max(0.0, time - casualty.time), 6)
        self._session.events.append(
            time,
            "fault",
            "came_back",
            target=casualty.server,
            detail={"id": one.followed.strike_id, "seconds": casualty.restart_seconds},
        )
        one.followed.ender.came_back(casualty)
        self._close(one)

    def _close(self, one: _Open) -> None:
        if self._open.pop(one.casualty, None) is not None:
            one.followed.open.discard(one.casualty)
            self._settle(one.followed)


def _life(pid: str) -> str:
    """Return which life of its node a process was in: the last part of its pid."""
    return pid.rpartition(".")[2]
