"""What a server has pending: timers yet to fire, and callers yet to be answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from resilkit.errors import InvalidArgument
from resilkit.runtime import reasons
from resilkit.runtime.context import require_current
from resilkit.runtime.kinds import SETTLED

if TYPE_CHECKING:
    import asyncio

    from resilkit.runtime.messages import Pid
    from resilkit.runtime.server_process import ServerProcess

__all__ = ["Deferred", "Timer", "two_answers"]


class Timer:
    """A message that is yet to come; see `Server.send_after`."""

    __slots__ = ("_handle", "_process")

    def __init__(self, process: ServerProcess) -> None:
        self._process = process
        self._handle: asyncio.TimerHandle | None = None

    def __repr__(self) -> str:
        if self._handle is None:
            return "<timer: over>"
        left = max(0.0, self._handle.when() - self._process.loop.time())
        return f"<timer of {self._process.label}: in {left:.3g} s>"

    def start(self, delay: float, message: Any) -> None:
        """Send `message` after `delay` seconds."""
        self._handle = self._process.loop.call_later(delay, self._fire, message)

    def cancel(self) -> None:
        """See to it that the message does not come; too late is no error."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
            self._process.timers.pop(self, None)

    def _fire(self, message: Any) -> None:
        self._handle = None
        self._process.timers.pop(self, None)
        if self._process.alive:
            self._process.info(message)


class Deferred:
    """A caller that waits for its answer; may be kept, and sent to other servers."""

    __slots__ = ("caller", "owner", "reference")

    def __init__(self, caller: str, reference: int, owner: Pid | None) -> None:
        self.caller = caller
        self.reference = reference
        self.owner = owner

    def reply(self, value: Any = None) -> None:
        """Answer. A second answer is dropped."""
        self._answer(value, is_error=False)

    def fail(self, error: BaseException) -> None:
        """Raise `error` at the caller."""
        self._answer(reasons.portable(error), is_error=True)

    def _answer(self, value: Any, *, is_error: bool) -> None:
        owner = self.owner
        if owner is None:
            return
        process = require_current()
        if not process.alive:
            return
        node = process.node
        # The caller waits for an answer of the node that it called, wherever this comes from.
        node.answer_for(owner.node, self.caller, self.reference, value, is_error=is_error)
        node.signal(owner, (SETTLED, owner.number, self.caller, self.reference))

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Deferred):
            return (self.caller, self.reference, self.owner) == (
                other.caller, other.reference, other.owner,
            )  # fmt: skip
        return NotImplemented

    def __hash__(self) -> int:
        # The same in every process, so that a set of them has one order everywhere.
        return hash(self.reference)

    def __repr__(self) -> str:
        return f"<deferred reply to {self.caller}>" if self.owner else "<deferred reply to nobody>"

    def __reduce__(self) -> Any:
        return (Deferred, (self.caller, self.reference, self.owner))


def two_answers(method: str, value: object) -> InvalidArgument:
    """Return the error of a handler that took a `Deferred` and answers all the same."""
    return InvalidArgument(
        f"{method} took a Deferred, and returned an answer besides",
        path="reply",
        value=value,
        allowed="NO_REPLY, when the answer is to come through what defer() gave",
    )
