"""Whether and when a node's next process starts, without any process."""

from __future__ import annotations

from typing import Any

import pytest

from resilkit.cluster.restart import RestartLedger, RestartPolicy

CRASH, END, KILLED = 1, 0, -9


def ledger(mode: Any = "always", **options: Any) -> RestartLedger:
    return RestartLedger(RestartPolicy(mode, **{"delay": 0.5, **options}))


@pytest.mark.parametrize(
    ("mode", "status", "comes"),
    [
        ("never", CRASH, "stays down"),
        ("never", KILLED, "stays down"),
        ("on_crash", END, "stays down"),
        ("on_crash", CRASH, "restarts"),
        ("on_crash", KILLED, "restarts"),
        ("always", END, "restarts"),
        ("always", CRASH, "restarts"),
    ],
)
def test_the_policy_says_what_comes_after_an_end(mode: str, status: int, comes: str) -> None:
    made = ledger(mode)
    assert made.ended(status, 10.0) == comes
    assert made.due == (10.5 if comes == "restarts" else None)


def test_a_process_starts_once_when_it_is_due() -> None:
    made = ledger()
    made.ended(CRASH, 10.0)
    assert [made.start_now(time) for time in (10.4, 10.5, 10.6)] == [False, True, False]


def test_too_many_restarts_within_the_time_end_in_giving_up_and_older_ones_do_not_count() -> None:
    made = ledger(max_restarts=2, max_seconds=30.0)
    told = [made.ended(CRASH, time) for time in (10.0, 20.0, 39.9)]
    assert told == ["restarts", "restarts", "gives up"]
    assert made.restarts == 2
    assert made.ended(CRASH, 40.0) == "restarts"
    assert made.restarts == 2


def test_who_gives_up_has_nothing_due() -> None:
    made = ledger(max_restarts=0)
    assert made.ended(CRASH, 10.0) == "gives up"
    assert made.due is None


def test_what_is_held_stays_down_and_what_was_due_or_asked_for_is_not_any_more() -> None:
    made = ledger()
    made.ended(CRASH, 10.0)
    made.hold()
    assert made.due is None
    assert made.ended(CRASH, 11.0) == "stays down"
    asked = ledger()
    asked.ask(0.2, 10.0, running=True)
    asked.hold()
    assert asked.ended(KILLED, 11.0) == "stays down"


def test_who_asks_gets_a_process_though_it_was_held_and_the_policy_wants_none() -> None:
    made = ledger("never")
    made.hold()
    made.ask(0.2, 10.0, running=False)
    assert made.due == pytest.approx(10.2)


def test_who_asks_while_one_runs_gets_the_next_one_after_its_end_and_only_that() -> None:
    made = ledger("never")
    made.ask(0.2, 10.0, running=True)
    assert made.due is None
    assert made.ended(KILLED, 12.0) == "restarts"
    assert made.due == pytest.approx(12.2)
    made.start_now(12.2)
    assert made.ended(KILLED, 13.0) == "stays down"


def test_what_somebody_asked_for_does_not_count_and_earlier_restarts_do_not_any_more() -> None:
    made = ledger(max_restarts=1)
    made.ended(CRASH, 10.0)
    made.start_now(10.5)
    made.ask(0.0, 11.0, running=True)
    made.ended(KILLED, 11.0)
    assert made.restarts == 0
    made.start_now(11.0)
    assert made.ended(CRASH, 12.0) == "restarts"


def test_what_was_held_and_asked_for_is_under_its_policy_again() -> None:
    made = ledger()
    made.hold()
    made.ask(0.0, 10.0, running=False)
    made.start_now(10.0)
    assert made.ended(CRASH, 11.0) == "restarts"


def test_a_start_that_fails_is_tried_again_soon_and_counts_whoever_asked() -> None:
    made = ledger("never", max_restarts=2)
    told = [made.start_failed(time) for time in (10.0, 10.1, 10.2)]
    assert told == ["restarts", "restarts", "gives up"]
    again = ledger("never")
    again.start_failed(10.0)
    assert again.due == pytest.approx(10.1)
