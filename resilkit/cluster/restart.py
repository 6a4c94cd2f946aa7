"""What happens when a node's process ends by itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self, cast

from resilkit import amounts, validate
from resilkit.records import readable

__all__ = ["MODES", "RestartPolicy"]

MODES = ("never", "always", "on_crash")


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
