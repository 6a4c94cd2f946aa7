"""Whether the faults of a scenario fit where they are to go in: nodes, servers, machine, time."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from resilkit import validate
from resilkit.chaos.planning import LAST_STRIKE
from resilkit.cluster.backend_names import check_faults
from resilkit.cluster.deployed import below, server_names, started_specs
from resilkit.errors import InvalidArgument, Unavailable
from resilkit.faults import (
    ChildrenRule,
    Fault,
    LinkFault,
    NodeFault,
    PartitionFault,
    ResourceFault,
    ServerFault,
    schedule,
)
from resilkit.faults.partition import check_places
from resilkit.faults.targets import is_named
from resilkit.rng import stream
from resilkit.runtime import SupervisorSpec

if TYPE_CHECKING:
    from resilkit.chaos.scenario import Scenario
    from resilkit.cluster.session import Session

__all__ = ["check_fit", "check_moments", "try_targets"]

_GLOB = "matching:"


def check_fit(
    scenario: Scenario, session: Session, duration: float, *, machine: bool = True
) -> None:
    """Refuse a scenario that asks for what this machine, or a running cluster, has not.

    Args:
        scenario: The scenario.
        session: The cluster's inside.
        duration: Seconds that it is to take.
        machine: Whether to look at the machine too, which takes a second the first time.

    Raises:
        InvalidArgument: A fault names a node or a server that is not there, finds nobody or no
            link to hit, would strike for the first time after the end, or is not for a simulation,
            where the cluster is one; the path says which.
        Unavailable: Something that it requires, or one of its faults, does not work here.
    """
    check_faults(session.backend.name, scenario.faults, "faults")
    for index, fault in enumerate(scenario.faults):
        path = f"faults[{index}].{fault.fault_name}"
        check_moments(fault, duration, path)
        try:
            if isinstance(fault, ServerFault):
                _try_servers(fault, session)
            else:
                _try_nodes(fault, list(session.nodes), set(session.edges))
        except InvalidArgument as error:
            raise error.below(path) from None
    if machine:
        scenario.check_requirements()
        if session.backend.name == "processes":
            _check_machine(scenario.faults)


def check_moments(fault: Fault, duration: float, path: str) -> None:
    """Refuse a fault that has no moment in a run.

    Raises:
        InvalidArgument: It would strike for the first time after the end.
    """
    end = LAST_STRIKE * duration
    if not any(True for _ in schedule(fault, end, stream(0, "check", path))):
        first = fault.at if fault.at is not None else fault.every
        when = "after" if first is None or first >= duration else "just before"
        raise InvalidArgument(
            f"would strike for the first time {when} the end of the run ({duration:g} s)",
            path=f"{path}.{'at' if fault.at is not None else 'every'}",
            value=first,
            allowed=f"less than {end:g} s, 99 % of the duration",
        )


def try_targets(
    fault: Fault, nodes: Sequence[str], links: Iterable[tuple[str, str]] = ()
) -> Collection[object]:
    """Choose once, with a stream that nobody else draws from: a name that is not there raises.

    Returns:
        Whom it would hit: nodes, links, or pairs of nodes that it cuts; of servers nothing, which
        come and go.
    """
    rng = stream(0, "check")
    if isinstance(fault, ServerFault):
        return ()
    if isinstance(fault, PartitionFault):
        return fault.cuts(nodes, rng)
    if isinstance(fault, LinkFault):
        return fault.choose_links(links, nodes, rng)
    return fault.choose(nodes, rng)


def _try_nodes(fault: Fault, nodes: Sequence[str], links: Collection[tuple[str, str]]) -> None:
    check_places(fault, nodes, links)
    if try_targets(fault, nodes, links) or fault.inert:
        return
    what = "node fits"
    if isinstance(fault, LinkFault):
        what = "link fits"
    elif isinstance(fault, PartitionFault):
        what = "two nodes fit"
    message = f"would hit nobody: no {what} that the cluster has"
    there = f"for some of {', '.join(nodes)}"
    raise InvalidArgument(message, path="targets", value=fault.targets, allowed=there)


def _try_servers(fault: ServerFault, session: Session) -> None:
    servers, children = server_names(session), _children(session)
    rule = fault.rule()
    if isinstance(rule, ChildrenRule):
        supervisors = sorted(children.keys() | session.supervising)
        validate.choice(rule.supervisor, "supervisor", supervisors)
        # Those that are started while it runs have ids that no spec has; most are names too.
        there = [*children.get(rule.supervisor, ()), *servers]
        for name in _literal(rule.targets):
            validate.choice(name, "targets", there)
        return
    if not servers and not fault.inert:
        message = "would hit nobody: no named server runs"
        raise InvalidArgument(message, path="targets", value=fault.targets)
    for name in _literal(fault.targets):
        validate.choice(name, "targets", servers)


def _children(session: Session) -> dict[str, list[str]]:
    """Return the ids of all below each supervisor that was started from a spec."""
    return {
        one.name: sorted(each.id for child in one.children for each in below(child))
        for one in started_specs(session.nodes)
        if isinstance(one, SupervisorSpec)
    }


def _literal(targets: str | int | Sequence[str]) -> list[str]:
    """Return the names in `targets`; a glob and a number are answered by the strike alone."""
    if isinstance(targets, int):
        return []
    if not isinstance(targets, str):
        return list(targets)
    return [targets] if is_named(targets) and not targets.startswith(_GLOB) else []


def _check_machine(faults: Sequence[Fault]) -> None:
    """Refuse faults that do not work on this machine; only some depend on it."""
    needy = [one for one in faults if isinstance(one, NodeFault | ResourceFault)]
    if not needy:
        return
    from resilkit.chaos.capabilities import capabilities

    rows = {row.name: row for row in capabilities().rows}
    lacking = dict.fromkeys(
        f"{one.fault_name} ({rows[one.fault_name].why})"
        for one in needy
        if one.fault_name in rows and not rows[one.fault_name].works
    )
    if lacking:
        raise Unavailable(f"not every fault works on this machine: {'; '.join(lacking)}")
