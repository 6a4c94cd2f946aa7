"""Which lines of a chart are shown when there are hundreds, and which of them have a colour."""

from __future__ import annotations

import math
import threading
from collections.abc import Collection, Mapping

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
_CLEARLY = 2.0
"""Times as large as a line with a name must be one that takes its place."""
_SEEN = 0.05
"""The least share of the largest line that is seen to be apart from nothing."""

Key = tuple[str, str]


class LineChoice:
    """Chooses the lines of one chart, and the largest of them to have colours and names.

    A line keeps its colour while it has one. It has to give it to another only when that is twice
    as large, and every two seconds at most: with each change one learns the chart anew.

    One thread chooses; others may take a `copy` meanwhile.

    Attributes:
        styles: Which colour and dashes each line has; -1 for one that stands back.
        of: How many lines there were to choose from.

    Examples:
        >>> choice = LineChoice()
        >>> lines = {("n1", f"s{number}"): 0.0 for number in range(300)} | {("n2", "queue"): 9.0}
        >>> len(choice.choose(lines, now=1.0)), choice.of, choice.styles["n2", "queue"] >= 0
        (40, 301, True)
    """

    def __init__(self) -> None:
        # Its own, and held while nobody else is called: whoever takes a copy may have other locks.
        self._lock = threading.Lock()
        self.styles: dict[Key, int] = {}
        self.of = 0
        self._shown: frozenset[Key] = frozenset()
        self._changed = self._renamed = -math.inf
        self._peaks: dict[Key, float] = {}
        self._last = -math.inf

    def choose(
        self, newest: Mapping[Key, float], now: float, last: Collection[str] = ()
    ) -> list[Key]:
        """Return which lines are shown, sorted.

        Args:
            newest: The newest value of every line that there is.
            now: The time of that, in seconds on any clock.
            last: Servers that come after all others, and have a name only where one is left:
                supervisors, whose queues are no news.
        """
        with self._lock:
            self.of = len(newest)
            self._remember(newest, now)
            self._dress(newest, now, last)
            return self._chosen(newest, now, last)

    def copy(self) -> LineChoice:
        """Return a choice that goes on from here alone: what it chooses changes nothing here.

        Examples:
            >>> choice = LineChoice()
            >>> shown = choice.choose({("n1", "queue"): 1.0}, now=1.0)
            >>> other = choice.copy()
            >>> shown = other.choose({("n1", "mail"): 5.0}, now=2.0)
            >>> sorted(other.styles), sorted(choice.styles)
            ([('n1', 'mail'), ('n1', 'queue')], [('n1', 'queue')])
        """
        made = LineChoice()
        with self._lock:
            made.styles, made.of = dict(self.styles), self.of
            made._shown, made._peaks, made._last = self._shown, dict(self._peaks), self._last
            made._changed, made._renamed = self._changed, self._renamed
        return made

    def wear(self, key: Key, style: int) -> None:
        """Give a line a style that it has everywhere."""
        with self._lock:
            self.styles[key] = style

    def _chosen(self, newest: Mapping[Key, float], now: float, last: Collection[str]) -> list[Key]:
        """Return the lines that are shown, when it is known which of them have a name."""

        def order(key: Key) -> tuple[bool, Key]:
            return key[1] in last, key

        if len(newest) <= _MOST_LINES:
            self._shown, self._changed = frozenset(newest), -math.inf
            return sorted(newest, key=order)
        here = self._shown & newest.keys()
        named = {key for key in newest if self.styles[key] >= 0}
        if len(here) < _MOST_LINES or named - here or now - self._changed >= _RESTS:
            # Where lines are as large as each other, those that are there stay.
            best = sorted(
                newest,
                key=lambda key: (
                    key not in named, -self._peaks[key], key not in here, order(key),
                ),
            )  # fmt: skip
            shown = frozenset(best[:_MOST_LINES])
            if shown != self._shown:
                self._shown, self._changed = shown, now
        return sorted(self._shown, key=order)

    def _dress(self, newest: Mapping[Key, float], now: float, last: Collection[str]) -> None:
        """Give the colours that are free to the largest, and let the small give theirs up."""
        if len(self.styles) > len(newest) + _MOST_GONE:  # servers with ever new names
            self.styles = {key: self.styles[key] for key in newest if key in self.styles}
        named = [key for key in newest if self.styles.setdefault(key, -1) >= 0]
        back = [key for key in newest if self.styles[key] < 0]
        back.sort(key=lambda key: (key[1] in last, -self._peaks[key], key))
        free = _MOST_NAMED - len(named)
        # Those that get a colour at once get them by name: what is alike has the same everywhere.
        for key in sorted(back[:free], key=lambda key: (key[1] in last, key)):
            named.append(key)
            self._colour(named)
        del back[:free]
        if now - self._renamed < _RESTS or not back:
            return
        named.sort(key=lambda key: (key[1] not in last, self._peaks[key], key))
        for small, large in zip(named, back, strict=False):
            if not self._outgrown(small, large, last):
                break
            self.styles[large], self.styles[small] = self.styles[small], -1
            self._renamed = now

    def _colour(self, named: list[Key]) -> None:
        """Give the last of `named` a colour that no other has who is there."""
        # First the colours that nobody has had, then those of lines that are gone.
        used = {self.styles[key] for key in named}
        had = set(self.styles.values())
        free = [style for style in range(_MOST_NAMED) if style not in used]
        style = next((each for each in free if each not in had), free[0])
        for other in [other for other, worn in self.styles.items() if worn == style]:
            del self.styles[other]
        self.styles[named[-1]] = style

    def _outgrown(self, small: Key, large: Key, last: Collection[str]) -> bool:
        if (small[1] in last) != (large[1] in last):
            return small[1] in last
        peak, top = self._peaks[large], max(self._peaks.values())
        return peak > max(_CLEARLY * self._peaks[small], _SEEN * top, 0.0)

    def _remember(self, newest: Mapping[Key, float], now: float) -> None:
        faded = 0.5 ** (max(now - self._last, 0.0) / _FADES)
        self._last = max(now, self._last)
        old = self._peaks
        self._peaks = {
            key: max(value if value == value else -math.inf, old.get(key, -math.inf) * faded)  # noqa: PLR0124
            for key, value in newest.items()
        }
