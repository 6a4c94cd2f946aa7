"""When a threshold is crossed: once it has been broken for long enough, and when it is back."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from resilkit.metrics.thresholds import Threshold

__all__ = ["Crossing", "Crossings", "Standing"]


class Crossing(NamedTuple):
    """A threshold that was crossed, or is back.

    Attributes:
        event: ``"raised"`` or ``"over"``.
        time: Seconds, on the clock of the samples.
        node: Whose sample it was.
        server: Whose on that node, ``""`` for all of it.
        value: The sample that decided it: the newest where there was none.
        since: When it was first broken, seconds.
        worst: The value furthest out since then.
        why: Why it is over: ``"back"``, or what became of the line; ``""`` for ``"raised"``.
    """

    event: str
    time: float
    node: str
    server: str
    value: float
    since: float
    worst: float
    why: str


class Standing(NamedTuple):
    """A line on which a threshold is crossed now; as in `Crossing`."""

    node: str
    server: str
    since: float
    value: float
    worst: float


class _Line:
    __slots__ = ("newest", "raised", "since", "value", "worst")

    def __init__(self, time: float, value: float) -> None:
        self.since = self.newest = time
        self.value = self.worst = value
        self.raised = False


class Crossings:
    """Follows one threshold on each line that it is about, sample by sample.

    A line is one metric of one node or server. It is raised once, with the first sample that is
    too much `hold` seconds or more after another, with none between that was not; it is over with
    the first one that is not. NaN says nothing.

    Args:
        threshold: What is too much.
        hold: Seconds, >= 0; 0: one sample is enough.
        gap: Seconds without a sample after which nobody knows what was between: the hold begins
            anew. A line that is raised stays so.

    Examples:
        >>> crossings = Crossings(Threshold.parse("queue_length > 10"), hold=1.0)
        >>> for time, length in [(0.0, 50), (0.5, 70), (1.0, 60), (1.5, 3)]:
        ...     if crossing := crossings.feed(time, "n1", "bank", length):
        ...         print(crossing.event, crossing.time, crossing.value, crossing.worst)
        raised 1.0 60.0 70.0
        over 1.5 3.0 70.0
    """

    def __init__(self, threshold: Threshold, *, hold: float = 0.0, gap: float = math.inf) -> None:
        self.threshold = threshold
        self.hold = hold
        self.gap = gap
        self._lines: dict[tuple[str, str], _Line] = {}
        self._concerned: dict[tuple[str, str], bool] = {}

    def feed(self, time: float, node: str, server: str, value: float) -> Crossing | None:
        """Take one sample; return what it changes."""
        key = (node, server)
        if (concerned := self._concerned.get(key)) is None:
            if len(self._concerned) >= _MOST_KNOWN:  # servers with ever new names
                self._concerned.clear()
            concerned = self._concerned[key] = self.threshold.concerns(node, server)
        if not concerned or math.isnan(value):
            return None
        value = float(value)
        line = self._lines.get(key)
        if line is not None and time < line.newest:
            return None  # it came late: what is known is newer
        if not self.threshold.broken_by(value):
            self._lines.pop(key, None)
            return None if line is None or not line.raised else _over(key, line, time, value)
        if line is None or (not line.raised and time - line.newest > self.gap):
            line = self._lines[key] = _Line(time, value)
        line.newest, line.value = time, value
        line.worst = (max if self.threshold.above else min)(line.worst, value)
        if line.raised or time - line.since < self.hold:
            return None
        line.raised = True
        return Crossing("raised", time, node, server, value, line.since, line.worst, "")

    def end(
        self, time: float, why: str, gone: Callable[[str, str], bool] = lambda _node, _server: True
    ) -> list[Crossing]:
        """Forget the lines that `gone` is true of, by node and server; return those that end."""
        ended = []
        for key in [key for key in self._lines if gone(*key)]:
            line = self._lines.pop(key)
            if line.raised:
                ended.append(_over(key, line, max(time, line.newest), line.value, why))
        return ended

    @property
    def standing(self) -> list[Standing]:
        """The lines on which it is raised now, by node and server."""
        return [
            Standing(*key, line.since, line.value, line.worst)
            for key, line in sorted(self._lines.items())
            if line.raised
        ]


_MOST_KNOWN = 10_000


def _over(
    key: tuple[str, str], line: _Line, time: float, value: float, why: str = "back"
) -> Crossing:
    return Crossing("over", time, *key, value, line.since, line.worst, why)
