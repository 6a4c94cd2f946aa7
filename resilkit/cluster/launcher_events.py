"""What a launcher tells about its children. Times are monotonic seconds of this machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = [
    "Exited",
    "ForkFailed",
    "Forked",
    "GaveUp",
    "LauncherDied",
    "LauncherEvent",
    "NotSlowed",
    "Undone",
    "read_event",
]


@dataclass(frozen=True, slots=True)
class Forked:
    """A node has a process now.

    Attributes:
        again: Whether the launcher started it anew, after a restart was asked for or by policy.
        start_time: With `pid` it names this process for good; see `processes.start_time`.
    """

    name: str
    pid: int
    incarnation: int
    again: bool
    start_time: float
    time: float


@dataclass(frozen=True, slots=True)
class Exited:
    """A node's process has ended and is reaped, with all that it had started.

    Attributes:
        status: Its exit status; ``None`` when a signal ended it.
        signal: The number of that signal, or ``None``.
        error: The traceback, when its set-up or entry function raised.
        restarting: Whether the launcher will start it again by itself.
    """

    name: str
    pid: int
    incarnation: int
    status: int | None
    signal: int | None
    error: str
    restarting: bool
    time: float


@dataclass(frozen=True, slots=True)
class GaveUp:
    """A node stays down: its policy allows no more restarts within `max_seconds`."""

    name: str
    restarts: int
    max_seconds: float
    time: float


@dataclass(frozen=True, slots=True)
class ForkFailed:
    """A restart was not possible just now: the machine has no process or memory left."""

    name: str
    error: str
    time: float


@dataclass(frozen=True, slots=True)
class NotSlowed:
    """A node that started again is as fast as ever, though a fault wants it slow.

    Attributes:
        key: Whose doing it was.
        error: Why its undo could not be written down.
    """

    name: str
    key: str
    error: str
    time: float


@dataclass(frozen=True, slots=True)
class Undone:
    """An entry of the undo journal was carried out because the cluster ended.

    Attributes:
        outcome: ``"done"``, ``"gone"`` (nothing was left to undo) or ``"failed"``.
    """

    key: str
    entry: dict[str, Any]
    outcome: str
    reason: str


@dataclass(frozen=True, slots=True)
class LauncherDied:
    """The launcher is gone, and every node of this cluster with it."""

    reason: str


LauncherEvent = Forked | Exited | GaveUp | ForkFailed | NotSlowed | Undone | LauncherDied

_EVENTS: dict[str, type[LauncherEvent]] = {
    "forked": Forked,
    "exited": Exited,
    "gave_up": GaveUp,
    "fork_failed": ForkFailed,
    "not_slowed": NotSlowed,
    "undone": Undone,
}


def read_event(message: dict[str, Any]) -> LauncherEvent:
    """Return the event in a message of the launcher."""
    fields = dict(message)
    return _EVENTS[fields.pop("event")](**fields)
