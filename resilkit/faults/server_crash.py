"""Server crash: a server ends as if its handler had raised."""

from __future__ import annotations

from resilkit.faults.answers import ServerRule
from resilkit.faults.base import ServerFault
from resilkit.faults.fields import Count, Share
from resilkit.faults.registry import register_fault

__all__ = ["ServerCrash"]


@register_fault("server_crash")
class ServerCrash(ServerFault):
    """Crashes servers: at once, or when they get a message.

    They end with a reason that is not normal: supervisors start them again, but temporary ones.
    Without `after_calls`, `share` and `method` the server crashes at once, when the injection
    takes place. Otherwise the injection waits for messages: those that fit `method`, after
    `after_calls` of them, each with the chance `share`. A server that its supervisor restarts
    is hit again while the injection lasts: the counting begins anew.

    Applies to: servers by name, wherever they run; ``targets="matching:counter-*"`` takes many.
    Draws (``"one"``, ``"all"``, a number) leave supervisors out, which trap exits: name those.
    Healing: no more crashes; restarting is the supervisor's work, not the fault's.
    Deterministic: moments, targets and draws, given the seed and the order of the messages.

    Args:
        after_calls: Crash on handling the call or cast after that many; ``None``: do not count.
        share: The chance of a crash for each message that fits; ``None``: every one that fits.
        method: Only calls and casts of this method fit; ``None``: all.
        reason: The exit reason. ``"kill"`` cannot be trapped and becomes ``"killed"``.

    Examples:
        >>> ServerCrash(after_calls=100, targets="counter-0")
        ServerCrash(after_calls=100, targets='counter-0')
        >>> ServerCrash(every=5.0).rule().at_once
        True
    """

    inert_at_zero = ("share",)

    after_calls: Count | None = None
    share: Share | None = None
    method: str | None = None
    reason: str = "chaos"

    def rule(self) -> ServerRule:
        """Crash, at once or on a message."""
        return ServerRule(
            reason=self.reason,
            after_calls=self.after_calls,
            share=self.share,
            method=self.method,
        )
