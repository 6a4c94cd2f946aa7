"""What a sequence diagram of a trial has: its messages, and the faults among them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from resilkit.cluster.trace_log import TraceMessage
from resilkit.metrics.event_bands import event_bands

if TYPE_CHECKING:
    from resilkit.testing.outcome import Outcome

__all__ = ["steps_of"]


def steps_of(outcome: Outcome) -> list[TraceMessage]:
    """Return the messages from when the operations began, and when faults began and ended.

    What is healed when all is over is none of them: nothing comes after it.
    """
    messages = outcome.since_the_first
    if not outcome._faulty:
        return messages
    last = messages[-1].time if messages else outcome.started
    return sorted([*_faults(outcome, last), *messages], key=lambda row: row.time)


def _faults(outcome: Outcome, last: float) -> Iterator[TraceMessage]:
    for band in event_bands(outcome.events.frame(), moments=True):
        if band.end is None or band.end >= outcome.started:
            # What strikes at 0 has struck when the operations begin.
            yield _step(max(band.start, outcome.started), band.label)
            if band.end is not None and band.start < band.end < last:
                yield _step(band.end, f"{band.label} ends")


def _step(time: float, text: str) -> TraceMessage:
    return TraceMessage(time, "", "fault", "", "", "", text, "", 0, None)
