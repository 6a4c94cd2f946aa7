"""To start on a node what starts again with it. Loop thread only."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from resilkit.cluster.deployed import Deployed, forget_replaced
from resilkit.errors import CallTimeout, ResilkitError, StartFailed

if TYPE_CHECKING:
    from resilkit.cluster.session import Session
    from resilkit.runtime import ChildSpec, Pid, SupervisorSpec

__all__ = ["deploy"]

_GIVE_UP_TIMEOUT = 1.0


async def deploy(
    session: Session,
    spec: ChildSpec | SupervisorSpec,
    node: str,
    timeout: float | None = None,
) -> Pid:
    """Start `spec` on a node, now and whenever the node is started again.

    It takes the place of what had its name before, wherever that was. When whoever waits for it is
    cancelled, it is stopped, however far the node has come with it.

    Args:
        session: The cluster's inside.
        spec: What to start.
        node: The node to start it on.
        timeout: Seconds that it may take; the cluster's ``start_timeout`` when left out.

    Raises:
        StartFailed: Among others when it is not up after `timeout` seconds; then it is stopped.
    """
    limit = timeout or session.start_timeout
    key = session.new_key()
    deployed = session.nodes[node].deployed
    # There before it is up: it may have ended for good before its start has been answered.
    deployed[key] = Deployed(spec)
    try:
        pid: Pid
        pid, _ = await session.ask_agent(node, "start", spec, key, timeout=limit)
    except CallTimeout as error:
        deployed.pop(key, None)
        await _give_up(session, node, key)
        raise StartFailed(
            f"{spec.id!r} had not started on node {node} within {limit:g} s; it is stopped",
            reason=error,
        ) from None
    except asyncio.CancelledError:
        deployed.pop(key, None)
        # The node knows nothing of that: it has the order, and would carry it out.
        session.node.spawn_task(_give_up(session, node, key))
        raise
    except BaseException:
        deployed.pop(key, None)
        raise
    if key in deployed:
        deployed[key].pid = pid
        for name in dict.fromkeys([node, *forget_replaced(session.nodes, node, key)]):
            session.refresh_boot(name)
    return pid


async def _give_up(session: Session, node: str, key: str) -> None:
    with suppress(ResilkitError):
        # A node that does not answer now finds this when it goes on.
        await session.ask_agent(node, "give_up", key, timeout=_GIVE_UP_TIMEOUT)
