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
    """Return the servers below a supervisor: child id to process numbers.

    In a whole tree two supervisors may each have a child of the same id.

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
    at = {one.pid: one for one in servers}
    waiting = [supervisor]
    while waiting:
        above = waiting.pop(0).server
        for pid, child_id in above.running if isinstance(above, Supervisor) else ():
            child = at.get(pid)
            if child is None:
                continue  # it has just ended
            if not isinstance(child.server, Supervisor):
                found.setdefault(child_id, []).append(child.number)
            elif whole_tree:
                waiting.append(child)
    return found
