"""Waits that would never end: when that is known, and who waits for whom then."""

from __future__ import annotations

import asyncio
import linecache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from resilkit import runtime
from resilkit.cluster.agent import AGENT_NUMBER, Agent
from resilkit.errors import CallTimeout
from resilkit.runtime.pending import Timer
from resilkit.runtime.server_process import ServerProcess
from resilkit.simulation.handle import Handle
from resilkit.texts import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from resilkit.cluster.session import Session
    from resilkit.simulation.network import Network
    from resilkit.simulation.scheduler import Scheduler

__all__ = ["Vigil"]

CROWDED: Final = 120.0
"""Virtual seconds in which something was always ready, after which nobody waits on."""
QUIET: Final = 3600.0
"""Virtual seconds without a message between nodes, after which nobody waits on."""
LONGEST: Final = 86400.0
"""Virtual seconds after which nobody waits on, whatever goes on meanwhile."""
HASTY: Final = 2_000_000
"""Turns without a message between nodes, after which nobody waits on if they took hardly a time."""

_TURNS: Final = 2_000
"""Turns a virtual second and node, above which they take hardly a time; samples take a tenth."""
_LOOK_EVERY: Final = 200_000
"""Turns between two looks at how many there were."""
_FIRST: Final = 1.0
_GROWS: Final = 1.618
"""Looks at times that are no multiples of each other do not fall together with a sample each."""
_SELDOM: Final = 300.0
"""Virtual seconds between two looks in the end."""
_MOST: Final = 8
"""Servers that are told of."""

_NOT_USERS: Final = (str(Path(runtime.__file__).parent), str(Path(asyncio.__file__).parent))


class Vigil:
    """Watches a wait that has no limit, so that it is an error and no endless loop.

    The agents of the nodes sample for ever, so there is always something to happen. A wait is given
    up when nothing is left but that; or when for an hour of virtual time no node has sent another
    one anything; or when so many turns were taken meanwhile that the hour would not come, since
    somebody sleeps for moments, again and again; or when for two minutes something was always
    ready, so that time went on by no more than that took; or after a day. The time until a timer is
    due that was set for more than an hour, or before the wait began, does not count.

    Args:
        scheduler: Whose time goes on.
        session: Whose nodes are told of; ``None`` while there is none.
        network: What they are on.

    Attributes:
        due: The instant of the next look.
    """

    def __init__(
        self, scheduler: Scheduler, session: Session | None, network: Network | None
    ) -> None:
        self._scheduler = scheduler
        self._session = session
        self._network = network
        self._step = _FIRST
        self._started = scheduler.now
        self._began = self._quiet_since = scheduler.now
        self._sent = -1
        self._quiet_from = scheduler.steps
        self._look_at = scheduler.steps + min(_LOOK_EVERY, HASTY)
        self._horizon = -1.0
        self.due = scheduler.now + _FIRST

    def look_if_due(self) -> None:
        """Look, if it is time, or if nothing is to happen at all."""
        scheduler = self._scheduler
        self.look_at_haste()
        if scheduler.now >= self.due or not (scheduler.ready or scheduler.heap):
            self.look()

    def look(self) -> None:
        """See whether it may still come to an end; note when to look again.

        Raises:
            CallTimeout: It is for ever.
        """
        now = self._scheduler.now
        latest = self._latest()
        if self._horizon < 0.0:
            self._began = max(now, latest)
        if self._horizon < 0.0 or latest > now + QUIET:
            self._horizon = latest  # somebody may wait for a timer that takes so long
        why = ""
        if latest < now:
            why = "nothing is left to happen that could end it"
        elif now - self._began >= LONGEST:
            why = "a day of virtual time has passed"
        elif self._is_crowded(now):
            why = (
                "for two minutes of virtual time something has been ready all the time, without end"
            )
        elif self._is_quiet(now):
            why = "for an hour of virtual time no node has sent another one anything"
        if why:
            self._give_up(why)
        self._step *= _GROWS
        self.due = now + min(self._step, _SELDOM)

    def look_at_haste(self) -> None:
        """See whether so much happens in so little time that none of it is ever over.

        Raises:
            CallTimeout: It is for ever.
        """
        scheduler = self._scheduler
        if scheduler.steps < self._look_at:
            return
        self._look_at = scheduler.steps + min(_LOOK_EVERY, HASTY)
        self._count_sent()
        turns = scheduler.steps - self._quiet_from
        if turns < HASTY or scheduler.crowded_since is not None:
            return
        nodes = 1 if self._session is None else max(1, len(self._session.nodes))
        if turns > (scheduler.now - self._quiet_since) * _TURNS * nodes:
            self._give_up(
                f"in {turns:,} turns, which took hardly a time, no node has sent another one "
                "anything; somebody may sleep for moments, again and again"
            )

    def _give_up(self, why: str) -> NoReturn:
        who = "; ".join(self._who_waits())
        raise CallTimeout(f"this would wait for ever: {why}{who and '. Now ' + who}")

    def _latest(self) -> float:
        """Return when the last thing is due that somebody may wait for; -1 when there is none."""
        scheduler = self._scheduler
        due = (when for when, _, item, _ in scheduler.heap if not _is_idle(item))
        return max(due, default=scheduler.now if scheduler.ready else -1.0)

    def _is_crowded(self, now: float) -> bool:
        since = self._scheduler.crowded_since
        return since is not None and now - max(since, self._started) >= CROWDED

    def _count_sent(self) -> None:
        """Note since when no node has sent another one anything."""
        scheduler = self._scheduler
        sent = 0 if self._network is None else self._network.sent_between_nodes()
        if sent != self._sent:
            self._sent, self._quiet_since = sent, scheduler.now
            self._quiet_from = scheduler.steps

    def _is_quiet(self, now: float) -> bool:
        self._count_sent()
        return now - max(self._quiet_since, self._horizon) >= QUIET

    # Who waits -----------------------------------------------------------------------------------

    def _who_waits(self) -> Iterator[str]:
        session = self._session
        if session is None:
            return
        told = list(_waiting(session))
        yield from told[:_MOST]
        if len(told) > _MOST:
            yield f"and {len(told) - _MOST} more"


def _is_idle(item: Any) -> bool:
    """Whether what is due changes nothing that anybody could wait for."""
    if item.__class__ is not Handle:
        return False
    callback: Callable[..., Any] | None = item.callback
    owner = getattr(callback, "__self__", None)
    return callback is None or (
        isinstance(owner, Timer) and isinstance(owner._process.server, Agent)
    )


def _waiting(session: Session) -> Iterator[str]:
    """Yield who is in the midst of something, and who owes an answer."""
    for name, state in session.nodes.items():
        if state.status != "running":
            yield f"{name} is {state.status}"
        node = session.launcher.node_of(name)
        if node is None:
            continue
        for process in node.processes.values():
            if isinstance(process, ServerProcess) and process.number != AGENT_NUMBER:
                yield from _what_keeps(process, name)


def _what_keeps(process: ServerProcess, node: str) -> Iterator[str]:
    who = f"{process.label!r} on {node}"
    count = len(process.mailbox)
    wait = "waits" if count == 1 else "wait"
    queue = f", and {plain(count, 'message')} {wait}" if count else ""
    if process.task is not None:
        yield f"{who} is in {_where(process.task.get_coro())}{queue}"
    elif process.deferred:
        count = len(process.deferred)
        callers = "a caller" if count == 1 else f"{count} callers"
        yield f"{who} owes {callers} an answer that it has deferred{queue}"
    elif queue:
        yield f"{who} does nothing{queue}"


def _where(coroutine: Any) -> str:
    """Return where a handler stands: its name, the line, and what is written there."""
    frames = []
    while coroutine is not None:
        frames.append(getattr(coroutine, "cr_frame", None))
        coroutine = getattr(coroutine, "cr_await", None)
    own = [frame for frame in frames if frame is not None and not _is_ours(frame)]
    if not own:
        return "a handler"
    file, number = own[-1].f_code.co_filename, own[-1].f_lineno
    line = linecache.getline(file, number).strip()
    return f"{own[0].f_code.co_name} ({Path(file).name}:{number}{line and ': ' + line})"


def _is_ours(frame: Any) -> bool:
    """Whether it is code of what runs handlers, not of a handler."""
    return str(frame.f_code.co_filename).startswith(_NOT_USERS)
