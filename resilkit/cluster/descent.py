"""Who stands below a supervisor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resilkit.errors import Refused
from resilkit.runtime.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from resilkit.runtime.server_process import ServerProcess

__all__ = ["children_of"]


def children_of(
    supervisor: ServerProcess, servers: Sequence[ServerProcess], *, whole_tree: bool
) -> dict[str, list[int]]:
    """Return the servers below a supervisor: label to process numbers.

    In a whole tree two supervisors may each have a child of the same label.

    Args:
        supervisor: The supervisor.
        servers: All servers of its node.
        whole_tree: Whether those below nested supervisors count too.

    Raises:
        Refused: It is none.
    """
    if not isinstance(supervisor.server, Supervisor):
        raise Refused(f"{supervisor.label!r} is no supervisor, so it has no children")
    found: dict[str, list[int]] = {}
    waiting = [supervisor.pid]
    while waiting:
        parent = waiting.pop(0)
        for child in servers:
            if child.parent == parent:
                if not isinstance(child.server, Supervisor):
                    found.setdefault(child.label, []).append(child.number)
                elif whole_tree:
                    waiting.append(child.pid)
    return found
