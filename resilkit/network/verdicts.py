"""What a fault may say about one message on a link."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from resilkit import validate
from resilkit.records import readable

__all__ = [
    "HOLD",
    "PASS",
    "Deliver",
    "Drop",
    "Duplicate",
    "Hold",
    "Message",
    "Pass",
    "Verdict",
]


@readable
@dataclass(frozen=True, slots=True)
class Pass:
    """No objection: the next fault is asked, and in the end the message goes as it is."""


@readable
@dataclass(frozen=True, slots=True)
class Deliver:
    """Deliver the message later.

    Args:
        after: Seconds from now, at least 0.
        reorder: Let later messages overtake it; otherwise they wait behind it, as on a real link.
        queued: The link is busy with it for `after` seconds, and takes on the next message of this
            fault only then: how a bandwidth works, where a latency holds many at a time.
    """

    after: float
    reorder: bool = False
    queued: bool = False

    def __post_init__(self) -> None:
        validate.duration(self.after, "Deliver.after")


@readable
@dataclass(frozen=True, slots=True)
class Drop:
    """Lose the message."""


@readable
@dataclass(frozen=True, slots=True)
class Duplicate:
    """Deliver the message, and copies of it.

    Args:
        copies: How many copies besides the message itself, at least 1.
        after: Seconds after which the copies come.
    """

    copies: int = 1
    after: float = 0.0

    def __post_init__(self) -> None:
        validate.number(self.copies, "Duplicate.copies", low=1, integer=True)
        validate.duration(self.after, "Duplicate.after")


@readable
@dataclass(frozen=True, slots=True)
class Hold:
    """Keep the message on the link until the fault that says so is taken off.

    What is sent later waits behind it. When the fault goes, all that it kept goes at once, in
    order. Delays and copies that other faults ask for count from the sending: what was delayed by
    less than it was kept goes with the others.
    """


PASS: Final = Pass()
"""The verdict of a fault that leaves a message alone."""

HOLD: Final = Hold()
"""The verdict of a fault that keeps a message on its link."""

Verdict = Pass | Deliver | Drop | Duplicate | Hold


@dataclass(slots=True)
class Message:
    """What a fault sees of a message.

    Attributes:
        kind: ``"call"``, ``"cast"``, ``"info"``, ``"reply"`` or ``"signal"``.
        source: The sending node.
        target: The receiving node.
        size_bytes: The encoded size, or 0 unless the fault sets ``needs_size``.
    """

    kind: str
    source: str
    target: str
    size_bytes: int = 0
