"""What a trial starts: specs with names, so that operations find their servers across restarts."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from resilkit.cluster.deployed import below
from resilkit.errors import InvalidArgument
from resilkit.experiment.system import SYSTEMS, read_system
from resilkit.runtime import ChildSpec, Server, SupervisorSpec
from resilkit.testing.calls import Call, Cast

__all__ = ["Started", "check_operation", "started"]


@dataclass(frozen=True, slots=True)
class Started:
    """What is started, in order, and who is there then.

    Attributes:
        plan: Each with the name of its node, ``None`` for the cluster's choice.
        servers: The classes of the servers that have a name, in order; supervisors are not in it.
        supervisors: The names of the supervisors.
    """

    plan: tuple[tuple[str | None, ChildSpec | SupervisorSpec], ...]
    servers: Mapping[str, type[Server]]
    supervisors: tuple[str, ...]

    @property
    def first(self) -> str | None:
        """The name of the first server; ``None`` where none has one."""
        return next(iter(self.servers), None)


def started(system: object, nodes: Sequence[str], taken: Iterable[str] = ()) -> Started:
    """Return what there is to start of a system, every single server with a name.

    Args:
        system: As `Experiment` takes it.
        nodes: The names of the nodes.
        taken: The names of servers that they start by themselves.

    Raises:
        InvalidArgument: It is no system, starts nothing, or names a node that is not there.

    Examples:
        >>> class BankTeller(Server):
        ...     pass
        >>> started(BankTeller, ["n1"]).first
        'bank_teller'
    """
    if system is None:
        raise InvalidArgument("is nothing to start", path="system", value=None, allowed=SYSTEMS)
    plan = read_system(system, nodes, taken).plan
    everyone = [one for _, spec in plan for one in below(spec)]
    return Started(
        plan,
        {one.name: one.server for one in _servers(everyone) if one.name is not None},
        tuple(one.name for one in everyone if isinstance(one, SupervisorSpec) and one.name),
    )


def _servers(everyone: Sequence[Any]) -> Iterator[ChildSpec]:
    for one in everyone:
        if isinstance(one, ChildSpec):
            yield one


def check_operation(operation: Call | Cast, there: Started, default: str | None, path: str) -> None:
    """Refuse an operation for nobody, or of a method that its server's class does not have.

    A name that no spec gives is let through: servers may register more of them.

    Raises:
        InvalidArgument: It is so.
    """
    to = operation.to or default
    if to is None:
        raise InvalidArgument(
            "names no server, and none of the system's has a name", path=path, value=operation,
            allowed=f"{type(operation).__name__}({operation.method!r}, to=…)",
        )  # fmt: skip
    server = there.servers.get(to)
    if server is None:
        return
    known = server.handlers()
    if operation.method not in known:
        near = difflib.get_close_matches(operation.method, known, n=1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        raise InvalidArgument(
            f"is no method of {server.__name__}{hint}", path=path, value=operation.method,
            allowed=", ".join(map(repr, known)),
        )  # fmt: skip
