"""Which lines of a chart are shown when there are hundreds, and which of them have a colour."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

__all__ = ["LineChoice"]

_MOST_LINES = 40
"""Lines of a chart: more are a grey field, and cost the kernel and the browser for nothing."""
_MOST_NAMED = 6
"""Lines of a chart that have a colour and a name; the others stand back."""
_MOST_GONE = 1000
"""Lines that are gone and whose colours are remembered."""
_FADES = 20.0
"""Seconds after which a peak counts as half as high: a line is shown while its peak is in view."""
_RESTS = 2.0
"""Seconds for which lines stay, though others are larger by now: charts are made to be read."""

Key = tuple[str, str]


class LineChoice:
    """Chooses the lines of one chart: those that have a colour, and then the largest.

    Attributes:
        styles: Which colour and dashes each line has; -1 for one that stands back.
        of: How many lines there were to choose from.

    Examples:
        >>> choice = LineChoice()
        >>> len(choice.choose({("n1", f"s{number}"): 0.0 for number in range(300)}, now=1.0))
        40
        >>> choice.of
        300
    """

    def __init__(self) -> None:
        self.styles: dict[Key, int] = {}
        self.of = 0
        self._shown: frozenset[Key] = frozenset()
        self._changed = -math.inf
        self._peaks: dict[Key, float] = {}
        self._last = -math.inf

    def choose(self, newest: Mapping[Key, float], now: float) -> list[Key]:
        """Return which lines are shown, sorted.

        Args:
            newest: The newest value of every line that there is.
            now: The time of that, in seconds on any clock.
        """
        self.of = len(newest)
        self._dress(sorted(newest))
        self._remember(newest, now)
        if len(newest) <= _MOST_LINES:
            self._shown, self._changed = frozenset(newest), -math.inf
            return sorted(newest)
        here = self._shown & newest.keys()
        if len(here) < _MOST_LINES or now - self._changed >= _RESTS:
            # Where lines are as large as each other, those that are there stay.
            best = sorted(
                newest,
                key=lambda key: (
                    self.styles[key] < 0, -self._peaks[key], key not in here, key,
                ),
            )  # fmt: skip
            shown = frozenset(best[:_MOST_LINES])
            if shown != self._shown:
                self._shown, self._changed = shown, now
        return sorted(self._shown)

    def wear(self, key: Key, style: int) -> None:
        """Give a line a style that it has everywhere."""
        self.styles[key] = style

    def _dress(self, keys: Iterable[Key]) -> None:
        """Give colours to those that come first; one that is back has the one that it had."""
        keys = list(keys)
        if len(self.styles) > len(keys) + _MOST_GONE:  # servers with ever new names
            self.styles = {key: self.styles[key] for key in keys if key in self.styles}
        used = {self.styles.get(key, -1) for key in keys} - {-1}
        for key in keys:
            if self.styles.setdefault(key, -1) >= 0 or len(used) == _MOST_NAMED:
                continue
            # First the colours that nobody has had, then those of lines that are gone.
            had = set(self.styles.values())
            free = [style for style in range(_MOST_NAMED) if style not in used]
            style = next((each for each in free if each not in had), free[0])
            for other in [other for other, worn in self.styles.items() if worn == style]:
                del self.styles[other]
            self.styles[key] = style
            used.add(style)

    def _remember(self, newest: Mapping[Key, float], now: float) -> None:
        faded = 0.5 ** (max(now - self._last, 0.0) / _FADES)
        self._last = max(now, self._last)
        old = self._peaks
        self._peaks = {
            key: max(value if value == value else -math.inf, old.get(key, -math.inf) * faded)  # noqa: PLR0124
            for key, value in newest.items()
        }
