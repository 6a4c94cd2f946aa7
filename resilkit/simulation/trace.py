"""What happened in a simulation, line by line."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, Self, overload

from resilkit.importing import whole
from resilkit.texts import plain

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["SimulationTrace", "TraceLine"]

_SHOWN = 12
"""Lines that a trace shows of itself at its beginning, and at its end."""


class TraceLine(NamedTuple):
    """One thing that happened in a simulation.

    Attributes:
        number: Its place in the trace, from 0.
        step: In which step of the simulation it happened: all that has its turn is a step, so two
            runs that agree in the lines until here and not in this took other ways between.
        time: When: virtual seconds.
        kind: ``"call"``, ``"cast"``, ``"info"``, ``"reply"`` or ``"signal"`` of a message that has
            arrived; ``"node"`` of what befell a node; else the kind of an event of the cluster's
            log: ``"fault"``, ``"supervision"``, ``"alert"``, ``"workload"``, or ``"event"`` where
            the log has it that something befell a node.
        source: Whose message, a node or a client; ``""`` of all else.
        target: To which node it came, or which one it befell.
        text: What it says: ``"[3] counter.increment(by=2)"``, say. The number before it tells
            which call a reply (``"[3] = 7"``) is for.
    """

    number: int
    step: int
    time: float
    kind: str
    source: str
    target: str
    text: str

    def __str__(self) -> str:
        way = f"{self.source} -> {self.target}" if self.source else self.target
        return f"{self.number:>6}  {self.time!r:<22} {self.kind:<11} {way:<18} {self.text}"

    @property
    def written(self) -> str:
        """The line as digests count it."""
        return "\t".join(
            (str(self.step), repr(self.time), self.kind, self.source, self.target, self.text)
        )

    @classmethod
    def read(cls, number: int, written: str) -> Self:
        """Return the line that was `written`."""
        step, time, *rest = written.split("\t", 5)
        return cls(number, int(step), float(time), *rest)


class SimulationTrace(Sequence[TraceLine]):
    """What happened in a simulation, line by line, as far as it was kept.

    Where all is as it should be, the lines of two runs with the same seed are the same, byte for
    byte. `resilkit.check_determinism` looks whether they are.

    Attributes:
        digest: A hash of all lines that there ever were, as hexadecimal text: equal where two
            traces are.

    Examples:
        >>> line = TraceLine(0, 5, 0.25, "node", "", "n1", "started")
        >>> print(SimulationTrace([packed([line.written])], lines=1))
             0  0.25                   node        n1                 started
    """

    def __init__(
        self,
        first: Sequence[bytes],
        last: Sequence[bytes] = (),
        *,
        lines: int,
        digest: str = "",
    ) -> None:
        self._parts = first, last
        self._count = lines
        self.digest = digest

    def __getstate__(self) -> dict[str, Any]:
        return {name: each for name, each in vars(self).items() if name != "_unpacked"}

    @cached_property
    def _unpacked(self) -> tuple[list[str], int]:
        """All lines, and how many of them stand before the gap."""
        first, last = ([line for part in parts for line in unpacked(part)] for parts in self._parts)
        return first + last, len(first)

    @property
    def dropped(self) -> int:
        """How many lines were not kept."""
        return self._count - len(self._unpacked[0])

    def _read(self, place: int) -> TraceLine:
        lines, before = self._unpacked
        return TraceLine.read(place if place < before else place + self.dropped, lines[place])

    def __len__(self) -> int:
        return len(self._unpacked[0])

    @overload
    def __getitem__(self, index: int) -> TraceLine: ...
    @overload
    def __getitem__(self, index: slice) -> list[TraceLine]: ...
    def __getitem__(self, index: int | slice) -> TraceLine | list[TraceLine]:
        """Return a line, or several."""
        places = range(len(self))[index]
        if isinstance(places, int):
            return self._read(places)
        return [self._read(place) for place in places]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SimulationTrace):
            return NotImplemented
        return self._count == other._count and self._unpacked == other._unpacked

    __hash__ = None  # type: ignore[assignment]

    def written(self) -> str:
        """Return all lines as one text, as digests count them: the same for the same run."""
        return "\n".join(self._unpacked[0])

    def frame(self) -> DataFrame:
        """Return the lines as a pandas frame.

        Returns:
            Columns ``number``, ``step`` (int64), ``time`` (float64, virtual seconds), ``kind``,
            ``source``, ``target`` and ``text``.
        """
        whole("pandas")
        import pandas as pd

        frame = pd.DataFrame(list(self), columns=list(TraceLine._fields))
        texts = dict.fromkeys(("kind", "source", "target", "text"), "str")
        return frame.astype({"number": "int64", "step": "int64", "time": "float64", **texts})

    def __str__(self) -> str:
        return "\n".join(map(str, self))

    def __repr__(self) -> str:
        lines = len(self)
        lost = f", {self.dropped:,} not kept" if self.dropped else ""
        head = f"<trace of {plain(lines, 'line')}{lost}, {self.digest or 'no digest'}>"
        if lines <= 2 * _SHOWN:
            return "\n".join([head, *map(str, self)])
        more = f"   ⋮    {lines - 2 * _SHOWN:,} more; print() shows all"
        return "\n".join([head, *map(str, self[:_SHOWN]), more, *map(str, self[-_SHOWN:])])

    def _repr_html_(self) -> str:
        from resilkit.simulation.trace_html import trace_html

        return trace_html(self, _SHOWN)


def packed(lines: Sequence[str]) -> bytes:
    """Return lines in a tenth of their space."""
    return zlib.compress("\n".join(lines).encode(), 1)


def unpacked(block: bytes) -> list[str]:
    """Return the lines that were `packed`."""
    return zlib.decompress(block).decode().split("\n")
