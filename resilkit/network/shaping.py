"""What the faults on one link do to its messages."""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from resilkit.errors import InvalidArgument
from resilkit.network.verdicts import Deliver, Drop, Duplicate, Hold, Message, Pass, Verdict

if TYPE_CHECKING:
    import asyncio
    import random
    from collections.abc import Callable

__all__ = ["MOST_HELD", "Shaper"]

MOST_HELD: Final = 200_000
"""How many messages one link holds back at most; further ones are lost, as in a full router."""

_EARLY: Final = 0.0005
"""Seconds. Timers of uvloop have whole milliseconds, so they fire this much too soon."""


class _Kept(NamedTuple):
    """A message that waits for faults to be taken off, or behind one that does."""

    keepers: tuple[str, ...]
    due: float
    overtakes: bool
    copies: list[float]
    send: Callable[[], None]
    drop: Callable[[], None]


class Shaper:
    """Asks the faults of one link, in one direction, about each message.

    All faults are asked, in the order of their installation, and what they say adds up: a drop
    ends it, delays are summed, copies are counted together. Delays keep the order of the link
    unless a verdict says otherwise: a message never leaves before the one in front of it, not even
    when the fault that held that one back is gone. Behind a message that a fault keeps on the link
    everything waits, until that fault is taken off.

    A fault that raises, or says something else than a verdict, has no say on that message, and
    `failed` is told.

    Attributes:
        faults: The faults on the link, by id. Use `take_off` to take one off.
        touched: On how many messages each of them has said something else than to pass.

    Args:
        loop: Whose time delays are in.
        rng: Where the faults' chance comes from.
        source: The sending node.
        target: The node at the other end.
        classify: Names the kind of a message.
        failed: Called with the id of a fault and its error, for each message on which it failed.
    """

    __slots__ = (
        "_busy_until", "_classify", "_failed", "_held", "_kept", "_kept_count", "_last", "_loop",
        "_numbers", "_rng", "_source", "_target", "_timer", "_timer_due", "faults", "touched",
    )  # fmt: skip

    def __init__(  # noqa: PLR0917 - all that a link has, in one place
        self,
        loop: asyncio.AbstractEventLoop,
        rng: random.Random,
        source: str,
        target: str,
        classify: Callable[[tuple[Any, ...]], str],
        failed: Callable[[str, BaseException], None],
    ) -> None:
        self._loop = loop
        self._rng = rng
        self._source = source
        self._target = target
        self._classify = classify
        self.faults: dict[str, Any] = {}
        self.touched: dict[str, int] = {}
        self._last = 0.0
        self._held: list[tuple[float, int, Callable[[], None]]] = []
        # Its first message has a keeper that is installed: else it would have gone.
        self._kept: deque[_Kept] = deque()
        self._kept_count = 0
        self._numbers = itertools.count()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due = 0.0
        self._busy_until: dict[str, float] = {}
        self._failed = failed

    @property
    def idle(self) -> bool:
        """Whether no fault is installed and nothing waits: messages can go straight."""
        return not self.faults and not self._held

    def take_off(self, fault_id: str) -> None:
        """Take a fault off, and let go what no other keeps; unknown is no error."""
        others, kept, now = self.faults.keys() - {fault_id}, self._kept, self._loop.time()
        while kept and not any(keeper in others for keeper in kept[0].keepers):
            one = kept.popleft()
            self._kept_count -= 1 + len(one.copies)
            self._leave(max(one.due, now), now, one)
        # Only now: what is sent meanwhile, of one that cannot travel say, must not overtake them.
        self.faults.pop(fault_id, None)

    def shape(
        self,
        message: tuple[Any, ...],
        size: Callable[[], int],
        send: Callable[[], None],
        drop: Callable[[], None],
    ) -> None:
        """Send the message now, later, several times or not at all.

        Args:
            message: The message.
            size: Measures it, if some fault asks.
            send: Sends it; called once for each copy.
            drop: Counts it as lost.
        """
        now = self._loop.time()
        view = Message(self._classify(message), self._source, self._target)
        delay, overtakes = 0.0, False
        copies: list[float] = []
        keepers: tuple[str, ...] = ()
        for fault_id, fault in list(self.faults.items()):
            verdict = self._ask(fault_id, fault, view, size)
            if not isinstance(verdict, Pass):
                self.touched[fault_id] = self.touched.get(fault_id, 0) + 1
            if isinstance(verdict, Drop):
                drop()
                return
            if isinstance(verdict, Deliver):
                if verdict.queued:
                    # The link is busy with one message at a time: this one starts after the last.
                    start = max(now + delay, self._busy_until.get(fault_id, 0.0))
                    self._busy_until[fault_id] = start + verdict.after
                    delay = start + verdict.after - now
                else:
                    delay += verdict.after
                overtakes = overtakes or verdict.reorder
            elif isinstance(verdict, Duplicate):
                copies += [verdict.after] * verdict.copies
            elif isinstance(verdict, Hold):
                keepers = (*keepers, fault_id)
        one = _Kept(keepers, now + delay, overtakes, copies, send, drop)
        if keepers or self._kept:
            self._keep(one)
        else:
            self._leave(one.due, now, one)

    def _keep(self, one: _Kept) -> None:
        count = 1 + len(one.copies)
        if self._kept_count + len(self._held) + count > MOST_HELD:
            for _ in range(count):
                one.drop()
            return
        self._kept.append(one)
        self._kept_count += count

    def _leave(self, due: float, now: float, one: _Kept) -> None:
        if not one.overtakes:
            due = self._last = max(due, self._last)
        self._at(due, now, one.send, one.drop)
        for after in one.copies:
            self._at(due + after, now, one.send, one.drop)

    def _ask(self, fault_id: str, fault: Any, view: Message, size: Callable[[], int]) -> Verdict:
        try:
            if not view.size_bytes and getattr(fault, "needs_size", False):
                try:
                    view.size_bytes = size()
                except BaseException:  # noqa: BLE001 - it cannot travel: told when it is written
                    return Pass()
            verdict = fault.decide(view, self._rng)
            if isinstance(verdict, Verdict):
                return verdict
            raise InvalidArgument(
                "is no verdict", path=f"{type(fault).__name__}.verdict", value=verdict,
                allowed="PASS, Deliver, Drop, Duplicate or HOLD",
            )  # fmt: skip
        except BaseException as error:  # noqa: BLE001 - a slip in a fault must not stop the node
            self._failed(fault_id, error)
            return Pass()

    def _at(
        self,
        due: float,
        now: float,
        send: Callable[[], None],
        drop: Callable[[], None],
    ) -> None:
        if due <= now and (not self._held or self._held[0][0] > due):
            send()
        elif len(self._held) + self._kept_count >= MOST_HELD:
            drop()
        else:
            # Numbered: a heap alone, and timers, do not keep the order of what is due at once.
            heapq.heappush(self._held, (due, next(self._numbers), send))
            self._set_timer()

    def _set_timer(self) -> None:
        due = self._held[0][0]
        if self._timer is not None:
            if self._timer_due <= due:
                return
            self._timer.cancel()
        self._timer_due = due
        self._timer = self._loop.call_at(due, self._release)

    def _release(self) -> None:
        self._timer = None
        horizon = self._loop.time() + _EARLY
        while self._held and self._held[0][0] <= horizon:
            heapq.heappop(self._held)[2]()
        if self._held:
            self._set_timer()

    def clear(self) -> int:
        """Drop what waits; return how many messages that were."""
        dropped = len(self._held) + self._kept_count
        self._held.clear()
        self._kept.clear()
        self._kept_count = 0
        self._busy_until.clear()
        self._last = 0.0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        return dropped
