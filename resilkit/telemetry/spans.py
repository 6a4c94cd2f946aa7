"""Spans: a stretch of work that says when it starts and how it ends."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Self

from resilkit.clock import monotonic, wall
from resilkit.telemetry.events import emit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

__all__ = ["span"]

_numbers = itertools.count(1)


class span:  # noqa: N801 - reads as the verb it is: `with span(...)`
    """Emit ``EVENT.start`` on entry, then ``EVENT.stop`` or ``EVENT.exception`` on leaving.

    Measurements of the start are ``time`` (monotonic seconds) and ``wall`` (seconds since 1970);
    of the end, ``time`` and ``duration`` (seconds), and whatever was put into `measurements`.
    All three carry the same metadata plus ``span``, a number of its own in this process. An
    exception, a cancellation included, goes on; its event has ``error`` (the exception).

    Works in ``async`` code also: use plain ``with`` around the awaits.

    Args:
        event: A dotted name without the suffix.
        metadata: What the span is about.

    Attributes:
        metadata: A dictionary that may be added to inside the block; the last event shows it.
        measurements: Numbers to add to the last event.

    Examples:
        >>> from resilkit.telemetry import attach, detach
        >>> attach("doc-span", "work.**", lambda event, numbers, about: print(event, about["part"]))
        >>> with span("work", {"part": 1}):
        ...     pass
        work.start 1
        work.stop 1
        >>> detach("doc-span")
        True
    """

    __slots__ = ("_began", "event", "measurements", "metadata")

    def __init__(self, event: str, metadata: Mapping[str, Any] | None = None) -> None:
        self.event = event
        self.metadata: dict[str, Any] = dict(metadata or {})
        self.measurements: dict[str, Any] = {}
        self._began = 0.0

    def __enter__(self) -> Self:
        """Emit the start."""
        self.metadata["span"] = next(_numbers)
        self._began = began = monotonic()
        # A copy: a listener may keep what it was given while the block goes on adding.
        emit(f"{self.event}.start", {"time": began, "wall": wall()}, dict(self.metadata))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Emit how it ended; the exception, if any, goes on."""
        ended = monotonic()
        numbers = {**self.measurements, "time": ended, "duration": ended - self._began}
        if error is None:
            emit(f"{self.event}.stop", numbers, self.metadata)
        else:
            emit(f"{self.event}.exception", numbers, {**self.metadata, "error": error})
