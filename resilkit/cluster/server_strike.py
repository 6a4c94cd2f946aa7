"""Crashes of servers, at once or when messages come; and what came of them."""

from __future__ import annotations

from typing import Any

from resilkit.cluster.casualties import Casualty
from resilkit.cluster.strike import Strike
from resilkit.errors import Refused
from resilkit.runtime import Pid

__all__ = ["ServerStrike"]


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
        self._outcomes: dict[str, str] = {}
        self._crashes: list[dict[str, Any]] = []
        self._rows: dict[Casualty, dict[str, Any]] = {}

    def candidates(self) -> list[str]:
        """Return the named servers."""
        return sorted(self.session.node.names.all())

    def choose(self, occurrence: int, targets: Any) -> list[str]:
        """Return which servers this strike hits.

        Raises:
            Refused: No named server runs.
        """
        if not self.candidates():
            raise Refused("no named server runs, so none can be hit")
        return super().choose(occurrence, targets)

    async def deliver(self, targets: list[str]) -> dict[str, Any]:
        """Crash them, or arm the rule that will.

        Raises:
            InvalidArgument: One has no such method as the rule waits for.
            Refused: One is not running.
        """
        rule = self.fault.rule()
        self.session.faults.casualties.follow(self.id, self)
        # All before the first crash: what is refused has harmed nobody.
        for name in targets:
            self._whereis(name)
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

    async def _crash(self, name: str, pid: Pid, reason: str) -> None:
        casualties, now = self.session.faults.casualties, self.session.clock.now()
        casualty = Casualty(name, str(pid), now, "killed" if reason == "kill" else reason)
        casualties.fell(self.id, casualty)
        self._add(casualty)
        try:
            outcome = await self.session.ask_agent(pid.node, "crash", name, reason, pid.number)
        except BaseException:
            casualties.spared(casualty)
            self._crashes.remove(self._rows.pop(casualty))
            raise
        if isinstance(outcome, Pid):
            # It has been started again, and the notebook had not heard of that yet.
            casualties.spared(casualty)
            self._crashes.remove(self._rows.pop(casualty))
            await self._crash(name, outcome, reason)
            return
        self._outcomes[name] = self._rows[casualty]["outcome"] = outcome
        if outcome == "trapped":
            casualties.spared(casualty)
        else:
            casualties.ended(casualty)

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
        self._rows[casualty]["restart_seconds"] = casualty.restart_seconds
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
