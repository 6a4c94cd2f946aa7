"""When nodes were down that no fault had hit, read from the events."""

from __future__ import annotations

from resilkit.metrics.event_bands import outage_bands
from resilkit.metrics.events import EventLog


def log(*rows: tuple[float, str, str, str]) -> EventLog:
    made = EventLog()
    for time, kind, event, node in rows:
        made.append(time, kind, event, node=node if kind == "node" else "", target=node)
    return made


def bands(*rows: tuple[float, str, str, str]) -> list[tuple[float, float | None, str, str]]:
    return [tuple(band) for band in outage_bands(log(*rows).frame())]


def test_a_node_that_somebody_killed_is_down_until_it_runs_again():
    assert bands(
        (1.0, "node", "running", "n2"), (3.0, "node", "killed", "n2"),
        (3.5, "node", "started", "n2"), (4.0, "node", "running", "n2"),
        (9.0, "node", "stopped", "n2"),
    ) == [(3.0, 4.0, "n2 down", "node_down"), (9.0, None, "n2 down", "node_down")]  # fmt: skip


def test_a_pause_lasts_until_it_goes_on_and_a_kill_in_it_until_it_runs():
    assert bands((1.0, "node", "paused", "n1"), (2.0, "node", "resumed", "n1")) == [
        (1.0, 2.0, "n1 paused", "node_paused")
    ]
    assert bands((1.0, "node", "paused", "n1"), (2.0, "node", "killed", "n1")) == [
        (2.0, None, "n1 down", "node_down")
    ]


def test_what_a_fault_did_has_a_band_of_its_own_and_none_here():
    assert bands((1.0, "fault", "injected", "n1, n2"), (1.1, "node", "killed", "n2")) == []
    told_later = ((1.0, "node", "paused", "n2"), (1.001, "fault", "injected", "n2"))
    assert bands(*told_later) == []
    assert bands((1.0, "fault", "injected", "n1"), (1.1, "node", "killed", "n2")) != []
    late = bands((1.0, "fault", "injected", "n2"), (7.0, "node", "killed", "n2"))
    assert [band[0] for band in late] == [7.0], "that was somebody else"


def test_nodes_that_end_because_the_cluster_closes_are_no_outage_and_one_down_before_stays_so():
    rows = log(
        (3.0, "node", "killed", "n2"), (5.0, "node", "paused", "n3"),
        (9.0, "node", "stopped", "n1"), (9.1, "node", "resumed", "n3"),
        (9.2, "node", "stopped", "n3"),
    ).frame()  # fmt: skip
    assert [tuple(band) for band in outage_bands(rows, until=9.0)] == [
        (3.0, None, "n2 down", "node_down"), (5.0, 9.1, "n3 paused", "node_paused"),
    ]  # fmt: skip
    assert len(outage_bands(rows)) == 4


def test_no_events_are_no_bands():
    assert bands() == []
