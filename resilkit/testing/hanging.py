"""Servers that are there and do not answer, though nothing is broken any more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from resilkit.errors import CallTimeout, ResilkitError
from resilkit.runtime.kinds import SYSTEM
from resilkit.testing.failure import Failure

if TYPE_CHECKING:
    from resilkit.cluster.session import Session
    from resilkit.testing.performed import Performed

__all__ = ["hanging"]


def hanging(
    session: Session, history: Sequence[Performed], default: Any, *, timeout: float, began: float
) -> Failure | None:
    """Ask every server that an operation was for; return the first that does not answer.

    One that is gone is none of them: that may be as it should.

    Args:
        session: The cluster's inside.
        history: What was done.
        default: Whom operations are for which name nobody.
        timeout: Seconds that an answer may take.
        began: When the operations began, on the cluster's clock.
    """
    for address in dict.fromkeys(each.operation.to or default for each in history):
        try:
            session.thread.sync(_ask(session, address, timeout))
        except CallTimeout as error:
            message = f"{address} hangs: it is there, and has not answered at the end ({error})"
            time = session.clock.now() - began
            return Failure("unanswered", message, str(address), time, None, error)
        except ResilkitError:
            continue
    return None


async def _ask(session: Session, address: Any, timeout: float) -> None:
    await session.node.request(SYSTEM, address, "sync", None, timeout)
