"""What faults do, told while a run goes on."""

from __future__ import annotations

import sys
import threading

from resilkit import clock
from resilkit.experiment.live import News
from resilkit.metrics.events import EventLog

MEMORY = {"fault": "memory", "id": "memory-1"}
CRASH = {"fault": "node_crash", "id": "node_crash-2"}


def test_a_strike_that_takes_its_time_is_told_when_it_begins_and_when_it_is_in() -> None:
    log = EventLog()
    news, origin = News(log, lambda: 510.0), 500.0
    log.append(origin + 4.0, "fault", "begins", target="n1", detail=MEMORY)
    assert news.read(origin) == ((4.0, "memory begins to strike: n1"),)
    # Its event has the time of its beginning, after which other things happened.
    log.append(origin + 5.0, "fault", "injected", target="n2", detail=CRASH)
    log.append(origin + 4.0, "fault", "injected", target="n1", detail=MEMORY)
    (crash, memory) = news.read(origin)
    assert crash == (5.0, "node crash strikes: n2")
    assert memory[1] == "memory is wholly in: n1"
    assert memory[0] == 10.0, "as of now, and not in the past"


def test_a_strike_that_is_in_at_once_is_told_once_as_of_its_moment() -> None:
    log = EventLog()
    news, origin = News(log, clock.monotonic), clock.monotonic() - 10.0
    log.append(origin + 4.0, "fault", "injected", target="n1", detail=CRASH)
    assert news.read(origin) == ((4.0, "node crash strikes: n1"),)
    assert news.read(origin) == ()


def test_what_a_fault_did_while_it_was_put_in_is_told_after_its_beginning() -> None:
    log = EventLog()
    news = News(log, clock.monotonic)
    about = {"id": "server_crash-4", "fault": "server_crash"}
    back = {"id": "server_crash-4", "seconds": 0.002572}
    log.append(17.01, "fault", "came_back", target="shop", detail=back)
    log.append(17.0, "fault", "injected", target="shop", detail=about)
    assert news.read(10.0) == (
        (7.0, "server crash strikes: shop"),
        (17.01 - 10.0, "shop came back after 2.57 ms (server crash)"),
    )
    assert news.read(10.0) == ()


def test_each_event_is_told_once_also_while_another_thread_appends() -> None:
    many, log = 20_000, EventLog()
    news, told = News(log, clock.monotonic), []

    def append() -> None:
        for each in range(many):
            log.append(1.0, "fault", "skipped", target=f"t{each}")

    thread, usual = threading.Thread(target=append), sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        thread.start()
        while thread.is_alive():
            told += news.read(0.0)
        told += news.read(0.0)
    finally:
        sys.setswitchinterval(usual)
        thread.join()
    targets = [words.rpartition(" ")[2] for _, words in told]
    assert targets == [f"t{each}" for each in range(many)]


def test_a_strike_that_was_cut_short_is_not_told_to_be_wholly_in() -> None:
    log = EventLog()
    news = News(log, clock.monotonic)
    log.append(17.0, "fault", "begins", target="n1", detail=MEMORY)
    log.append(17.0, "fault", "injected", target="n1", detail=MEMORY | {"why": "healed early"})
    assert news.read(17.0)[-1][1] == "memory strikes: n1 (healed early)"
