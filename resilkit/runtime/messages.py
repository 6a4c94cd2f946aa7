"""What arrives at `Server.info`, and the small records that name processes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from resilkit.records import readable

if TYPE_CHECKING:
    from resilkit.runtime.reference import Reference

__all__ = ["NO_REPLY", "Down", "Exit", "NodeLost", "NodeUp", "Pid", "Published"]


class Pid(NamedTuple):
    """The identity of one process, never used twice.

    Attributes:
        node: The name of its node.
        number: Its number on that node.
        incarnation: How often the node had been started when the process was made.
    """

    node: str
    number: int
    incarnation: int

    def __str__(self) -> str:
        return f"<{self.node}.{self.number}.{self.incarnation}>"


@readable
@dataclass(frozen=True, slots=True)
class Down:
    """A monitored process has ended.

    Attributes:
        monitor: The number that `Server.monitor` returned.
        process: A reference to what ended (by its name, when it was monitored by name).
        reason: Why; ``"noproc"`` when it was not there, ``"noconnection"`` when its node was lost.
    """

    monitor: int
    process: Reference
    reason: Any


@readable
@dataclass(frozen=True, slots=True)
class Exit:
    """A linked process has ended, or somebody sent an exit signal; only for those that trap exits.

    Attributes:
        process: A reference to the sender.
        reason: Why.
    """

    process: Reference
    reason: Any


@readable
@dataclass(frozen=True, slots=True)
class Published:
    """Somebody published to a topic that matches a subscription.

    Attributes:
        topic: The full topic, e.g. ``"orders.new"``.
        payload: What was published.
    """

    topic: str
    payload: Any


@readable
@dataclass(frozen=True, slots=True)
class NodeUp:
    """A node can be reached (again). For servers that called `Server.monitor_nodes`.

    Attributes:
        node: Its name.
        majority: Whether this node and those that it reaches are now more than half of the cluster.
    """

    node: str
    majority: bool


@readable
@dataclass(frozen=True, slots=True)
class NodeLost:
    """A node cannot be reached any more: it died, was cut off, or fell silent.

    Attributes:
        node: Its name.
        majority: Whether this node and those that it reaches are now more than half of the cluster.
    """

    node: str
    majority: bool


class _NoReply:
    __slots__ = ()

    def __repr__(self) -> str:
        return "NO_REPLY"

    def __reduce__(self) -> str:
        return "NO_REPLY"


NO_REPLY: Final = _NoReply()
"""Return it from a handler that answers later, through what `Server.defer` gave it."""
