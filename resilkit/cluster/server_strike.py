"""Crashes of servers, at once or when messages come; and what came of them."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from resilkit.cluster.casualties import Casualty
from resilkit.cluster.deployed import supervisors
from resilkit.cluster.patience import PATIENCE
from resilkit.cluster.strike import HALTED, Strike, heard
from resilkit.errors import CallTimeout, ClusterError, Refused
from resilkit.faults.targets import is_named
from resilkit.runtime import Pid

__all__ = ["ServerStrike"]

_ANSWERED_WITHIN = 10.0
"""Seconds for a node to tell that it has ended a server."""


class ServerStrike(Strike):
    """Ends servers, and follows what becomes of them.

    Its outcome tells, as far as it is known:

    - ``outcomes``: by server ``"died"``, ``"trapped"``, or ``"armed"`` while no message that fits
      has come;
    - ``struck``: how often it has ended one, or tried to;
    - ``crashes``: a row each time: ``time``, ``server``, ``outcome``, ``reason`` and
      ``restart_seconds``, which is ``None`` while its supervisor, or the one that came after
      that, has not started it again.
    """

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._unheard = False
        self._order: tuple[str, str, asyncio.Task[None]] | None = None
        self._left: str | None = None
        self._outcomes: dict[str, str] = {}
        self._crashes: list[dict[str, Any]] = []
        self._rows: dict[Casualty, dict[str, Any]] = {}

    def candidates(self) -> list[str]:
        """Return the named servers, and supervisors only where the targets say who.

        A supervisor traps exits and gets no calls: drawn among the others, it would come to
        nothing.
        """
        names = self.session.node.names.all()
        if is_named(self.wanted):
            return sorted(names)
        return sorted(names.keys() - self.session.supervising - supervisors(self.session.nodes))

    def choose(self, occurrence: int, targets: Any) -> list[str]:
        """Return which servers this strike hits.

        Raises:
            Refused: No named server runs.
        """
        self.wanted = self.fault.targets if targets is None else targets
        if not self.candidates():
            raise Refused("no named server runs, so none can be hit")
        return super().choose(occurrence, targets)

    async def deliver(self, targets: list[str]) -> dict[str, Any]:
        """Crash them, or arm the rule that will.

        Raises:
            InvalidArgument: One has no such method as the rule waits for.
            Refused: One is not running.
            CallTimeout: A node does not answer. Where it had been told to end a server by then,
                it may do so yet, and the outcome tells it when it has.
        """
        rule = self.fault.rule()
        self.session.faults.casualties.follow(self.id, self)
        # All before the first crash: what is refused has harmed nobody.
        nodes = {self._whereis(name).node: None for name in targets}
        if rule.at_once:
            # An order to a node that is stopped lies there, and cannot be taken back: it would end
            # a server long after this was healed.
            await asyncio.gather(*(self._heard_of(node) for node in nodes))
        for name in targets:
            pid = self._whereis(name)
            if rule.at_once:
                await self._crash(name, pid, rule.reason)
                continue
            options = {
                "after_calls": rule.after_calls,
                "probability": rule.share,
                "method": rule.method,
                "reason": rule.reason,
            }
            self._outcomes[name] = "armed"
            await self.session.faults.arm(self.id, pid.node, name, options)
        return self._report()

    def _whereis(self, name: str) -> Pid:
        pid = self.session.node.names.whereis(name)
        if pid is None:
            raise Refused(f"the server {name!r} is not running")
        return pid

    def so_far(self) -> dict[str, Any]:
        """Return what came of the crashes until one could not be had."""
        self.hit = list(dict.fromkeys(row["server"] for row in self._crashes))
        return self._report() if self.hit else {}

    async def _heard_of(self, node: str) -> None:
        try:
            await self.session.ask_agent(node, "ping", timeout=_ANSWERED_WITHIN)
        except CallTimeout as error:
            why = (
                f"node {node} did not answer within {_ANSWERED_WITHIN:g} s, so nothing was crashed"
            )
            raise CallTimeout(why, definite=True) from error

    async def halt(self) -> dict[str, Any]:
        """Wait a while for the answer to an order that the node has; it may come later, too."""
        if self._order is not None:
            name, node, order = self._order
            if node not in self.session.faults.patience.silent:
                await asyncio.wait({order}, timeout=PATIENCE)
            if not order.done():
                self._leave(name, order, because=HALTED)
                return (found := self.so_far()) and {**found, "why": self.row["why"]}
        return (found := self.so_far()) and found | self._short(HALTED)

    def _short(self, because: str) -> dict[str, str]:
        """Return why it has not come to all whom it was meant for, ``{}`` where it has."""
        spared = [name for name in self.targets if name not in self._outcomes]
        return {"why": f"{because}; it did not come to {', '.join(spared)}"} if spared else {}

    async def _crash(self, name: str, pid: Pid, reason: str) -> None:
        """Have a server ended; who stops waiting does not keep what came of it from being told."""
        order = self.session.loop.create_task(self._ended(name, pid, reason))
        order.add_done_callback(heard)
        self._order = (name, pid.node, order)
        await asyncio.wait({order}, timeout=_ANSWERED_WITHIN)
        self._order = None
        if order.done():
            return order.result()
        what = f"node {pid.node} has not told within {_ANSWERED_WITHIN:g} s whether it crashed"
        self._leave(name, order, because=f"{what} {name!r}")
        raise CallTimeout(f"{what} {name!r}, and may do so yet", definite=False)

    async def _ended(self, name: str, pid: Pid, reason: str) -> None:
        """Return when the node has told what came of it."""
        casualties, outcome = self.session.faults.casualties, ""
        while not outcome:
            now = self.session.clock.now()
            casualty = Casualty(name, str(pid), now, "killed" if reason == "kill" else reason)
            casualties.fell(self.id, casualty)
            try:
                answer = await self.session.ask_agent(
                    pid.node, "crash", name, reason, pid.number, timeout=None
                )
            except BaseException:
                casualties.spared(casualty)
                raise
            if isinstance(answer, Pid):
                # It has been started again, and the notebook had not heard of that yet.
                casualties.spared(casualty)
                if self._left is not None:
                    raise Refused("it had been started again by then")
                pid = answer
            else:
                # It may have been late.
                outcome, casualty.time = answer[0], self.session.on_clock(pid.node, answer[1])
        self._add(casualty)
        self._outcomes[name] = self._rows[casualty]["outcome"] = outcome
        if self._left is not None:
            self._tell_late(casualty, outcome)
        if outcome == "trapped":
            casualties.spared(casualty)
        else:
            casualties.ended(casualty)

    def _leave(self, name: str, order: asyncio.Task[None], *, because: str) -> None:
        """Go on without an order's answer: what comes of it is told when the node has told it."""
        self._left = because
        self.row["why"] = f"{because}; it is not known yet whether {name!r} crashed"
        order.add_done_callback(partial(self._failed_late, name))

    def _tell_late(self, casualty: Casualty, outcome: str) -> None:
        row, report = self.row, self._report()
        told, about = row["delivered"], {"pid": casualty.pid, "reason": casualty.reason}
        row.pop("error", None)
        row.pop("why", None)
        row.update(report, delivered=True, healed=self.session.clock.now())
        row.update(self._short(self._left or HALTED))
        self.hit = list(self._outcomes)
        if not told:
            self.teller.note_late(self, casualty.time, report)
            return
        if outcome != "died":
            about["outcome"] = outcome
        about |= {"id": self.id, "fault": self.fault.fault_name}
        self.session.events.append(
            casualty.time, "fault", "struck", target=casualty.server, detail=about
        )

    def _failed_late(self, name: str, order: asyncio.Task[None]) -> None:
        if order.cancelled() or self.session.closed or (error := order.exception()) is None:
            return
        definite = isinstance(error, ClusterError | Refused) and error.definite
        known = "was not crashed" if definite else "may have crashed, which nobody can tell now"
        self.row["why"] = f"{self._left}; {name!r} {known}: {error}"

    def _add(self, casualty: Casualty) -> None:
        row = self._rows[casualty] = casualty.row()
        self._crashes.append(row)
        self._outcomes[casualty.server] = "died"

    def _report(self) -> dict[str, Any]:
        times = [row["restart_seconds"] for row in self._crashes]
        return {
            "outcomes": self._outcomes,
            "struck": len(self._crashes),
            "crashes": self._crashes,
            "recovery_times": [time for time in times if time is not None],
        }

    def struck(self, casualty: Casualty) -> None:
        """Take in that its rule has ended a server."""
        self._add(casualty)
        self.row.update(self._report())

    def came_back(self, casualty: Casualty) -> None:
        """Take in that the supervisor has started it again."""
        self._rows[casualty].update(time=casualty.time, restart_seconds=casualty.restart_seconds)
        self.row.update(self._report())

    def not_restarted(self, casualty: Casualty) -> None:
        """Take in that a try to start it again has failed: it is not back."""

    def gave_up(self, supervisor: str) -> None:
        """Take in that a supervisor has given up: what it had is not back."""

    def ends_after(self, duration: float | None) -> float | None:
        """Return after how many seconds it heals: a crash at once is over when it is delivered."""
        return 0.0 if self.fault.rule().at_once else duration

    async def undo(self) -> dict[str, Any]:
        """Crash no more, and tell what came of it so far."""
        if not self.fault.rule().at_once:
            names = self.session.faults.disarm(self.id)
            answers = await self.ask_each(names, "remove_rule", self.id)
            # One that goes on later may have more to tell before it takes the rule off.
            self._unheard = any(name not in answers and self._may_tell(name) for name in names)
        return self._report()

    def _may_tell(self, name: str) -> bool:
        return self.session.nodes[name].status in ("running", "paused", "starting")

    def over(self) -> None:
        """Let it be forgotten when all is known of those that it has ended."""
        self.session.faults.casualties.over(self.id, told_all=not self._unheard)
