"""Faults that are over at once are moments in pictures, whatever time carrying one out took."""

from __future__ import annotations

import pytest

from resilkit.faults import Fault, Latency, NodeCrash, ServerCrash
from resilkit.faults.documents import to_dict
from resilkit.metrics.event_bands import event_bands
from resilkit.metrics.events import EventLog

Span = tuple[float, float | None]


def spans(parameters: object, *strikes: Span, fault: str = "x", moments: bool = True) -> list[Span]:
    log = EventLog()
    for number, (start, end) in enumerate(strikes):
        about = {"id": f"{fault}-{number}", "fault": fault}
        log.append(
            start, "fault", "injected", target="a", detail=about | {"parameters": parameters}
        )
        if end is not None:
            log.append(end, "fault", "healed", target="a", detail=about)
    return [(band.start, band.end) for band in event_bands(log.frame(), moments=moments)]


def test_every_strike_of_a_crash_is_a_moment_however_many_milliseconds_it_took() -> None:
    crash = to_dict(ServerCrash(every=5.0, targets="a"))
    assert spans(crash, (1.0, 1.001), (6.0, 6.9), (11.0, None)) == [
        (1.0, 1.0), (6.0, 6.0), (11.0, 11.0),
    ]  # fmt: skip
    assert spans(crash, (1.0, 1.001), moments=False) == [(1.0, 1.001)], "what recovery is told by"


def test_a_strike_that_waited_for_its_target_is_no_moment() -> None:
    assert spans(to_dict(ServerCrash(targets="a")), (1.0, 3.5)) == [(1.0, 3.5)]


@pytest.mark.parametrize(
    "fault",
    [ServerCrash(after_calls=3, targets="a"), NodeCrash(restart_after=0.1), Latency(0.1, 0.2)],
    ids=lambda fault: type(fault).__name__,
)
def test_what_lasts_ends_when_it_was_healed_however_soon(fault: Fault) -> None:
    assert spans(to_dict(fault), (1.0, 1.01), (2.0, None)) == [(1.0, 1.01), (2.0, None)]


@pytest.mark.parametrize("parameters", [None, 3, {}, {"of_somebody_else": {}}, {"latency": {}}])
def test_of_a_fault_that_nobody_knows_it_is_not_said_that_it_is_over_at_once(
    parameters: object,
) -> None:
    assert spans(parameters, (1.0, 1.01)) == [(1.0, 1.01)]
