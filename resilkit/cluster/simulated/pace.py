"""How many times slower a simulated node is, by all the faults that slow it."""

from __future__ import annotations

import math

__all__ = ["Pace"]


class Pace:
    """The pace of one node over all its starts: what `resilkit.cluster.slowing` is to a process.

    Of several faults the factors multiply. Time in which the node stands or does not run at all
    makes nobody slow.

    Examples:
        >>> pace = Pace()
        >>> pace.goes(0.0)
        >>> pace.slow("slow_node-1", 3.0, 0.0)
        >>> pace.slow("slow_node-2", 4.0, 1.0)
        >>> pace.factor
        12.0
        >>> round(pace.end("slow_node-2", 2.0), 3)
        12.0
    """

    __slots__ = ("_factors", "_goes", "_passed", "_ran", "_since")

    def __init__(self) -> None:
        self._factors: dict[str, tuple[float, float, float]] = {}  # with what had run, and passed
        self._goes = False
        self._since = self._ran = self._passed = 0.0

    @property
    def keys(self) -> list[str]:
        """The faults for which it is slow."""
        return list(self._factors)

    @property
    def factor(self) -> float:
        """How many times slower it is; 1 where no fault slows it."""
        return math.prod(factor for factor, _, _ in self._factors.values())

    def goes(self, now: float) -> None:
        """Take in that the node runs from now on."""
        self._count(now)
        self._goes = True

    def stands(self, now: float) -> None:
        """Take in that it was paused, or is gone."""
        self._count(now)
        self._goes = False

    def slow(self, key: str, factor: float, now: float) -> None:
        """Have it do everything `factor` times slower, for the fault `key`."""
        self._count(now)
        self._factors[key] = (factor, self._ran, self._passed)

    def end(self, key: str, now: float) -> float | None:
        """Slow it no more for the fault `key`.

        Returns:
            How many times slower it has been meanwhile, by all faults together; ``None`` where it
            did not run, or nothing is known of that fault.
        """
        self._count(now)
        last = self.factor
        found = self._factors.pop(key, None)
        if found is None:
            return None
        ran, passed = self._ran - found[1], self._passed - found[2]
        if ran > 0.0:
            return passed / ran
        return last if self._goes else None

    def _count(self, now: float) -> None:
        if self._goes:
            self._passed += now - self._since
            self._ran += (now - self._since) / self.factor
        self._since = now
