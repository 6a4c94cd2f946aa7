"""One delivery of a fault: what the families of faults have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from resilkit.errors import ClusterError, NodeDown, ResilkitError
from resilkit.faults import choose_targets

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sequence
    from random import Random

    from resilkit.cluster.session import Session
    from resilkit.cluster.telling import Teller

__all__ = ["HALTED", "Strike", "half_way", "heard", "new_row"]

HALTED = "it was healed before it was wholly in"


class Strike:
    """One delivery of a fault. Subclasses know one family each.

    Attributes:
        row: What is told of it in `Injection.outcomes`.
        hit: Whom it has hit, where it did not come in wholly.
        teller: What tells of it in the events.
    """

    teller: Teller

    def __init__(self, strike_id: str, session: Session, fault: Any, rng: Random) -> None:
        self.id = strike_id
        self.session = session
        self.fault = fault
        self.rng = rng
        self.targets: list[str] = []
        self.hit: list[str] = []
        self.began = session.loop.time()
        self.row: dict[str, Any] = {}
        self.wanted: Any = fault.targets

    def candidates(self) -> list[str]:
        """Return whom the fault may hit: the nodes."""
        return list(self.session.nodes)

    def choose(self, occurrence: int, targets: Any) -> list[str]:
        """Return whom this strike hits."""
        self.wanted = self.fault.targets if targets is None else targets
        if targets is None:
            self.targets = self.fault.choose(self.candidates(), self.rng, occurrence)
        else:
            self.targets = choose_targets(targets, self.candidates(), self.rng)
        return self.targets

    def ends_after(self, duration: float | None) -> float | None:
        """Return after how many seconds it heals by itself, ``None`` for never."""
        return duration

    async def deliver(self, targets: list[str]) -> dict[str, Any]:
        """Do the harm; return what was measured."""
        raise NotImplementedError

    def so_far(self) -> dict[str, Any]:
        """Return what a delivery that failed has measured by then, ``{}`` where it hit nobody."""
        return {}

    async def halt(self) -> dict[str, Any]:
        """Stop a delivery that is cancelled; return what was measured, ``{}`` as for `so_far`.

        Where it is not all that was to come, it tells ``why``, or by how much it is ``short``.
        """
        return (found := self.so_far()) and {**found, "why": HALTED}

    async def undo(self) -> dict[str, Any]:
        """Take it back; return what was measured. Must be safe to repeat."""
        raise NotImplementedError

    async def ask_each(self, names: Sequence[str], method: str, *args: Any) -> dict[str, Any]:
        """Ask the agents of several nodes to undo something; return their answers by node.

        One that fails does not spare the others. One whose node is down has nothing to undo, and
        one whose node is paused, or held up by a handler, undoes it first thing when it goes on.
        """
        answers: dict[str, Any] = {}

        async def ask(name: str) -> None:
            status = self.session.nodes[name].status
            try:
                if status == "running":
                    answer = await self.session.ask_agent(name, method, *args, timeout=None)
                    answers[name] = answer
                elif status in ("paused", "starting"):
                    await self.session.faults.tell(name, method, *args)
            except ResilkitError:
                if self.session.nodes[name].status == "running":
                    raise

        await self.session.faults.patience.wait((name, method, ask(name)) for name in names)
        return {name: answers[name] for name in names if name in answers}

    def over(self) -> None:
        """Do what is left to do when it has been taken back, or could not be."""

    def abandon(self) -> None:
        """Do nothing more: the cluster ends, and what was harmed with it."""


def new_row(time: float, occurrence: int) -> dict[str, Any]:
    """Return what is told of a strike when it begins; see `Injection.outcomes`."""
    return {"time": time, "occurrence": occurrence, "targets": [], "delivered": False}


def half_way(error: Exception, hit: Sequence[str]) -> Exception:
    """Return the error of a strike that failed when it had hit some, which is no definite failure.

    What a fault of the user's own raises stays as it is.

    Examples:
        >>> half_way(NodeDown("node n2 is stopped", node="n2", definite=True), ["n1"])
        NodeDown('node n2 is stopped; by then n1 had been hit')
    """
    if not hit or not isinstance(error, ResilkitError):
        return error
    message = f"{error}; by then {', '.join(hit)} had been hit"
    if isinstance(error, NodeDown):
        found: ClusterError = NodeDown(message, node=error.node, definite=False)
    else:
        found = ClusterError(message, definite=False)
    found.__cause__ = error
    return found


def heard(task: asyncio.Task[Any]) -> None:
    """Let the error of a task that nobody may wait for any more be nobody's concern."""
    if not task.cancelled():
        task.exception()
