"""What breaks a cluster, and heals it: faults, partitions."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from resilkit.cluster import injecting, operations
from resilkit.cluster.injection import Injection

if TYPE_CHECKING:
    from resilkit.cluster.session import Session
    from resilkit.faults import Fault

__all__ = ["Breaking"]

T = TypeVar("T")


class Breaking:
    """The part of `Cluster` that has to do with faults."""

    _session: Session

    def _sync(
        self,
        coroutine: Coroutine[Any, Any, T],
        lost: Callable[[T], Coroutine[Any, Any, Any]] | None = None,
    ) -> T:
        return self._session.thread.sync(coroutine, lost)

    def inject(self, fault: Fault, targets: Any = None, *, seed: int | None = None) -> Injection:
        """Put a fault in, on its own schedule; a strike that is due at once has happened on return.

        Args:
            fault: One of `resilkit.faults`, or your own.
            targets: Whom to hit instead of the fault's own `targets`.
            seed: The root of its randomness; the cluster's when left out.

        Returns:
            The `Injection`; it heals on ``heal()``, on leaving its ``with``, after the fault's
            ``duration``, or when the cluster closes.

        Raises:
            InvalidArgument: It is no fault, or a target is unknown.
            NodeDown, Refused: It could not be delivered.
        """
        return self._sync(self.ainject(fault, targets, seed=seed), Injection.close)

    async def ainject(
        self, fault: Fault, targets: Any = None, *, seed: int | None = None
    ) -> Injection:
        """Await it: `inject`, for async code. When that is cancelled, it heals."""
        return await injecting.inject(self._session, fault, targets, seed)

    def partition(
        self, *groups: Iterable[str], one_way: bool = False, duration: float | None = None
    ) -> Injection:
        """Cut the links between groups of nodes; nodes in no group form one of their own.

        Args:
            *groups: Groups of node names, at least one; with one, the rest is the other. Or links,
                to cut these alone: ``"n1<->n2"``, or ``"n1->n2"`` for what n1 sends to n2.
            one_way: Only messages from a group to a later one are lost; those back get through.
                Nodes in no group are the last group.
            duration: Seconds until it heals by itself; ``None``: on ``heal()``, or when the
                ``with`` block ends.
        """
        cut = self.apartition(*groups, one_way=one_way, duration=duration)
        return self._sync(cut, Injection.close)

    async def apartition(
        self, *groups: Iterable[str], one_way: bool = False, duration: float | None = None
    ) -> Injection:
        """Await it: `partition`, for async code."""
        fault = injecting.partition_of(groups, one_way=one_way, duration=duration)
        return await self.ainject(fault)

    def heal(self) -> None:
        """Heal every injection, and let paused nodes go on.

        Nodes that a fault crashed are restarted; those that you killed stay down.

        Raises:
            ResilkitError: A fault could not be taken back; all others have been by then.
        """
        self._sync(self.aheal())

    async def aheal(self) -> None:
        """Await it: `heal`, for async code."""
        session = self._session
        session.refuse_closed()
        await session.thread.bridge(session.while_open(operations.heal))
