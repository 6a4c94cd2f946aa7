"""What happens when a node's process ends by itself."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self, cast

from resilkit import amounts, validate
from resilkit.records import readable

__all__ = ["MODES", "Next", "RestartLedger", "RestartPolicy"]

MODES = ("never", "always", "on_crash")

Next = Literal["restarts", "gives up", "stays down"]
"""What comes after the end of a process."""

_ATTEMPT_AGAIN = 0.1
"""Seconds between two attempts when the machine cannot start a process right now."""


@validate.strict
@readable
@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """What happens when a node's process ends by itself, or is killed.

    A node that was told to stop stays down whatever its policy; so does one that has been
    restarted *more than* `max_restarts` times within `max_seconds`, until someone restarts it.

    Args:
        mode: ``"never"``; ``"on_crash"``: after a signal or an exit status other than 0;
            ``"always"``.
        delay: Seconds from the end of the process to the start of the next one.
        max_restarts: How many restarts are allowed within `max_seconds`; 0 allows none.
        max_seconds: Seconds, > 0.

    Raises:
        InvalidArgument: The mode is unknown, or a number is out of range.

    Examples:
        >>> RestartPolicy("on_crash", delay=0.5).to_dict()
        {'mode': 'on_crash', 'delay': 0.5, 'max_restarts': 5, 'max_seconds': 30.0}
    """

    mode: Literal["never", "always", "on_crash"] = "never"
    delay: float = 0.0
    max_restarts: int = 5
    max_seconds: float = 30.0

    def __post_init__(self) -> None:
        for key, value in _clean(asdict(self), "restart").items():
            object.__setattr__(self, key, value)

    def validated(self) -> Self:
        """Return this policy: it was checked whole when it was made."""
        return self

    @classmethod
    def of(cls, value: object, path: str = "restart") -> Self:
        """Return the policy that `value` stands for: a mode, a mapping, or a policy.

        Raises:
            InvalidArgument: It stands for none.

        Examples:
            >>> RestartPolicy.of("always").mode
            'always'
        """
        if isinstance(value, cls):
            return value
        if isinstance(value, dict):
            return cls.from_dict(value, path)
        mode = validate.choice(value, path, MODES)
        return cls(cast("Literal['never', 'always', 'on_crash']", mode))

    def to_dict(self) -> dict[str, Any]:
        """Return the policy for a manifest."""
        return asdict(self)

    @classmethod
    def from_dict(cls, mapping: object, path: str = "restart") -> Self:
        """Read a policy from a file's mapping; durations may be text such as ``"5 s"``.

        Raises:
            InvalidArgument: A key is unknown or a value is wrong; its path says which.
        """
        given: dict[str, Any] = validate.known_keys(mapping, path, _CHECKS)
        for key in ("delay", "max_seconds"):
            if key in given:
                given[key] = amounts.parse_duration(given[key], f"{path}.{key}")
        return cls(**_clean(given, path))


_CHECKS: dict[str, Callable[[Any, str], Any]] = {
    "mode": lambda value, path: validate.choice(value, path, MODES),
    "delay": validate.duration,
    "max_restarts": lambda value, path: validate.number(value, path, low=0, integer=True),
    "max_seconds": lambda value, path: validate.duration(value, path, allow_zero=False),
}


def _clean(given: dict[str, Any], path: str) -> dict[str, Any]:
    return {key: _CHECKS[key](value, f"{path}.{key}") for key, value in given.items()}


class RestartLedger:
    """Whether and when a node's next process starts: its policy, and the restarts so far.

    Whoever runs the processes tells it what happens, and starts one when it is `due`.

    Args:
        policy: What happens when a process ends by itself.

    Attributes:
        due: When the next process is to start, on the clock of the one who tells; ``None``: none
            is.

    Examples:
        >>> ledger = RestartLedger(RestartPolicy("on_crash", delay=0.5, max_restarts=1))
        >>> ledger.ended(1, now=10.0), ledger.due
        ('restarts', 10.5)
        >>> ledger.start_now(10.4), ledger.start_now(10.5)
        (False, True)
        >>> ledger.ended(1, now=11.0), ledger.due
        ('gives up', None)
    """

    __slots__ = ("_asked_after", "_held", "_history", "due", "policy")

    def __init__(self, policy: RestartPolicy) -> None:
        self.policy = policy
        self.due: float | None = None
        self._held = False  # told to stay down, whatever the policy says
        self._asked_after: float | None = None  # to come back once this process has ended
        self._history: deque[float] = deque()  # of restarts by policy

    @property
    def restarts(self) -> int:
        """How many restarts by the policy count at the moment."""
        return len(self._history)

    def hold(self) -> None:
        """Let it stay down, whatever the policy says, until somebody asks for it."""
        self._held, self.due, self._asked_after = True, None, None

    def ask(self, after: float, now: float, *, running: bool) -> None:
        """Take note that somebody wants another process; what has been does not count then.

        Args:
            after: Seconds from the end of the last process, or from now on where there is none.
            now: The time.
            running: Whether there is a process, which whoever tells this ends.
        """
        self._held = False
        self._history.clear()
        if running:
            self._asked_after = after
        else:
            self.due = now + after

    def ended(self, status: int, now: float) -> Next:
        """Take note that a process ended; return what comes next.

        Args:
            status: Its exit status, or the number of the signal that ended it, below 0.
            now: The time.
        """
        if self._asked_after is not None:
            self.due, self._asked_after = now + self._asked_after, None
            return "restarts"
        mode = self.policy.mode
        if self._held or mode == "never" or (mode == "on_crash" and status == 0):
            return "stays down"
        return self._restarts(now, self.policy.delay)

    def start_failed(self, now: float) -> Next:
        """Take note that the machine could not start a process, which is tried again some times."""
        return self._restarts(now, _ATTEMPT_AGAIN)

    def _restarts(self, now: float, delay: float) -> Next:
        history, policy = self._history, self.policy
        while history and history[0] <= now - policy.max_seconds:
            history.popleft()
        if len(history) >= policy.max_restarts:
            return "gives up"
        history.append(now)
        self.due = now + delay
        return "restarts"

    def start_now(self, now: float) -> bool:
        """Return whether a process is to start now; it is due no more then."""
        if self.due is None or self.due > now:
            return False
        self.due = None
        return True
