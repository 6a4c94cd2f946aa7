"""Between nodes: links and what faults say about them, the codec, and the socket transport."""

from __future__ import annotations

from resilkit.network.verdicts import PASS, Deliver, Drop, Duplicate, Message, Pass, Verdict

__all__ = ["PASS", "Deliver", "Drop", "Duplicate", "Message", "Pass", "Verdict"]


def __dir__() -> list[str]:
    return sorted(__all__)
