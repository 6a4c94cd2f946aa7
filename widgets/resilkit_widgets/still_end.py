"""Where charts that stay end: who reads for a while must not lose what was read about."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["still_end"]


def still_end(
    load: tuple[float, float] | None,
    *,
    faults: Iterable[float],
    others: Iterable[float],
    newest: float,
    window: float,
    after: float,
) -> float:
    """Return when a picture ends that is to show the last load, or a fault that came later.

    It ends soon after that. What belongs to it and ended later (the heal of a fault, the alert of a
    queue that was long) is there too, as far as the beginning stays in view.

    Args:
        load: When the last load began and ended; ``None``: there was none.
        faults: When faults began.
        others: When faults and alerts ended, and alerts were raised.
        newest: The newest sample; the end where nothing happened at all.
        window: Seconds that are shown.
        after: Seconds to show of the time after it.

    Examples:
        >>> def end(load, **happened):
        ...     return still_end(load, **happened, newest=500.0, window=60.0, after=3.0)
        >>> end((10.0, 40.0), faults=[20.0], others=[25.0])
        43.0
        >>> end((10.0, 40.0), faults=[20.0, 90.0], others=[95.0, 400.0])
        98.0
    """
    begun, ended = load or (float("-inf"), float("-inf"))
    if later := [time for time in faults if time > ended]:
        begun = ended = max(later)
    if ended == float("-inf"):
        return newest
    room = begun + window - after
    last = max([ended, *(time for time in others if time <= room)])
    return min(newest, last + after)
