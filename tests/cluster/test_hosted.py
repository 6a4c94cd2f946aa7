"""What a launcher does for one cluster, where the machine starts no process."""

from __future__ import annotations

import os
from typing import Any

import pytest

from resilkit.clock import monotonic
from resilkit.cluster.hosted import HostedCluster, Member
from resilkit.cluster.restart import RestartPolicy


@pytest.fixture
def told() -> list[dict[str, Any]]:
    """What the notebook is told."""
    return []


@pytest.fixture
def hosted(told: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> HostedCluster:
    """A cluster with a node that has no process, on a machine that has no room for one."""

    def no_room() -> int:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", no_room)
    made = HostedCluster(told.append, pipes=(0, 0), children={})
    made._hello = {"argv": [], "sys_path": [], "cwd": "/", "env": {}, "folder": "/"}
    policy = RestartPolicy(max_restarts=2, max_seconds=60.0).to_dict()
    made._members["n1"] = Member(
        {"name": "n1", "entry": "m:f", "limits": {}, "env": {}, "restart": policy,
         "incarnation": 1}, b"",
    )  # fmt: skip
    return made


def ticked(hosted: HostedCluster) -> float:
    """Let the next instant come at which there is something to do; return it."""
    due = hosted.next_due()
    assert due is not None
    hosted.tick(due)
    return due


def test_a_process_that_cannot_be_started_is_tried_again_and_then_given_up(
    hosted: HostedCluster, told: list[dict[str, Any]]
) -> None:
    began = monotonic()
    hosted.handle({"do": "restart", "id": 5, "name": "n1", "after": 0.0}, b"")
    asked = monotonic()
    first, *others = (ticked(hosted) for _ in range(3))
    assert began <= first <= asked
    assert [time - first for time in others] == pytest.approx([0.1, 0.2])
    assert hosted.next_due() is None
    assert [one.get("event", one.get("re")) for one in told] == ["fork_failed"] * 3 + [5, "gave_up"]
    assert "cannot start it" in told[3]["error"]
    assert (told[4]["restarts"], told[4]["max_seconds"]) == (2, 60.0)


@pytest.mark.parametrize("do", ["hold", "end"])
def test_nothing_is_started_any_more_for_a_node_that_is_held_or_ends(
    hosted: HostedCluster, told: list[dict[str, Any]], do: str
) -> None:
    hosted.handle({"do": "restart", "id": 5, "name": "n1", "after": 0.0}, b"")
    if do == "end":
        hosted.end()
    else:
        hosted.handle({"do": "hold", "id": 6, "name": "n1"}, b"")
    assert hosted.next_due() is None
    assert told[0]["re"] == 5
    assert "error" in told[0]
