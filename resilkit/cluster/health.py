"""What the nodes say of themselves."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from resilkit.errors import ResilkitError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from resilkit.cluster.node_state import NodeState
    from resilkit.cluster.session import Session

__all__ = ["health", "health_rows"]

_PATIENCE = 1.0


def health_rows(session: Session, said: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return a row a node, from what those said that have a process, or the errors why not."""
    return {
        name: _row(session, name, node, said.get(name))
        for name, node in list(session.nodes.items())
    }


async def health(session: Session) -> dict[str, dict[str, Any]]:
    """Ask every node that has a process, all at once; one that is silent costs a second."""
    nodes = dict(session.nodes)  # another thread may add one while they are asked
    rows = await asyncio.gather(*(_one(session, *each) for each in nodes.items()))
    return dict(zip(nodes, rows, strict=True))


async def _one(session: Session, name: str, node: NodeState) -> dict[str, Any]:
    said: Any = None
    if node.pid is not None:
        try:
            said = await session.ask_agent(name, "health", timeout=_PATIENCE)
        except ResilkitError as error:
            said = error
    return _row(session, name, node, said)


def _row(session: Session, name: str, node: NodeState, said: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "status": node.status,
        "pid": node.pid,
        "incarnation": node.incarnation,
        "answers": False,
        "reachable": [],
        "majority": False,
        "servers": 0,
        "cut": session.faults.for_node(name)["cuts"],
    }
    if isinstance(said, ResilkitError):
        row["error"] = str(said)
    elif said is not None:
        row.update({key: said[key] for key in ("reachable", "majority", "servers")}, answers=True)
    return row
