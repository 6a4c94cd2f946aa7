"""When which kinds of fault were in: the time cut up such that in each part it is the same ones."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

from resilkit.metrics.bands import FaultBand

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["SEVERAL", "Stretch", "finish", "is_instant", "passing", "several", "stretches"]

SEVERAL: Final = ""
"""Stands for the kind where several are in: no name of a fault is empty."""
_SEVERAL_WORDS: Final = "several at once"
_INSTANT = 3.0  # pixels: what is shorter is drawn as an instant
_STANDING = 0.95
"""The share of the time axis from which on a fault is a condition of the run, and no part of it."""


class Stretch(NamedTuple):
    """A part of the time in which faults of one kind are in, or of several."""

    begin: float
    end: float
    kind: str


def finish(band: FaultBand) -> float:
    """Return when a fault ended; infinity when it was never healed."""
    return math.inf if band.end is None else band.end


def is_instant(band: FaultBand, seconds_a_pixel: float) -> bool:
    """Return whether a fault is too short to be seen as a bar."""
    return finish(band) - band.start < _INSTANT * seconds_a_pixel


def passing(
    bands: Sequence[FaultBand], start: float, end: float, seconds_a_pixel: float
) -> list[FaultBand]:
    """Return the faults whose time is shaded.

    Neither instants are, nor what lasts all the time, where there is more: it would tell no time
    from another. Both stand in the lane all the same.
    """
    spans = [band for band in bands if not is_instant(band, seconds_a_pixel)]
    found = [
        band
        for band in spans
        if min(end, finish(band)) - max(start, band.start) < _STANDING * (end - start)
    ]
    return found or spans


def stretches(
    bands: Sequence[FaultBand], start: float, end: float, seconds_a_pixel: float
) -> list[Stretch]:
    """Return when faults of which kind were in, within `start` to `end`.

    Args:
        bands: The faults that are shaded.
        start: Where the time axis begins (seconds).
        end: Where it ends.
        seconds_a_pixel: How much time a pixel stands for. What is too short to be seen is left to
            what stands beside it: one fault that ends as another begins may do so a moment later.
    """
    turns: list[tuple[float, int, str]] = []
    for band in bands:
        begin, until = max(start, band.start), min(end, finish(band))
        if until > begin:
            turns += [(begin, 1, band.kind), (until, -1, band.kind)]
    found: list[Stretch] = []
    active: Counter[str] = Counter()
    since = start
    for time, step, kind in sorted(turns):
        kinds = [name for name, count in active.items() if count > 0]
        if not kinds:
            since = time
        elif time - since >= _INSTANT * seconds_a_pixel:
            _add(found, Stretch(since, time, kinds[0] if len(kinds) == 1 else SEVERAL))
            since = time
        active[kind] += step
    return found


def _add(found: list[Stretch], new: Stretch) -> None:
    if found and found[-1].kind == new.kind and found[-1].end == new.begin:
        new = new._replace(begin=found.pop().begin)
    found.append(new)


def several(
    bands: Sequence[FaultBand], start: float, end: float, seconds_a_pixel: float
) -> list[FaultBand]:
    """Return when faults of several kinds were in at once, as bands for the lane, the key."""
    spans = passing(bands, start, end, seconds_a_pixel)
    return [
        FaultBand(each.begin, each.end, _SEVERAL_WORDS, SEVERAL)
        for each in stretches(spans, start, end, seconds_a_pixel)
        if each.kind == SEVERAL
    ]
