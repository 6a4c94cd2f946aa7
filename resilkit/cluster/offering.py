"""What a reference has to offer, for completion: quick, and without errors, whatever happens.

Somebody who presses Tab waits for the answer, and has asked nobody for anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from resilkit.cluster.deployed import below
from resilkit.cluster.looking import look
from resilkit.errors import ResilkitError
from resilkit.runtime import SupervisorSpec
from resilkit.runtime.supervisor import Supervisor

if TYPE_CHECKING:
    from resilkit.cluster.session import Session
    from resilkit.runtime import ChildSpec, Pid, Server
    from resilkit.runtime.reference import Address

__all__ = ["PATIENCE", "offered"]

PATIENCE = 0.2
"""Seconds that a node may take to say what its server can do: paused nodes never do."""

_told: WeakKeyDictionary[Session, dict[Pid, list[str]]] = WeakKeyDictionary()
"""What nodes have said. A process keeps its class as long as it lives."""


def offered(session: Session, address: Address) -> list[str]:
    """Return the methods of a server that can be called and cast, sorted; none if nobody knows.

    The class is known where this notebook started the server or its supervisor; else the node is
    asked, once a process, and has `PATIENCE`.
    """
    try:
        known = _class_of(session, address)
        if known is not None:
            return known.handlers()
        pid = session.node.resolve(address)
        if pid is None:
            return []
        told = _told.setdefault(session, {})
        if pid not in told:
            told[pid] = _ask(session, pid)
        return told[pid]
    except Exception:  # noqa: BLE001 - a closed cluster, a lost node: there is nothing to offer
        return []


def _class_of(session: Session, address: Address) -> type[Server] | None:
    """Return the class of a server that a spec of this notebook names; the latest one counts."""
    found: type[Server] | None = None
    name = address if isinstance(address, str) else None
    for state in list(session.nodes.values()):
        here = isinstance(address, tuple) and len(address) == 2 and address[1] == state.spec.name
        wanted = address[0] if here else name
        deployed = list(state.deployed.values())
        if name is None and not here:
            mine = [one.spec for one in deployed if one.pid == address]
            found = next((_class(spec) for spec in mine), found)
            continue
        for spec in (*state.spec.applications, *(one.spec for one in deployed)):
            for one in below(spec):
                if one.name == wanted:
                    found = _class(one)
    return found


def _class(spec: ChildSpec | SupervisorSpec) -> type[Server]:
    return Supervisor if isinstance(spec, SupervisorSpec) else spec.server


def _ask(session: Session, pid: Pid) -> list[str]:
    session.refuse_closed()
    # Longer than the call takes, unless the clusters' own loop is held up.
    limits = {"patience": PATIENCE, "within": PATIENCE + 0.05}
    [answers] = look(session, "offers", names=[pid.node], args=(pid.number,), **limits)
    answer = answers[pid.node]
    if isinstance(answer, ResilkitError):
        raise answer
    return list(answer)
