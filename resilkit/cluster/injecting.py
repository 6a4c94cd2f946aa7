"""From what somebody asks a cluster for to an injection that has begun."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from resilkit import validate
from resilkit.cluster.backend_names import check_faults
from resilkit.cluster.injection import Injection
from resilkit.errors import InvalidArgument
from resilkit.faults import Fault, Partition, registered_faults
from resilkit.faults.link_targets import BOTH_WAYS, ONE_WAY, clean_links, named_link
from resilkit.faults.targets import clean_targets

if TYPE_CHECKING:
    from resilkit.cluster.session import Session

__all__ = ["inject", "partition_of"]


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
    try:
        check_faults(session.backend.name, [fault], "fault")
    except InvalidArgument as error:
        raise validate.relocated(error, "fault") from None
    if targets is not None:
        signs = fault.link_signs
        targets = (
            clean_targets(targets, "targets")
            if signs is None
            else clean_links(targets, "targets", signs)
        )

    async def begin() -> Injection:
        injection = Injection(session, fault, targets=targets, seed=seed)
        await injection.begin()
        return injection

    return await session.thread.bridge(begin(), Injection.close)


def partition_of(
    groups: tuple[Iterable[str], ...], *, one_way: bool, duration: float | None
) -> Partition:
    """Return the fault for groups as somebody wrote them: lists of names, or single names.

    Args:
        groups: The groups; or links, ``"n1<->n2"`` or ``"n1->n2"``, and nothing else.
        one_way: Whether only what goes from a group to a later one is lost.
        duration: Seconds until it heals by itself; ``None`` for never.

    Raises:
        InvalidArgument: There is no group, one is none, or groups and links are mixed.

    Examples:
        >>> partition_of((["n1"], "n2"), one_way=False, duration=None).groups
        (('n1',), ('n2',))
        >>> partition_of(("n1<->n2",), one_way=False, duration=None)
        Partition(kind='links', targets=('n1<->n2',))
    """
    allowed = 'such as partition(["n1"], ["n2", "n3"])'
    if not groups:
        message = "needs at least one group of node names"
        raise InvalidArgument(message, path="partition", allowed=allowed)
    links = [group for group in groups if isinstance(group, str) and named_link(group)]
    if links:
        return _partition_of_links(groups, links, one_way=one_way, duration=duration)
    named = []
    for index, group in enumerate(groups):
        if not isinstance(group, Iterable):
            path = f"Partition.groups[{index}]"
            raise InvalidArgument("is no group", path=path, value=group, allowed=allowed)
        named.append((group,) if isinstance(group, str) else tuple(group))
    return Partition(
        kind="one_way" if one_way else "custom", groups=tuple(named), duration=duration
    )


def _partition_of_links(
    given: tuple[object, ...], links: list[str], *, one_way: bool, duration: float | None
) -> Partition:
    for index, each in enumerate(given):
        if each not in links:
            raise InvalidArgument(
                "is a group among links",
                path=f"partition[{index}]",
                value=each,
                allowed='groups alone, or links alone, such as partition("n1<->n2", "n2->n3")',
            )
        if one_way and BOTH_WAYS in str(each):
            raise InvalidArgument(
                "is a link both ways, where one way is asked for",
                path=f"partition[{index}]",
                value=each,
                allowed=f'"{str(each).replace(BOTH_WAYS, ONE_WAY)}"',
            )
    return Partition(kind="links", targets=tuple(links), duration=duration)
