"""Operations that are one call: sent, and ended by their reply, without a task."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from resilkit.runtime.context import ended, require_current
from resilkit.workload.operations import CallMethod
from resilkit.workload.recorder import Flight

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Context

    from resilkit.runtime.reference import Address
    from resilkit.workload.client import Client, User
    from resilkit.workload.operations import OperationFunction

    Land = Callable[[int, float, BaseException | None, Any], None]
    Sender = Callable[["Reply", User], None]

__all__ = ["Reply", "sender_of"]


class Reply(Flight):
    """A call under way: what its node gives the reply to, as it would to a future.

    Args:
        code: Of the operation.
        user: The user's index.
        intended: When it was due.
        token: What the loop knows it by.
        now: The clock.
        land: Told of its end.
    """

    __slots__ = ("_land", "_now", "_over", "_token")

    def __init__(  # noqa: PLR0917 - one for each operation
        self,
        code: int,
        user: int,
        intended: float,
        token: int,
        now: Callable[[], float],
        land: Land,
    ) -> None:
        self.code = code
        self.user = user
        self.intended = intended
        self.sent = now()
        self.task = None
        self._token = token
        self._now = now
        self._land = land
        self._over = False

    def done(self) -> bool:
        """Whether it has ended."""
        return self._over

    def set_result(self, value: object) -> None:
        """End it with a reply."""
        self._over = True
        self._land(self._token, self._now(), None, value)

    def set_exception(self, error: BaseException) -> None:
        """End it with an error."""
        self._over = True
        self._land(self._token, self._now(), error, None)

    def send(self, sender: Sender, user: User) -> None:
        """Make the call; what is wrong before it leaves ends it here and now."""
        try:
            sender(self, user)
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - of a user's function
            if not self._over:
                self.set_exception(error)


def sender_of(
    function: OperationFunction, client: Client | None, context: Context
) -> Sender | None:
    """Return what makes the call of an operation that is nothing else; of others, ``None``.

    The call is of the process that asks for this.

    Args:
        function: The operation's.
        client: The way into the system under load. Where its references do not follow their
            names, every operation has a task.
        context: What functions of the user are called in: each time in a copy of its own.
    """
    if not isinstance(function, CallMethod) or not getattr(client, "follows_names", False):
        return None
    process, method, timeout = require_current(), function.method, function.timeout

    def call(
        reply: Any, address: Address, args: tuple[Any, ...], kwargs: dict[str, Any] | None
    ) -> None:
        if not process.alive:
            raise ended(process)
        _ = process.node.call(address, method, args, kwargs, timeout, process, reply)

    if function.asks_the_user:

        def ask_and_send(reply: Reply, user: User) -> None:
            target, args, kwargs = context.copy().run(function.given, user)
            call(reply, user.whereis(target).address, args, kwargs or None)

        return ask_and_send
    address, args, kwargs = str(function.target), function.args, dict(function.kwargs) or None

    def send(reply: Reply, user: User) -> None:
        del user
        call(reply, address, args, kwargs)

    return send
