"""How long a message is under way on a healthy link."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

from resilkit import amounts, validate
from resilkit.errors import InvalidArgument
from resilkit.records import readable

if TYPE_CHECKING:
    from random import Random

__all__ = ["DISTRIBUTIONS", "LinkLatency"]

_KEYS = ("low", "high", "distribution")
DISTRIBUTIONS = ("uniform", "constant", "normal", "exponential")


@validate.strict
@readable
@dataclass(frozen=True, slots=True)
class LinkLatency:
    """How long a message is under way on a healthy link, beyond what the machine itself takes.

    Args:
        low: Seconds, the least.
        high: Seconds, the most; ``None`` for the same as `low`.
        distribution: Where in between: ``"uniform"``; ``"constant"`` (always `low`, which must
            be `high` too); ``"normal"`` around the middle, its ends three deviations away;
            ``"exponential"`` from `low`, with a mean of a fifth of the way to `high`.
            Draws past an end are set to that end.

    Raises:
        InvalidArgument: An end is no duration, they are in the wrong order, the distribution is
            unknown, or a constant one has two ends.

    Examples:
        >>> from resilkit import rng
        >>> 0.001 <= LinkLatency(0.001, 0.005).sample(rng.stream(7, "link")) <= 0.005
        True
    """

    low: float
    high: float | None = None
    distribution: Literal["uniform", "constant", "normal", "exponential"] = "uniform"

    def __post_init__(self) -> None:
        clean = _clean({key: getattr(self, key) for key in _KEYS}, "latency")
        for key, value in clean.items():
            object.__setattr__(self, key, value)

    def validated(self) -> Self:
        """Return this latency: it was checked whole when it was made."""
        return self

    def sample(self, rng: Random) -> float:
        """Return the seconds that one message takes, drawn from `rng`."""
        low, high = self.low, self.low if self.high is None else self.high
        match self.distribution:
            case "constant":
                return low
            case "uniform":
                return rng.uniform(low, high)
            case "normal":
                drawn = rng.gauss((low + high) / 2, (high - low) / 6)
            case "exponential":
                drawn = low + (rng.expovariate(5 / (high - low)) if high > low else 0.0)
        return min(max(drawn, low), high)

    @classmethod
    def of(cls, value: object, path: str = "latency") -> Self | None:
        """Return the latency that `value` stands for.

        Args:
            value: ``None`` for none; seconds; a pair ``(low, high)``; a mapping; a latency.
            path: Where it stands.

        Raises:
            InvalidArgument: It stands for none.

        Examples:
            >>> LinkLatency.of((0.001, 0.005))
            LinkLatency(low=0.001, high=0.005, distribution='uniform')
        """
        if value is None:
            return None
        if isinstance(value, cls):
            return value
        if isinstance(value, dict):
            return cls.from_dict(value, path)
        if isinstance(value, tuple | list) and len(value) == 2:
            return cls(**_clean({"low": value[0], "high": value[1]}, path))
        try:
            seconds = amounts.parse_duration(value, path)
        except InvalidArgument as error:
            allowed = "None, seconds, a pair (low, high) or a LinkLatency"
            raise InvalidArgument(error.message, path=path, value=value, allowed=allowed) from None
        return cls(seconds, seconds, "constant")

    def to_dict(self) -> dict[str, Any]:
        """Return the latency for a manifest."""
        return asdict(self)

    @classmethod
    def from_dict(cls, mapping: object, path: str = "latency") -> Self:
        """Read a latency from a file's mapping; durations may be text such as ``"5 ms"``.

        Raises:
            InvalidArgument: A key is missing or unknown, or a value is wrong.
        """
        given: dict[str, Any] = validate.known_keys(mapping, path, _KEYS)
        if "low" not in given:
            raise InvalidArgument("is missing", path=f"{path}.low", allowed="seconds >= 0")
        for key in ("low", "high"):
            if given.get(key) is not None:
                given[key] = amounts.parse_duration(given[key], f"{path}.{key}")
        return cls(**_clean(given, path))


def _clean(given: dict[str, Any], path: str) -> dict[str, Any]:
    low = validate.duration(given["low"], f"{path}.low")
    end = given.get("high")
    high = low if end is None else validate.duration(end, f"{path}.high")
    distribution = given.get("distribution", "uniform")
    shape = validate.choice(distribution, f"{path}.distribution", DISTRIBUTIONS)
    if high < low:
        allowed = f"seconds >= low, which is {low:g}"
        raise InvalidArgument("is less than low", path=f"{path}.high", value=high, allowed=allowed)
    if shape == "constant" and high != low:
        message = "must be low, or be left out, when the distribution is constant"
        raise InvalidArgument(message, path=f"{path}.high", value=high, allowed=f"{low:g}")
    return {"low": low, "high": high, "distribution": shape}
