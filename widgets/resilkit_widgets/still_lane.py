"""Where several faults stand at once: a row for each, as `front/fault_lane.js` lays them out."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from resilkit_widgets.still_names import cut, pixels

__all__ = ["ROW", "LaneRow", "StillBand", "crowded", "is_moment", "lane_rows"]

ROW = 13
"""Pixels of a row."""
_MOMENT = 3.0
"""Pixels: what is shorter is a moment."""
_MOST_KINDS = 4
_MOST_ROWS = 7
_MOST_LETTERS = 40
_MARK = 5.0
_PAD = 4.0

Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class StillBand:
    """A fault, in seconds on the axis; ``end`` None while it goes on.

    ``colour`` is the number of its kind; see `resilkit.metrics.fault_looks`.
    """

    start: float
    end: float | None
    label: str
    colour: int

    @property
    def finish(self) -> float:
        """When it ended; infinity while it goes on."""
        return math.inf if self.end is None else self.end


@dataclass(slots=True)
class LaneRow:
    """A row of a lane: names, each with its bands, and what they take up.

    Attributes:
        names: A label, where it begins in pixels (``None``: there is no room for it), its bands,
            and whether it stands for all that found no room.
        taken: From where to where something is drawn.
    """

    names: list[tuple[str, float | None, list[StillBand], bool]] = field(default_factory=list)
    taken: list[Span] = field(default_factory=list)

    def has_room(self, wanted: Sequence[Span]) -> bool:
        """Return whether nothing that is there would be overlapped."""
        return not any(
            start < right + _PAD and end > left - _PAD
            for left, right in self.taken
            for start, end in wanted
        )


def is_moment(band: StillBand, seconds_a_pixel: float) -> bool:
    """Return whether a fault is too short to be seen as a bar."""
    return band.finish - band.start < _MOMENT * seconds_a_pixel


def crowded(bands: Sequence[StillBand], seconds_a_pixel: float) -> bool:
    """Return whether bands behind the lines would hide them and each other.

    So it is where two stand at once, and with more kinds than one can keep in mind.

    Examples:
        >>> one, other = StillBand(0.0, 5.0, "a", 0), StillBand(4.0, None, "b", 1)
        >>> crowded([one, other], 0.1), crowded([one], 0.1)
        (True, False)
    """
    if len({band.colour for band in bands}) > _MOST_KINDS:
        return True
    latest = -math.inf
    for band in sorted(bands, key=lambda band: band.start):
        if is_moment(band, seconds_a_pixel):
            continue
        if band.start < latest:
            return True
        latest = max(latest, band.finish)
    return False


def lane_rows(
    bands: Sequence[StillBand], x: Callable[[float], float], left: float, right: float
) -> list[LaneRow]:
    """Distribute faults over rows: those of one name share one.

    With many names others share it too, where neither bars nor names overlap.

    Args:
        bands: The faults, by start.
        x: The place of a time.
        left: Where the rows begin.
        right: Where they end.
    """

    def bar(band: StillBand) -> Span:
        start, end = (min(max(x(time), left), right) for time in (band.start, band.finish))
        return (start - _MARK, start + _MARK) if end - start < _MOMENT else (start, end)

    named: dict[str, list[StillBand]] = {}
    for band in bands:
        named.setdefault(band.label, []).append(band)
    many = len(named) > _MOST_ROWS
    rows: list[LaneRow] = []
    rest: dict[str, list[StillBand]] = {}
    for label, mine in named.items():
        bars = [bar(band) for band in mine]
        needed = pixels(cut(label, _MOST_LETTERS))
        text = _spot(bars, needed, left, right)
        taken = bars if text is None else [*bars, (text, text + needed)]
        row = next((row for row in rows if many and row.has_room(taken)), None)
        if row is None and len(rows) == _MOST_ROWS - many:
            rest[label] = mine
            continue
        if row is None:
            rows.append(row := LaneRow())
        row.names.append((label, text, mine, False))
        row.taken += taken
    if rest:
        alone = len(rest) == 1
        label = next(iter(rest)) if alone else f"{len(rest)} others"
        all_ = [band for mine in rest.values() for band in mine]
        all_ = all_ if alone else _joined(all_)
        text = _spot([bar(band) for band in all_], pixels(label), left, right)
        rows.append(LaneRow([(label, text, all_, not alone)]))
    return rows


def _joined(bands: Sequence[StillBand]) -> list[StillBand]:
    """Return one band for all that overlap."""
    whole: list[StillBand] = []
    for band in sorted(bands, key=lambda band: band.start):
        if whole and band.start <= whole[-1].finish:
            longer = max(whole[-1], band, key=lambda band: band.finish)
            whole[-1] = dataclasses.replace(whole[-1], end=longer.end)
        else:
            whole.append(band)
    return whole


def _spot(bars: Sequence[Span], needed: float, left: float, right: float) -> float | None:
    """Return where a name has room: in a bar, after the last, before the first, or between."""
    inside = next((start for start, end in bars if end - start >= needed + 2 * _PAD), None)
    if inside is not None:
        return inside + _PAD
    first, last = min(start for start, _ in bars), max(end for _, end in bars)
    if last + _PAD + needed <= right:
        return last + _PAD
    if first - _PAD - needed >= left:
        return first - _PAD - needed
    reached = bars[0][1]
    for start, end in bars[1:]:
        if start - reached >= needed + 2 * _PAD:
            return reached + _PAD
        reached = max(reached, end)
    return None
