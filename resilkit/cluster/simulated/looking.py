"""Looks at simulated nodes from outside: no message, and no virtual time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from resilkit.cluster.agent import AGENT_NUMBER
from resilkit.errors import NodeDown
from resilkit.runtime.server_process import ServerProcess

if TYPE_CHECKING:
    from resilkit.cluster.looking import Look
    from resilkit.cluster.session import Session

__all__ = ["look_at"]

_TRIES: Final = 20
"""Another thread may drive the simulation while this one looks at what changes under its hands."""


def look_at(session: Session, method: str, wanted: Look) -> dict[str, Any]:
    """Return what each node's agent says to `method`; see `resilkit.cluster.looking.look`."""
    return {
        name: _one(session, name, method, wanted.args)
        for name, node in list(session.nodes.items())
        if node.pid is not None and (wanted.names is None or name in wanted.names)
    }


def _one(session: Session, name: str, method: str, args: tuple[Any, ...]) -> Any:
    if session.nodes[name].status == "paused":
        return NodeDown("it is paused", node=name, definite=True)
    node = session.launcher.node_of(name)
    agent = None if node is None else node.processes.get(AGENT_NUMBER)
    if not isinstance(agent, ServerProcess):
        return NodeDown("it is only starting", node=name, definite=True)
    for _ in range(_TRIES):
        try:
            return getattr(agent.server, method)(*args)
        except RuntimeError:  # a dict that changed while it was gone through
            continue
    return NodeDown("it changes too fast to be looked at", node=name, definite=True)
