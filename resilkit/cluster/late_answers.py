"""Answers that a server gives when work is done that takes its time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from resilkit.errors import InternalError, ResilkitError
from resilkit.runtime import NO_REPLY, reasons
from resilkit.runtime.server import process_of

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from resilkit.runtime import Server
    from resilkit.runtime.pending import Deferred

__all__ = ["answer_later"]


def answer_later(server: Server, work: Coroutine[Any, Any, Any]) -> Any:
    """Begin `work` beside what `server` does, and answer the present caller with what it returns.

    Returns:
        What the handler is to return.
    """

    async def answer(caller: Deferred) -> None:
        try:
            caller.reply(await work)
        except ResilkitError as error:
            caller.fail(error)
        except Exception as error:  # noqa: BLE001 - else the caller would wait for ever
            what = reasons.describe(error)
            caller.fail(InternalError(f"the work on this node failed: {what}"))

    process_of(server).node.spawn_task(answer(server.defer()))
    return NO_REPLY
