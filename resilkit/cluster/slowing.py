"""Processes that are made slow: stopped, and let go on, in turns so short that they seem slow."""

from __future__ import annotations

import math
import signal
from collections.abc import Callable

__all__ = ["Slowing"]

_PART = 0.002
"""Seconds of the shorter part of a turn: a poll can wait for no less than one thousandth."""

_MOST_TURNS = 4
"""Turns for which one that took too long is made up for. After more (somebody stopped the launcher,
say) the rest is forgotten: the process is neither to race for it nor to stand for it."""


class Slowing:
    """The pace of one process, which faults may slow.

    While one does, the process runs for a moment and stands still for `factor` - 1 such moments,
    again and again; of several faults the factors multiply. What a part of a turn takes too long
    is made up for by the next. A process that somebody paused stands still anyway: its turns wait.

    Args:
        send: Sends a signal to the process, if there is one.

    Attributes:
        due: When `tick` has something to do, in monotonic seconds; ``None``: never.

    Examples:
        >>> sent = []
        >>> pace = Slowing(sent.append)
        >>> pace.begins(0.0)
        >>> pace.slow("slow_node-1", 10.0, 0.0)
        >>> for time in (0.002, 0.021):
        ...     pace.tick(time)
        >>> [number.name for number in sent]
        ['SIGSTOP', 'SIGCONT']
    """

    __slots__ = (
        "_factors", "_owed", "_paused", "_ran", "_runs", "_send", "_since", "_standing", "_stood",
        "due",
    )  # fmt: skip

    def __init__(self, send: Callable[[signal.Signals], object]) -> None:
        self._send = send
        self._factors: dict[str, tuple[float, float, float]] = {}  # with what it had run, and stood
        self._runs = False
        self._paused = False
        self._standing = False
        self._since = 0.0
        self._owed = 0.0  # seconds that it has yet to stand
        self._ran = 0.0
        self._stood = 0.0
        self.due: float | None = None

    @property
    def keys(self) -> list[str]:
        """The faults for which it is slow."""
        return list(self._factors)

    @property
    def _factor(self) -> float:
        return math.prod(factor for factor, _, _ in self._factors.values())

    # What happens to the process -----------------------------------------------------------------

    def begins(self, now: float) -> None:
        """Take in that there is a process, which runs."""
        self._runs, self._paused, self._owed = True, False, 0.0
        self._turn(now)

    def ends(self, now: float) -> None:
        """Take in that the process has ended."""
        self._count(now)
        self._runs = self._standing = False
        self.due = None

    def paused(self, now: float) -> None:
        """Take in that somebody has stopped the process."""
        self._count(now)
        self._paused, self._standing, self.due = True, False, None

    def resumed(self, now: float) -> None:
        """Take in that somebody has let the process go on."""
        self._count(now)
        self._paused = False
        self._turn(now)

    # What faults want ----------------------------------------------------------------------------

    def slow(self, key: str, factor: float, now: float) -> None:
        """Have the process do everything `factor` times slower, for the fault `key`."""
        self._count(now)
        self._factors[key] = (factor, self._ran, self._stood)
        if self.due is None:
            self._turn(now)

    def end(self, key: str, now: float) -> float | None:
        """Slow the process no more for the fault `key`.

        Returns:
            How many times slower it has really been; ``None`` where it did not run meanwhile, or
            nothing is known of that fault.
        """
        self._count(now)
        found = self._factors.pop(key, None)
        if not self._factors:
            self.stop()
        if found is None:
            return None
        ran, stood = self._ran - found[1], self._stood - found[2]
        return (ran + stood) / ran if ran > 0.0 else None

    def stop(self) -> None:
        """Slow the process no more for anybody, whatever it was told, and let it go on."""
        if self._standing:
            self._send(signal.SIGCONT)
        self._factors.clear()
        self._standing, self.due, self._owed = False, None, 0.0

    # Turns ---------------------------------------------------------------------------------------

    def tick(self, now: float) -> None:
        """Stop the process, or let it go on, if that is due."""
        if self.due is None or now < self.due:
            return
        self._count(now)
        if self._standing:
            self._send(signal.SIGCONT)
            self._turn(now)
        elif self._owed > 0.0:
            self._send(signal.SIGSTOP)
            self._standing, self.due = True, now + self._owed
        else:
            self._turn(now)

    def _turn(self, now: float) -> None:
        """Begin a turn, in which the process runs first."""
        self._since, self._standing = now, False
        if not self._factors or not self._runs or self._paused:
            self.due = None
            return
        more = self._factor - 1.0
        self.due = now + max(_PART, _PART / more) + max(0.0, -self._owed) / more

    def _count(self, now: float) -> None:
        """Count the part of the turn that ends now."""
        if self.due is None:
            return
        spent, self._since = now - self._since, now
        more = self._factor - 1.0
        if self._standing:
            self._stood += spent
            self._owed -= spent
        else:
            self._ran += spent
            self._owed += spent * more
        most = _MOST_TURNS * max(_PART, _PART * more)
        self._owed = min(max(self._owed, -most), most)
