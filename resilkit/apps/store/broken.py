"""A coordinator that is WRONG ON PURPOSE: it acknowledges a put before it has replicated it.

It is what "replicate in the background" means, a mistake that real systems made for speed. It
passes every test on a quiet day. Under node failures it loses writes that its clients were told
were safe, and the same experiment that passes the right coordinator must catch it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from resilkit.apps.store.coordination import Action, Coordination, Done, Failed
from resilkit.apps.store.protocol import Query, QuorumCall, Store

if TYPE_CHECKING:
    from resilkit.apps.store.coordination import _Open

__all__ = ["EarlyAck"]

_LINGER = 0.2


class EarlyAck(Coordination):
    """The rules with one fault: a put is `Done` when its version is chosen.

    The value stays in the coordinator's memory for 0.2 s, and then is replicated as it should
    have been at first. A node that crashes meanwhile takes all of these with it.
    """

    def _queried(self, operation: _Open, query: Query, now: float) -> list[Action]:
        if operation.kind == "get":
            return super()._queried(operation, query, now)
        request = self._next()
        version = (operation.quorum.highest().version[0] + 1, request)
        done = Done(operation.token, version, operation.value)
        operation.token = None
        operation.message = Store(request, query.key, version, operation.value)
        operation.quorum = QuorumCall(self._replicas)
        # The fault: not sent now. The first "repeat" will be the first time.
        operation.asked = operation.resend = now + _LINGER
        self._open[request] = operation
        return [done]

    def _stored(self, operation: _Open, store: Store) -> list[Action]:
        # Without a token, the client has its answer already.
        return [] if operation.token is None else super()._stored(operation, store)

    def expire(self, now: float, *, isolated: bool = False) -> list[Action]:
        """Do as the right rules do, but nobody hears of a failure after the acknowledgement."""
        return [
            action
            for action in super().expire(now, isolated=isolated)
            if not (isinstance(action, Failed) and action.token is None)
        ]
