"""Pressure on the resources of nodes, and what was reached of it."""

from __future__ import annotations

import asyncio
from typing import Any

from resilkit.cluster.strike import Strike

__all__ = ["ResourceStrike"]

_BUILD_UP_TIMEOUT = 60.0
"""Seconds that a pressure has to be built up, beside its ramp: a million files take their time."""


class ResourceStrike(Strike):
    """Pressure inside nodes.

    Its outcome tells what was ``reached`` by node, and where that is less than 9/10 of what was
    asked ``short``, by node too: which ``part`` it is (``None``: nobody could measure it) and
    ``why``, in words.
    """

    def candidates(self) -> list[str]:
        """Return the nodes that run."""
        return [name for name, node in self.session.nodes.items() if node.status == "running"]

    async def deliver(self, targets: list[str]) -> dict[str, Any]:
        """Press all nodes at once; return what was reached, when all are wholly pressed."""
        asked = [self._press(name) for name in targets]
        # All have ended before an error is raised: none may go on building up after its undoing.
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        built_up = round(self.session.loop.time() - self.began, 6)
        reached: dict[str, Any] = dict(zip(targets, outcomes, strict=True))
        found = {name: one.pop("short", None) for name, one in reached.items()}
        short = {name: one for name, one in found.items() if one is not None}
        measured = {"reached": reached, "built_up_after": built_up}
        return measured | ({"short": short} if short else {})

    async def _press(self, name: str) -> Any:
        pressure, within = self.fault.pressure(), self.fault.duration
        if within is not None:
            # It ends so long after its beginning, wherever its level is by then.
            within = max(0.0, self.began + within - self.session.loop.time())
        return await self.session.ask_agent(
            name,
            "press",
            self.id,
            pressure.kind,
            pressure.options,
            within,
            timeout=pressure.ramp + _BUILD_UP_TIMEOUT,
        )

    async def undo(self) -> dict[str, Any]:
        """Release all; return what is left."""
        return {"left": await self.ask_each(self.targets, "release", self.id)}
