"""When a fault strikes, and for how long."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

from hypothesis import strategies as st

from resilkit import validate
from resilkit.chaos.library import SHORTEST
from resilkit.errors import InvalidArgument
from resilkit.testing.strategies.defining import defines

__all__ = ["Run", "timetables"]

_TICKS = 100
"""Into how many steps a run is divided: the last one is too late for a strike (`LAST_STRIKE`)."""


@dataclass(frozen=True, slots=True)
class Run:
    """The run into which strikes must fit.

    Attributes:
        duration: Seconds that it takes.
        quiet: Seconds at its end by which all must have healed; 0: nothing must.
        repeats: How many times one fault strikes at most.
    """

    duration: float
    quiet: float
    repeats: int

    @classmethod
    def of(cls, duration: object, quiet: object, max_repeats: object) -> Self:
        """Check the options that say when faults can strike.

        Raises:
            InvalidArgument: One is wrong; the path is its name.
        """
        length = validate.number(duration, "duration", low=SHORTEST, high=validate.LONGEST_DURATION)
        rest = validate.duration(quiet, "quiet")
        if cls(length, rest, 1).ticks < 1:
            raise InvalidArgument(
                "leaves no time for faults",
                path="quiet",
                value=quiet,
                allowed=f"seconds, at most 99 % of the duration of {length:g}",
            )
        repeats = validate.number(max_repeats, "max_repeats", low=1, high=_TICKS, integer=True)
        return cls(length, rest, repeats)

    @property
    def ticks(self) -> int:
        """The steps before the quiet end."""
        return int(round(_TICKS * (1.0 - self.quiet / self.duration), 6))

    @property
    def last(self) -> int:
        """The last step at which something may strike."""
        return min(self.ticks, _TICKS - 1) - 1

    def seconds(self, ticks: int) -> float:
        """Return so many steps in seconds, without digits that nobody wrote."""
        return float(f"{ticks * self.duration / _TICKS:.9g}")

    def draw(self, draw: st.DrawFn) -> dict[str, Any]:
        """Draw one timetable."""
        first = draw(st.integers(0, self.last))
        strikes = draw(st.integers(1, min(self.repeats, 1 + self.last - first)))
        gap = draw(st.integers(1, (self.last - first) // (strikes - 1))) if strikes > 1 else 0
        # A strike heals before the next one, and before the quiet end. One alone may last.
        room = self.ticks - first - gap * (strikes - 1)
        lengths = st.integers(1, min(room, gap) if gap else room)
        may_last = not gap and not self.quiet
        length = draw(st.none() | lengths if may_last else lengths)
        table: dict[str, Any] = {"at": self.seconds(first)}
        if gap:
            table |= {"every": self.seconds(gap), "count": strikes}
        return table if length is None else {**table, "duration": self.seconds(length)}

    def length(self, table: dict[str, Any]) -> float:
        """Return how many seconds a strike of the timetable lasts in this run."""
        return float(table.get("duration", self.duration - table["at"]))


@defines
def timetables(
    *, duration: float = 10.0, quiet: float = 0.0, max_repeats: int = 3
) -> Callable[[st.DrawFn], dict[str, Any]]:
    """Draw when a fault strikes in a run: the fields that all faults share, by name.

    ``Latency(0.02, 0.2, **timetable)`` is a fault of that timetable. It has `at`, `duration` unless
    the fault lasts to the end, and `every` and `count` where it strikes several times. Moments are
    hundredths of the run. It shrinks to one strike at 0 that lasts.

    Args:
        duration: Seconds that the run takes, at least 0.1.
        quiet: Seconds at the end of the run by which all has healed; 0: what strikes once may last
            to the end.
        max_repeats: How many times the fault strikes at most. Each strike heals before the next.

    Raises:
        InvalidArgument: An option is out of range.

    Examples:
        >>> from hypothesis import find
        >>> find(timetables(), lambda table: True)
        {'at': 0.0}
        >>> find(timetables(quiet=2.0), lambda table: table["at"] > 3.0)
        {'at': 3.1, 'duration': 0.1}
        >>> find(timetables(), lambda table: "every" in table)
        {'at': 0.0, 'every': 0.1, 'count': 2, 'duration': 0.1}
    """
    return Run.of(duration, quiet, max_repeats).draw
