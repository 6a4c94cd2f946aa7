"""What faults are asked with, and what they answer: small records that any backend carries out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from resilkit.records import readable

__all__ = [
    "ChildrenRule",
    "MessageView",
    "NodeAction",
    "Pressure",
    "ServerRule",
    "Signal",
    "Skew",
    "Slowdown",
]


class MessageView(Protocol):
    """What a fault sees of a message on a link."""

    @property
    def kind(self) -> str:
        """``"call"``, ``"cast"``, ``"info"``, ``"reply"`` or ``"signal"``."""

    @property
    def source(self) -> str:
        """The sending node."""

    @property
    def target(self) -> str:
        """The receiving node."""

    @property
    def size_bytes(self) -> int:
        """The encoded size, or 0 unless the fault sets `LinkFault.needs_size`."""


@readable
@dataclass(frozen=True, slots=True)
class Signal:
    """One thing to do to a node's process, and how to take it back.

    Args:
        node: The node's name.
        signal: ``"kill"`` (SIGKILL), ``"stop"`` (orderly), ``"pause"`` (SIGSTOP), ``"resume"``
            or ``"restart"``.
        undo_after: Seconds until the undo of this signal runs by itself, whatever the others
            wait for; ``None``: when the injection heals.
    """

    node: str
    signal: Literal["kill", "stop", "pause", "resume", "restart"]
    undo_after: float | None = None

    @property
    def undo(self) -> tuple[Literal["restart", "resume"], ...]:
        """What healing does to the node, in order; nothing for a restart or a resume."""
        if self.signal in {"kill", "stop"}:
            return ("restart",)
        return ("resume",) if self.signal == "pause" else ()


@readable
@dataclass(frozen=True, slots=True)
class Skew:
    """How to put the clocks off that the servers of a node read; healing puts them right.

    Args:
        node: The node's name.
        offset: Seconds by which they are ahead at once; negative for behind.
        drift: Seconds that they gain each second after that; negative for lose.
        undo_after: As of `Signal`.
    """

    node: str
    offset: float = 0.0
    drift: float = 0.0
    undo_after: float | None = None

    @property
    def undo(self) -> tuple[Literal["set_right"]]:
        """What healing does to the node."""
        return ("set_right",)


@readable
@dataclass(frozen=True, slots=True)
class Slowdown:
    """How many times slower a node is to do everything; healing lets it be as fast as before.

    Args:
        node: The node's name.
        factor: More than 1.
        undo_after: As of `Signal`.
    """

    node: str
    factor: float
    undo_after: float | None = None

    @property
    def undo(self) -> tuple[Literal["speed_up"]]:
        """What healing does to the node."""
        return ("speed_up",)


NodeAction = Signal | Skew | Slowdown
"""What a fault may do to a node."""


@readable
@dataclass(frozen=True, slots=True, kw_only=True)
class ServerRule:
    """What the runtime does to a server that is hit.

    Args:
        reason: The exit reason: the server ends with it as if its handler had raised.
        after_calls: Crash on handling the call or cast after that many; ``None`` for no counting.
        share: The chance of a crash for each message that fits; ``None``: certain.
        method: Only messages for this method fit; ``None`` for all.
    """

    reason: str = "chaos"
    after_calls: int | None = None
    share: float | None = None
    method: str | None = None

    @property
    def at_once(self) -> bool:
        """Whether the crash waits for no message."""
        return self.after_calls is None and self.share is None and self.method is None


@readable
@dataclass(frozen=True, slots=True, kw_only=True)
class ChildrenRule:
    """What is done to the children of a supervisor while the fault is in.

    Args:
        supervisor: The supervisor's name.
        rate: Kills a second; the gaps are drawn as of a Poisson process.
        whole_tree: Whether the servers below nested supervisors are hit too.
        targets: Which children each kill hits, by id.
    """

    supervisor: str
    rate: float
    whole_tree: bool = False
    targets: str | int | Sequence[str] = "one"


@readable
@dataclass(frozen=True, slots=True, kw_only=True)
class Pressure:
    """What a node's process should hold or burn.

    Args:
        kind: ``"memory"``, ``"cpu"`` or ``"open_files"``.
        share: The share of the limit to reach, from 0 to 1.
        limit: The limit, in bytes or files; ``None`` for the one that the system enforces.
        workers: Processes that burn (CPU only).
        ramp: Seconds over which the pressure rises evenly; 0 for at once.
    """

    kind: Literal["memory", "cpu", "open_files"]
    share: float
    limit: int | None = None
    workers: int = 1
    ramp: float = 0.0

    @property
    def options(self) -> dict[str, object]:
        """The fields that mean something for the kind."""
        options: dict[str, object] = {"share": self.share, "ramp": self.ramp}
        return options | (
            {"workers": self.workers} if self.kind == "cpu" else {"limit": self.limit}
        )
