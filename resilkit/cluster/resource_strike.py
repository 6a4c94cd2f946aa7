"""Pressure on the resources of nodes, and what was reached of it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from resilkit.cluster.shortfall import shortfall
from resilkit.cluster.strike import HALTED, Strike
from resilkit.cluster.telling import why_of
from resilkit.errors import ResilkitError

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

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._answers: dict[str, dict[str, Any]] = {}
        self._errors: dict[str, ResilkitError] = {}

    async def deliver(self, targets: list[str]) -> dict[str, Any]:
        """Press all nodes at once; return what was reached, when all are wholly pressed."""
        asked = [self._press(name) for name in targets]
        # All have ended before an error is raised: none may go on building up after its undoing.
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        return self._measured()

    def _measured(self) -> dict[str, Any]:
        """Return what those nodes reached that could tell."""
        self.hit = [name for name in self.targets if name in self._answers]
        if not self.hit:
            return {}
        reached = {name: dict(self._answers[name]) for name in self.hit}
        found = {name: one.pop("short", None) for name, one in reached.items()}
        short = {name: one for name, one in found.items() if one is not None}
        built_up = round(self.session.loop.time() - self.began, 6)
        measured = {"reached": reached, "built_up_after": built_up}
        return measured | ({"short": short} if short else {})

    def so_far(self) -> dict[str, Any]:
        """Return what the nodes reached that did not fail."""
        return self._measured()

    async def halt(self) -> dict[str, Any]:
        """Build up no further; return what was reached by then.

        A node that fails, or does not answer in time, may be pressed: nobody could measure it.
        """
        pressed = [name for name in self.targets if name not in self._errors]
        because = f"it was healed after {self.session.loop.time() - self.began:.3g} s"
        asked = [name for name in pressed if name not in self._answers]
        if not self.session.closed:  # else all end now, and nobody is asked anything
            nodes = self.session.nodes
            await self.session.faults.patience.wait(
                (name, "halt", self._halt(name, because))
                for name in asked
                if nodes[name].status == "running"
            )
        answers = dict(self._answers)  # one that comes later changes nothing that was told
        for name in asked:
            if not answers.get(name):
                answers[name] = shortfall(
                    self.fault.pressure().kind,
                    reached=None,
                    asked=1.0,
                    part=None,
                    of="",
                    because=because,
                )
        for name, error in self._errors.items():
            answers[name] = {"short": {"part": 0.0, "why": why_of(error)}}
        self._answers = answers
        found = self._measured()
        return found | {"why": HALTED} if "short" in found else found

    async def _halt(self, name: str, because: str) -> None:
        with suppress(ResilkitError):  # then it has told nothing, which is told
            self._answers[name] = await self.session.ask_agent(
                name, "halt", self.id, because, timeout=None
            )

    async def _press(self, name: str) -> None:
        pressure, within = self.fault.pressure(), self.fault.duration
        if within is not None:
            # It ends so long after its beginning, wherever its level is by then.
            within = max(0.0, self.began + within - self.session.loop.time())
        try:
            self._answers[name] = await self.session.ask_agent(
                name,
                "press",
                self.id,
                pressure.kind,
                pressure.options,
                within,
                timeout=pressure.ramp + _BUILD_UP_TIMEOUT,
            )
        except ResilkitError as error:
            self._errors[name] = error
            raise

    async def undo(self) -> dict[str, Any]:
        """Release all; return what is left."""
        return {"left": await self.ask_each(self.targets, "release", self.id)}
