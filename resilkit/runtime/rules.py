"""Rules by which a fault ends a server when a message comes; the runtime carries them out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from resilkit.runtime import reasons
from resilkit.runtime.kinds import CALL, CAST

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from resilkit.runtime.ports import Message

__all__ = ["CrashRule"]


class CrashRule:
    """Ends a server after some calls, or at each with a probability.

    Args:
        fault_id: Whose rule it is.
        rng: Where its chance comes from.
        after_calls: End it at the call after that many, once.
        probability: End it at each message with that chance, 0..1.
        method: Look only at messages to that method.
        reason: The exit reason; ``"kill"`` becomes ``"killed"``.
        struck: Called when it ends the server.
    """

    __slots__ = (
        "_rng",
        "_seen",
        "_struck",
        "after_calls",
        "fault_id",
        "method",
        "probability",
        "reason",
    )

    def __init__(
        self,
        fault_id: str,
        rng: random.Random,
        *,
        after_calls: int | None = None,
        probability: float | None = None,
        method: str | None = None,
        reason: Any = "killed",
        struck: Callable[[], None] | None = None,
    ) -> None:
        self.fault_id = fault_id
        self._rng = rng
        self._seen = 0
        self._struck = struck
        self.after_calls = after_calls
        self.probability = probability
        self.method = method
        self.reason = "killed" if reasons.is_text(reason, "kill") else reason

    def strike(self, message: Message) -> Any:
        """Return the reason to end with at this message, or ``None``."""
        kind = message[0]
        if kind not in (CALL, CAST) or (self.method is not None and message[2] != self.method):
            return None
        self._seen += 1
        if self.after_calls is not None and self._seen <= self.after_calls:
            return None
        if self.probability is not None and self._rng.random() >= self.probability:
            return None
        if self._struck is not None:
            self._struck()
        return self.reason
