"""The chaos panel's picture that stays."""

from __future__ import annotations

import json
import re
from typing import Any

from resilkit.metrics.events import EventLog
from resilkit_widgets.still_chaos import still_chaos

HOSTILE = "<img src=x onerror=alert(1)>"


def log(*rows: tuple[float, str, dict[str, Any]], target: str = "n1") -> EventLog:
    events = EventLog()
    for time, event, detail in rows:
        about = {"id": "pause-1", "fault": "node_pause"} | detail
        events.append(10.0 + time, "fault", event, target=target, detail=about)
    return events


def cells(html: str) -> list[list[str]]:
    rows = html.partition("<tbody>")[2].partition("</tbody>")[0].split("<tr>")[1:]
    return [[re.sub("<[^>]*>", "", part) for part in row.split("</td>")[:-1]] for row in rows]


def test_each_strike_has_a_row_with_its_outcome() -> None:
    events = log(
        (1.0, "begins", {}),
        (1.0, "injected", {}),
        (2.0, "failed", {"id": "pause-1.2", "why": "node n1 is killed"}),
        (3.0, "healed", {}),
        (4.0, "missed", {"why": "one was on its way"}),
        (5.0, "missed", {"why": "one was on its way"}),
        (6.0, "injected", {"id": "pause-1.3"}),
        (7.0, "injected", {"id": "pause-1.4"}),
        (8.0, "heal_failed", {"id": "pause-1.4", "why": "it does not come back"}),
        (9.0, "skipped", {"id": "pause-1.5"}),
    )
    assert cells(still_chaos([], events, 10.0)) == [
        ["1.0", "node pause", "n1", "3.0", "✓ healed", ""],
        ["2.0", "node pause", "n1", "–", "✗ failed", "node n1 is killed"],
        ["4.0", "node pause", "n1", "–", "– missed", "one was on its way"],
        ["5.0", "node pause", "n1", "–", "– missed", "one was on its way"],
        ["6.0", "node pause", "n1", "–", "● active", ""],
        ["7.0", "node pause", "n1", "–", "✗ failed", "not taken back: it does not come back"],
        ["9.0", "node pause", "n1", "–", "– left out", ""],
    ]


def test_what_is_over_when_it_has_struck_is_never_healed() -> None:
    crash = {"id": "crash-1", "fault": "server_crash", "parameters": {"server_crash": {}}}
    slow = {"id": "slow-1", "fault": "latency", "parameters": {"latency": {"low": 0, "high": 1}}}
    unknown = {"id": "my-1", "fault": "my", "parameters": {"my": {}}}
    both = ("injected", "healed")
    events = log(
        *((4.9, event, about) for about in (crash, slow, unknown) for event in both),
        (6.0, "begins", crash | {"id": "crash-1.2"}),
        (7.0, "injected", crash | {"id": "crash-1.3"}),
        (8.0, "heal_failed", {"id": "crash-1.3", "why": "n1 is silent"}),
    )
    assert cells(still_chaos([], events, 10.0)) == [
        ["4.9", "server crash", "n1", "–", "✓ struck", ""],
        ["4.9", "latency", "n1", "4.9", "✓ healed", ""],
        ["4.9", "my", "n1", "4.9", "✓ healed", ""],
        ["6.0", "server crash", "n1", "–", "● active", ""],
        ["7.0", "server crash", "n1", "–", "✗ failed", "not taken back: n1 is silent"],
    ]


def test_of_many_strikes_the_last_ones_are_there() -> None:
    events = log(*((float(n), "injected", {"id": f"pause-1.{n}"}) for n in range(500)))
    html = still_chaos([], events, 10.0)
    assert "the last 200 of 500" in html
    assert (cells(html)[0][0], cells(html)[-1][0]) == ("300.0", "499.0")


def test_nothing_of_anybody_s_becomes_markup() -> None:
    strike = {"at": 0.0, "until": 9.0, "began": 0.1, "ended": 5.0, "where": HOSTILE, "why": HOSTILE}
    strikes = [strike | {"state": state} for state in ("healed", "failed")]
    lane = {"label": HOSTILE, "about": HOSTILE, "colour": 1, "strikes": strikes, "more": 0}
    run = {"name": HOSTILE, "duration": 9.0, "elapsed": 9.0, "seed": "1", "at": 0.0}
    events = log((1.0, "failed", {"fault": HOSTILE, "why": HOSTILE}), target=HOSTILE)
    html = still_chaos([run | {"state": "over", "lanes": [lane]}], events, 10.0)
    assert "<img" not in html
    assert html.count("&lt;img") >= 7
    assert json.dumps(HOSTILE) not in html
