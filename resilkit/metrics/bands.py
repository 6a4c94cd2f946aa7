"""Faults as bands of time: what figures shade and what recovery is measured from."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple, cast

from resilkit.errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pandas import DataFrame

__all__ = ["FaultBand", "fault_bands"]


class FaultBand(NamedTuple):
    """One fault on the clock.

    Attributes:
        start: When it went in (seconds).
        end: When it was healed (seconds); ``None`` for one that never was: it lasts to the end
            of what is looked at. An instant ends when it starts.
        label: What to call it.
        kind: The fault's registered name, e.g. ``"partition"``; equal kinds look alike.
    """

    start: float
    end: float | None
    label: str
    kind: str


def fault_bands(faults: DataFrame | Iterable[tuple[object, ...]] | None) -> list[FaultBand]:
    """Read faults from a frame or from tuples, and sort them by their start.

    Args:
        faults: A frame with columns ``start``, ``end``, ``label``, ``kind``, or tuples in that
            order; an end that is ``None`` or NaN means that it was never healed. ``None`` means no
            faults.

    Returns:
        The bands.

    Raises:
        InvalidArgument: A column is missing, a start is not finite, or an end comes before it.

    Examples:
        >>> fault_bands([(3.0, float("nan"), "crash n2", "node_crash")])
        [FaultBand(start=3.0, end=None, label='crash n2', kind='node_crash')]
    """
    if faults is None:
        return []
    rows: Iterable[tuple[object, ...]]
    if hasattr(faults, "columns"):  # pandas is not loaded for this
        frame = cast("DataFrame", faults)
        missing = [name for name in FaultBand._fields if name not in frame.columns]
        if missing:
            raise InvalidArgument("columns are missing", path="faults", value=missing)
        rows = frame[list(FaultBand._fields)].itertuples(index=False, name=None)
    else:
        rows = faults
    bands = [_band(place, tuple(row)) for place, row in enumerate(rows)]
    return sorted(bands, key=lambda band: (band.start, band.label))


def _band(place: int, row: tuple[object, ...]) -> FaultBand:
    path = f"faults[{place}]"
    try:
        start, end, label, kind = row
        begin = float(start)  # type: ignore[arg-type] # a wrong type is what we are here to find
        finish = None if end is None else float(end)  # type: ignore[arg-type]
    except (TypeError, ValueError) as error:
        raise InvalidArgument(
            "not a fault", path=path, value=row, allowed="(start, end or None, label, kind)"
        ) from error
    if finish is not None and math.isnan(finish):
        finish = None
    if not math.isfinite(begin) or (finish is not None and finish < begin):
        raise InvalidArgument(
            "not a span of time", path=path, value=(begin, finish), allowed="start <= end, finite"
        )
    return FaultBand(begin, finish, str(label), str(kind))
