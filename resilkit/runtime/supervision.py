"""All supervisors of a node with their children, read without asking any of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from resilkit.runtime.server_process import ServerProcess
from resilkit.runtime.supervisor import Supervisor

if TYPE_CHECKING:
    from resilkit.runtime.children import Child
    from resilkit.runtime.node import Node

__all__ = ["supervision_rows"]


def supervision_rows(node: Node) -> list[dict[str, Any]]:
    """Return a row a supervisor that runs on `node`, in the order of their start.

    A supervisor that waits for a child to start answers nobody meanwhile; who looks at it wants to
    see just that.

    Returns:
        Rows of ``name``, ``label`` (as metrics call it), ``pid``, ``parent``, ``strategy``,
        ``max_restarts``, ``max_seconds``, ``queue`` (its messages that wait), ``messages`` (those
        it has handled) and ``children``: rows of ``id``, ``name``, ``label``, ``kind``, ``class``,
        ``status``, ``restart``, ``restarts``, ``pid``, ``queue`` and ``messages``; the last three
        are ``None`` while it does not run.
    """
    found = []
    for process in list(node.processes.values()):
        if not isinstance(process, ServerProcess):
            continue
        supervisor = process.server
        if isinstance(supervisor, Supervisor) and hasattr(supervisor, "_children"):
            spec = supervisor._spec
            found.append(
                {
                    "name": spec.name,
                    "label": process.label,
                    "pid": process.pid,
                    "parent": process.parent,
                    "strategy": spec.strategy,
                    "max_restarts": spec.max_restarts,
                    "max_seconds": spec.max_seconds,
                    "queue": len(process.mailbox),
                    "messages": process.handled,
                    "children": [_child(node, child) for child in supervisor._children],
                }
            )
    return found


def _child(node: Node, child: Child) -> dict[str, Any]:
    supervisor = child.kind == "supervisor"
    row: dict[str, Any] = {
        "id": child.id,
        "name": child.spec.name,
        "label": child.spec.name or child.id,
        "kind": child.kind,
        "class": "Supervisor" if supervisor else child.spec.server.__name__,  # type: ignore[union-attr]
        "status": child.status,
        "restart": child.spec.restart,
        "restarts": child.restarts,
        "pid": child.pid,
        "queue": None,
        "messages": None,
    }
    process = None if child.pid is None else node.processes.get(child.pid.number)
    if isinstance(process, ServerProcess):
        row.update(label=process.label, queue=len(process.mailbox), messages=process.handled)
    return row
