"""From what somebody asks a cluster for to an injection that has begun."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from resilkit.cluster.injection import Injection
from resilkit.errors import InvalidArgument
from resilkit.faults import Fault, Partition, registered_faults

if TYPE_CHECKING:
    from resilkit.cluster.session import Session

__all__ = ["inject", "inject_planned", "partition_of"]


async def inject(session: Session, fault: Fault, targets: Any, seed: int | None) -> Injection:
    """Begin to inject a fault, on the loop; return when what is due at once is in.

    Raises:
        InvalidArgument: It is no fault, or it is not ready to be put in: see `Injection.begin`.
        ClusterClosed: The cluster was closed.
    """
    if not isinstance(fault, Fault):
        names = ", ".join(sorted(kind.__name__ for kind in registered_faults().values()))
        raise InvalidArgument(
            "is no fault",
            path="fault",
            value=fault,
            allowed=f"a fault, as in faults.Latency(0.02, 0.2); there are {names}",
        )
    session.refuse_closed()

    async def begin() -> Injection:
        injection = Injection(session, fault, targets=targets, seed=seed)
        await injection.begin()
        return injection

    return await session.thread.bridge(begin(), Injection.close)


def inject_planned(
    session: Session, fault: Fault, *, given: Fault, seed: int, place: tuple[int, int]
) -> Injection:
    """Put in one fault of a plan; it then draws what `Scenario.timeline` shows for `seed`.

    Args:
        session: The cluster's inside.
        fault: The fault.
        given: The plan's own, of which `fault` may be one moment: events tell what somebody asked
            for.
        seed: The root of the plan's randomness.
        place: The fault's index in the plan, and the number of its first strike there.

    Raises:
        ClusterError: The cluster is closed.
        InvalidArgument: It is not ready to be put in: see `Injection.begin`.
    """
    session.refuse_closed()

    async def begin() -> Injection:
        injection = Injection(session, fault, seed=seed, place=place, given=given)
        await injection.begin()
        return injection

    return session.thread.sync(begin())


def partition_of(
    groups: tuple[Iterable[str], ...], *, one_way: bool, duration: float | None
) -> Partition:
    """Return the fault for groups as somebody wrote them: lists of names, or single names.

    Raises:
        InvalidArgument: There is no group, or one is none.

    Examples:
        >>> partition_of((["n1"], "n2"), one_way=False, duration=None).groups
        (('n1',), ('n2',))
    """
    allowed = 'such as partition(["n1"], ["n2", "n3"])'
    if not groups:
        message = "needs at least one group of node names"
        raise InvalidArgument(message, path="partition", allowed=allowed)
    named = []
    for index, group in enumerate(groups):
        if not isinstance(group, Iterable):
            path = f"Partition.groups[{index}]"
            raise InvalidArgument("is no group", path=path, value=group, allowed=allowed)
        named.append((group,) if isinstance(group, str) else tuple(group))
    return Partition(
        kind="one_way" if one_way else "custom", groups=tuple(named), duration=duration
    )
