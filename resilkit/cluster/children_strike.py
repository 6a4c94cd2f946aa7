"""Kills of a supervisor's children, at a rate; and what came of them."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any

from resilkit.cluster.strike import Strike
from resilkit.errors import Refused, ResilkitError
from resilkit.faults import choose_targets

if TYPE_CHECKING:
    from resilkit.faults import ChildrenRule

__all__ = ["ChildrenStrike"]


class ChildrenStrike(Strike):
    """Kills on and on, until it is undone; each kill draws its victims anew."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._task: asyncio.Task[None] | None = None
        self._began = 0.0
        self._kills: list[tuple[float, str]] = []

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
        self._began = self.session.clock.now()
        await self._children()
        self._task = self.session.loop.create_task(self._kill_on())
        return {}

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
            try:
                node, children = await self._children()
                last_failure = ""
                if children:
                    for name in choose_targets(self._rule.targets, children, self.rng):
                        for number in children[name]:
                            await self._kill(node, name, number)
            except ResilkitError as error:
                # Once is enough: a supervisor that is gone is gone at each further try.
                if str(error) != last_failure:
                    last_failure = str(error)
                    self._note("failed", self._rule.supervisor, why=last_failure)

    async def _kill(self, node: str, name: str, number: int) -> None:
        now = self.session.clock.now()
        if await self.session.ask_agent(node, "kill_process", number):
            self._kills.append((now, name))
            self._note("struck", name)

    def _note(self, event: str, target: str, **detail: Any) -> None:
        self.session.note("fault", event, target, id=self.id, fault=self.fault.fault_name, **detail)

    def abandon(self) -> None:
        """Kill no more."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def undo(self) -> dict[str, Any]:
        """Kill no more, and tell what came of the kills so far.

        ``killed`` and ``restarted`` count children, ``failed_to_restart`` tries;
        ``recovery_times`` are the seconds from each kill to its restart, as far as there was one.
        """
        self.abandon()
        waiting: dict[str, deque[float]] = {}
        for time, name in self._kills:
            waiting.setdefault(name, deque()).append(time)
        times: list[float] = []
        failed, gave_up = 0, False
        for event in self.session.events:
            if event.kind != "supervision" or event.time < self._began:
                continue
            if event.event == "restarted" and waiting.get(event.target):
                times.append(max(0.0, event.time - waiting[event.target].popleft()))
            elif event.event == "start_failed" and event.target in waiting:
                failed += 1
            elif event.event == "gave_up" and event.target == self._rule.supervisor:
                gave_up = True
        return {
            "killed": len(self._kills),
            "restarted": len(times),
            "failed_to_restart": failed,
            "supervisor_gave_up": gave_up,
            "supervisor_alive": self.session.node.names.whereis(self._rule.supervisor) is not None,
            "recovery_times": [round(time, 6) for time in times],
        }
