"""How a cluster ends: step by step, and every step whatever becomes of those before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resilkit.errors import ClusterClosed
from resilkit.runtime import reasons

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from resilkit.cluster.session import Session

__all__ = ["end"]


async def end(session: Session) -> None:
    """End traces, heal, close connections, end every process; what never started is left out."""

    async def close_node() -> None:
        session.node.close(lambda: ClusterClosed("the cluster was closed"))

    await _step(session, session.traces.close)
    session.alerts.close()
    await _step(session, session.faults.close)
    if hasattr(session, "transport"):
        await _step(session, session.transport.close)
    if hasattr(session, "node"):
        await _step(session, close_node)
    if hasattr(session, "launcher"):
        await _step(session, session.launcher.close)
    for state in session.nodes.values():
        state.pid = None
        if state.status not in ("crashed", "killed"):
            state.status = "stopped"
    for callback in session.on_change:
        callback()


async def _step(session: Session, step: Callable[[], Awaitable[None]]) -> None:
    try:
        await step()
    except Exception as error:  # noqa: BLE001 - the steps after it have to be taken
        session.note("alert", "unclean_close", why=reasons.describe(error))
