"""The supervisors of a cluster as trees: what displays, figures and panels draw."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from resilkit.errors import CallTimeout, NodeDown, ResilkitError
from resilkit.runtime.messages import Pid

if TYPE_CHECKING:
    from resilkit.cluster.looking import Look
    from resilkit.cluster.session import Session

__all__ = ["ask_nodes", "branches", "find_branch"]


async def ask_nodes(session: Session, method: str, wanted: Look) -> dict[str, Any]:
    """Ask the agents of nodes, all at once; one that does not answer costs the patience with it.

    Returns:
        By the node's name what it answered, or the error why it did not. Nodes without a process
        are not in it, and those that are paused are not asked.
    """
    asked = [
        name
        for name, node in list(session.nodes.items())
        if node.pid is not None and (wanted.names is None or name in wanted.names)
    ]

    async def ask(name: str) -> Any:
        if session.nodes[name].status == "paused":
            return NodeDown("it is paused", node=name, definite=True)
        try:
            return await session.ask_agent(name, method, *wanted.args, timeout=wanted.patience)
        except CallTimeout:
            return CallTimeout(f"it said nothing for {wanted.patience:g} s")
        except ResilkitError as error:
            return error

    return dict(zip(asked, await asyncio.gather(*map(ask, asked)), strict=True))


def branches(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the supervisors of one node as trees, from rows as its agent gives them.

    Each is a dict with ``id``, ``name``, ``label``, ``kind``, ``class``, ``status``, ``node``,
    ``pid`` (text, ``""`` while it does not run), ``restart``, ``restarts``, ``queue``,
    ``messages`` and ``children``, and a supervisor's has ``strategy``, ``max_restarts`` and
    ``max_seconds``.
    """
    known = {row["pid"]: row for row in rows}
    held = {child["pid"] for row in known.values() for child in row["children"]}
    tops = [row for pid, row in known.items() if pid not in held and row["parent"] not in known]
    return [_supervisor(row, known, {}) for row in tops]


def _supervisor(
    row: Mapping[str, Any], known: Mapping[Pid, Mapping[str, Any]], child: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "id": child.get("id", row["name"]),
        "name": row["name"],
        "label": row["label"],
        "kind": "supervisor",
        "class": "Supervisor",
        "status": child.get("status", "running"),
        "node": row["pid"].node,
        "pid": str(row["pid"]),
        "restart": child.get("restart", ""),
        "restarts": child.get("restarts", 0),
        "queue": row["queue"],
        "messages": row["messages"],
        "strategy": row["strategy"],
        "max_restarts": row["max_restarts"],
        "max_seconds": row["max_seconds"],
        "children": [_child(each, row["pid"].node, known) for each in row["children"]],
    }


def _child(
    child: Mapping[str, Any], node: str, known: Mapping[Pid, Mapping[str, Any]]
) -> dict[str, Any]:
    if child["pid"] in known:
        return _supervisor(known[child["pid"]], known, child)
    pid = "" if child["pid"] is None else str(child["pid"])
    return {**child, "node": node, "pid": pid, "children": []}


def find_branch(trees: Iterable[dict[str, Any]], pid: Pid) -> dict[str, Any] | None:
    """Return the part of `trees` that begins with the supervisor `pid`."""
    for tree in trees:
        if tree["pid"] == str(pid) and tree["kind"] == "supervisor":
            return tree
        found = find_branch(tree["children"], pid)
        if found is not None:
            return found
    return None
