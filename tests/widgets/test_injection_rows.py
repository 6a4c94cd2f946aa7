"""Injections as rows: what is told of one while it is there, and of one that has ended."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

import resilkit as rk
from resilkit.cluster.strike import HALTED
from resilkit_widgets.injection_rows import ended_row, injection_row

STRUCK = {"time": 1.0, "targets": ["c"], "delivered": True}
ON_ITS_WAY = {"time": 1.0, "targets": ["c"], "delivered": False}
FAILED = ON_ITS_WAY | {"why": "n1 is down"}


def injection(fault: rk.Fault, *outcomes: dict[str, Any], **coming: Any) -> Any:
    """Return an injection of which so much is known."""
    known: dict[str, Any] = {"active": bool(outcomes), "strikes_in": None, "heals_in": None}
    known |= coming
    return SimpleNamespace(
        id="x-1", fault=fault, outcomes=list(outcomes), active=known["active"],
        coming=SimpleNamespace(strikes_in=known["strikes_in"], heals_in=known["heals_in"]),
    )  # fmt: skip


def row(fault: rk.Fault, *outcomes: dict[str, Any], now: float = 1.1, **coming: Any) -> Any:
    """Return the row of such an injection."""
    return injection_row(injection(fault, *outcomes, **coming), "", now)


def hit(*targets: str, **more: Any) -> dict[str, Any]:
    """Return the outcome of a strike that came in there."""
    return {"time": 1.0, "targets": list(targets), "delivered": True} | more


def told(made: dict[str, Any]) -> tuple[str, str, str]:
    """Return what stands in the column of the state."""
    return made["state"], made["words"], made["when"]


def test_a_crash_of_a_server_is_never_told_to_be_in() -> None:
    crash = rk.faults.ServerCrash(every=1.0)
    assert told(row(crash, strikes_in=7.2)) == ("waiting", "waiting", "strikes in 8 s")
    three = [STRUCK] * 3
    assert told(row(crash, *three, strikes_in=0.4)) == (
        "waiting", "struck 3 times", "again in 0.4 s",
    )  # fmt: skip
    # While the fourth is on its way; of one that failed nobody says that it struck.
    fourth = row(crash, *three, ON_ITS_WAY, strikes_in=0.0)
    assert told(fourth) == ("waiting", "struck 3 times", "again now")
    assert told(row(crash, *three, FAILED)) == ("waiting", "struck 3 times", "")


def test_a_crash_whose_node_does_not_answer_is_on_its_way() -> None:
    made = row(rk.faults.ServerCrash(), ON_ITS_WAY, now=3.0)
    assert told(made) == ("active", "striking", "waits for its node to answer")


@pytest.mark.parametrize(
    ("outcomes", "coming", "when"),
    [
        ([STRUCK], {}, "until healed"),
        ([STRUCK], {"heals_in": 2.3, "strikes_in": 0.0}, "heals in 3 s, strikes again now"),
        ([ON_ITS_WAY], {}, "coming in"),
        ([], {"strikes_in": 0.3}, "strikes in 0.3 s"),
        ([STRUCK], {"active": False, "strikes_in": 4.0}, "strikes again in 4 s"),
    ],
)
def test_of_a_fault_that_lasts_it_is_told_how_long(
    outcomes: list[dict[str, Any]], coming: dict[str, Any], when: str
) -> None:
    assert row(rk.faults.Latency(0.0, 1.0), *outcomes, **coming)["when"] == when


def test_why_the_last_strike_failed_is_told() -> None:
    assert row(rk.faults.NodeCrash(), FAILED)["trouble"] == "n1 is down"
    assert row(rk.faults.NodeCrash(), FAILED, STRUCK)["trouble"] == ""


def test_strikes_are_those_that_struck_and_the_one_on_its_way() -> None:
    crash, latency = rk.faults.ServerCrash(every=1.0), rk.faults.Latency(0.0, 1.0, every=1.0)
    assert row(crash, STRUCK, STRUCK, FAILED)["strikes"] == 2
    assert row(crash, STRUCK, ON_ITS_WAY)["strikes"] == 1, "it has struck once so far"
    assert row(crash, STRUCK, ON_ITS_WAY, now=3.0)["strikes"] == 2
    assert row(latency, STRUCK, ON_ITS_WAY)["strikes"] == 2
    assert row(latency)["strikes"] == 0


def test_of_a_fault_that_has_ended_all_is_told_as_it_is_at_the_end() -> None:
    crash = rk.faults.ServerCrash(every=1.0, targets="c")
    assert ended_row(injection(crash, *[STRUCK] * 3)) == {
        "words": "✓ struck 3 times, over", "why": "", "strikes": 3, "where": "c", "places": "c",
    }  # fmt: skip
    last = ended_row(injection(crash, STRUCK, FAILED))
    assert (last["words"], last["strikes"]) == ("✓ struck once, over", 1)
    assert last["why"] == "the last strike failed: n1 is down"
    failed = ended_row(injection(crash, FAILED | {"error": OSError()}))
    assert (failed["words"], failed["why"], failed["strikes"]) == ("✗ failed", "n1 is down", 0)
    halted = ended_row(injection(crash, ON_ITS_WAY | {"why": HALTED}))
    assert (halted["words"], halted["why"]) == ("– taken back before it struck", "")


def test_a_crash_is_where_it_has_struck_each_time() -> None:
    crash = rk.faults.NodeCrash(every=2.0, count=2, restart_after=1.0)
    strikes = hit("n1", healed=2.0), hit("n3", healed=4.0)
    for made in (row(crash, *strikes), row(crash, hit("n1", healed=2.0), hit("n3"))):
        assert (made["where"], made["strikes"]) == ("n1, n3", 2)
    assert ended_row(injection(crash, *strikes))["where"] == "n1, n3"
    assert row(crash, *strikes, FAILED)["where"] == "n1, n3", "it did not strike there"
    assert row(crash, hit("n1"), ON_ITS_WAY | {"targets": ["n2"]})["where"] == "n1, n2"
    many = row(crash, *(hit(f"n{number}") for number in (1, 2, 1, 3, 4, 5, 6)))
    assert many["where"] == "n1, n2, n3, n4 and 2 more"
    assert many["places"] == "n1, n2, n3, n4, n5, n6"
    # Of all that a server crash aimed at it tells those that it reached.
    aimed = hit("a", "b", outcomes={"b": "died"})
    assert row(rk.faults.ServerCrash(), aimed)["where"] == "b"


def test_a_fault_that_is_in_is_there_alone_and_has_been_everywhere_in_the_end() -> None:
    latency = rk.faults.Latency(0.0, 1.0, every=2.0, duration=1.0)
    first, second = hit("n1", links=["n1-n2"], healed=2.0), hit("n2", links=["n2-n3"])
    assert row(latency, first, second)["where"] == "on n2 – n3"
    assert row(latency, first, second, active=False)["where"] == "on n1 – n2, n2 – n3"
    pause = rk.faults.NodePause(every=1.0, duration=5.0)
    assert row(pause, hit("n1"), hit("n2"))["where"] == "n1, n2", "both are in"
    assert row(pause, hit("n1", healed=3.0), hit("n2"))["where"] == "n2"
    assert row(pause)["where"] == ""
