"""Injections as rows: what is told of one while it is there."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

import resilkit as rk
from resilkit_widgets.injection_rows import injection_row

STRUCK = {"time": 1.0, "targets": ["c"], "delivered": True}
ON_ITS_WAY = {"time": 1.0, "targets": ["c"], "delivered": False}
FAILED = ON_ITS_WAY | {"why": "n1 is down"}


def row(fault: rk.Fault, *outcomes: dict[str, Any], now: float = 1.1, **coming: Any) -> Any:
    """Return the row of an injection of which so much is known."""
    known: dict[str, Any] = {"active": bool(outcomes), "strikes_in": None, "heals_in": None}
    known |= coming
    one = SimpleNamespace(
        id="x-1", fault=fault, outcomes=list(outcomes), active=known["active"],
        coming=SimpleNamespace(strikes_in=known["strikes_in"], heals_in=known["heals_in"]),
    )  # fmt: skip
    return injection_row(one, "", now)  # type: ignore[arg-type]


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
