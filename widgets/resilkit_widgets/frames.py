"""Samples as bytes for the front end: one time axis, and a column a line.

A frame is four unsigned 32-bit numbers (its sequence number, that of its layout, the number of
points, the number of columns), then the times as 64-bit floats, then the columns as 32-bit ones;
all in the machine's order of bytes, which is little-endian wherever a browser runs. NaN stands
where a line has no sample.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["GAP", "Line", "on_grid", "pack"]

Line = tuple["npt.NDArray[np.float64]", "npt.NDArray[np.float64]"]
"""Times in seconds, in order, and values."""

GAP = 3.0
"""A line is broken where samples are missing for so many times their usual distance."""


def on_grid(lines: Sequence[Line], *, start: float, end: float, points: int, apart: float) -> Grid:
    """Put lines that were sampled at times of their own on one time axis.

    At each point of the axis a line has its newest sample, and none where that is older than three
    times the distance between samples: a node that is down has no memory.

    Args:
        lines: Times (s) and values of each.
        start: The first point, in seconds on the clock of the times.
        end: The last one.
        points: How many there are, at least 2.
        apart: Seconds between two samples of a line.

    Returns:
        The times, float64 of the shape ``(points,)``, and the values, float32 of the shape
        ``(len(lines), points)``.

    Examples:
        >>> import numpy as np
        >>> times = np.array([0.0, 1.0, 2.0, 7.0])
        >>> axis, values = on_grid([(times, times * 10)], start=0.0, end=8.0, points=9, apart=1.0)
        >>> values[0].tolist()
        [0.0, 10.0, 20.0, 20.0, 20.0, nan, nan, 70.0, 70.0]
    """
    axis = np.linspace(start, end, points)
    values = np.full((len(lines), points), np.nan, np.float32)
    for row, (times, samples) in zip(values, lines, strict=True):
        if not times.size:
            continue
        newest = np.searchsorted(times, axis + 1e-9, side="right") - 1
        known = (newest >= 0) & (axis - times[newest] < GAP * apart)
        row[known] = samples[newest[known]]
    return axis, values


Grid = tuple["npt.NDArray[np.float64]", "npt.NDArray[np.float32]"]


def pack(
    sequence: int,
    layout: int,
    axis: npt.NDArray[np.float64],
    values: npt.NDArray[np.float32],
) -> bytes:
    """Return a frame.

    Args:
        sequence: Its number, 1 or more.
        layout: The number of the layout that says what the columns are.
        axis: Seconds, of the shape ``(points,)``.
        values: Of the shape ``(columns, points)``.

    Examples:
        >>> import numpy as np
        >>> len(pack(1, 1, np.zeros(2000), np.zeros((4, 2000), np.float32)))
        48016
    """
    head = np.array([sequence, layout, axis.size, len(values)], np.uint32)
    return head.tobytes() + axis.astype(np.float64).tobytes() + values.astype(np.float32).tobytes()
