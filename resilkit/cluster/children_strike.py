"""Kills of a supervisor's children, at a rate; and what came of them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from resilkit.cluster.casualties import Casualty
from resilkit.cluster.strike import Strike, heard
from resilkit.errors import Refused, ResilkitError
from resilkit.faults import choose_targets
from resilkit.runtime import Pid

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from resilkit.faults import ChildrenRule

__all__ = ["ChildrenStrike"]

_UNANSWERED = (
    "it is not known yet whether it killed one more: the node has not answered its last kill"
)


class ChildrenStrike(Strike):
    """Kills on and on, until it is undone; each kill draws its victims anew.

    Its outcome tells, as far as it is known: ``killed`` and ``restarted``, which count children
    (``killed`` is ``None`` where a node has not answered the only kill);
    ``failed_to_restart``, which counts tries; ``supervisor_gave_up``; ``supervisor_alive`` as of
    the last change; and ``recovery_times``, the seconds from each kill to its restart.
    """

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._task: asyncio.Task[None] | None = None
        self._killing: asyncio.Task[None] | None = None
        self._killed = 0
        self._place = ""
        self._tries = 0
        self._failed = 0
        self._gave_up = False
        self._times: list[float] = []

    @property
    def _rule(self) -> ChildrenRule:
        rule: ChildrenRule = self.fault.rule()
        return rule

    def choose(self, occurrence: int, targets: Any) -> list[str]:
        """Return the supervisor: what the targets name are its children."""
        del occurrence, targets
        self.targets = [self._rule.supervisor]
        return self.targets

    async def deliver(self, targets: list[str]) -> dict[str, Any]:
        """Begin to kill; the supervisor must be there."""
        del targets
        await self._children()
        self.session.faults.casualties.follow(self.id, self)
        self._task = self.session.loop.create_task(self._kill_on())
        return self._report()

    async def _children(self) -> tuple[str, dict[str, list[int]]]:
        supervisor = self._rule.supervisor
        pid = self.session.node.names.whereis(supervisor)
        if pid is None:
            raise Refused(f"the supervisor {supervisor!r} is not running")
        found = await self.session.ask_agent(
            pid.node, "children_of", supervisor, whole_tree=self._rule.whole_tree
        )
        return pid.node, found

    async def _kill_on(self) -> None:
        last_failure = ""
        while True:
            await asyncio.sleep(self.rng.expovariate(self._rule.rate))
            self._tries += 1
            try:
                node, children = await self._children()
                last_failure = ""
                if children:
                    for name in choose_targets(self._rule.targets, children, self.rng):
                        for number in children[name]:
                            await self._shielded(self._kill(node, name, number))
            except ResilkitError as error:
                # Once is enough: a supervisor that is gone is gone at each further try.
                if str(error) != last_failure:
                    last_failure = str(error)
                    self._note("failed", self._rule.supervisor, why=last_failure)

    async def _shielded(self, kill: Coroutine[Any, Any, None]) -> None:
        """Await a kill; who stops waiting does not keep what came of it from being counted."""
        self._killing = self.session.loop.create_task(kill)
        self._killing.add_done_callback(heard)
        await asyncio.wait({self._killing})
        self._killing.result()

    async def _kill(self, node: str, name: str, number: int) -> None:
        session = self.session
        self._place = node
        incarnation = session.node.membership.incarnation(node) or 0
        pid = str(Pid(node, number, incarnation))
        casualty = Casualty(name, pid, session.clock.now(), "killed")
        session.faults.casualties.fell(self.id, casualty)
        try:
            # As long as the node is there: it may be late, and then it kills late.
            killed = await session.ask_agent(node, "kill_process", number, timeout=None)
        except BaseException as error:
            session.faults.casualties.spared(casualty)
            if self.row.get("why") == _UNANSWERED:
                self.row["why"] = f"it may have killed one more, which nobody can tell now: {error}"
            raise
        late = self.row.get("why") == _UNANSWERED  # it has been healed already
        if killed is not None:
            casualty.time = session.on_clock(node, killed)
            self._killed += 1
            about = {"id": self.id, "fault": self.fault.fault_name, "pid": pid, "reason": "killed"}
            session.events.append(casualty.time, "fault", "struck", target=name, detail=about)
            session.faults.casualties.ended(casualty)
            self.row.update(self._report())
        else:
            session.faults.casualties.spared(casualty)
        if late and self._killed:
            del self.row["why"]
        elif late:
            self.row.update(self._report(), why=self._why_none())

    def struck(self, casualty: Casualty) -> None:
        """Take in that a rule has ended a server: it has none."""

    def came_back(self, casualty: Casualty) -> None:
        """Take in that the supervisor has started a child again."""
        assert casualty.restart_seconds is not None  # noqa: S101 - it is back
        self._times.append(casualty.restart_seconds)
        self.row.update(self._report())

    def not_restarted(self, casualty: Casualty) -> None:
        """Count a try to start a child again that has failed."""
        del casualty
        self._failed += 1
        self.row.update(self._report())

    def gave_up(self, supervisor: str) -> None:
        """Note that the supervisor has given up."""
        if supervisor == self._rule.supervisor:
            self._gave_up = True
            self.row.update(self._report())

    def _note(self, event: str, target: str, **detail: Any) -> None:
        self.session.note("fault", event, target, id=self.id, fault=self.fault.fault_name, **detail)

    def abandon(self) -> None:
        """Kill no more."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def undo(self) -> dict[str, Any]:
        """Kill no more, and tell what came of the kills so far, the one under way included."""
        self.abandon()
        killing = self._killing
        if killing is not None and not killing.done():
            node = self._place
            asked = asyncio.wait({killing})
            await self.session.faults.patience.wait([(node, "kill_process", asked)])
        if killing is not None and not killing.done():
            found = self._report()
            return found | {"killed": found["killed"] or None, "why": _UNANSWERED}
        return self._report() | ({} if self._killed else {"why": self._why_none()})

    def over(self) -> None:
        """Let it be forgotten when all is known of those that it has ended."""
        self.session.faults.casualties.over(self.id)

    def _why_none(self) -> str:
        if not self._tries:
            return "it killed no child: it ended before its first kill was due"
        return f"it killed no child: none was there to be killed at any of its {self._tries} tries"

    def _report(self) -> dict[str, Any]:
        return {
            "killed": self._killed,
            "restarted": len(self._times),
            "failed_to_restart": self._failed,
            "supervisor_gave_up": self._gave_up,
            "supervisor_alive": self.session.node.names.whereis(self._rule.supervisor) is not None,
            "recovery_times": list(self._times),
        }
