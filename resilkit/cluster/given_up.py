"""Why a name is gone, as far as the log of events knows: its supervisor gave up."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from resilkit.texts import plain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from resilkit.metrics.events import Event

__all__ = ["why_it_stays_down"]


def why_it_stays_down(events: Iterable[Event], name: str) -> str:
    """Return how the supervisor of the child `name` gave up; ``""`` where nothing tells that.

    Args:
        events: In the order in which they were logged. Those of nodes come a few tenths of a second
            after what they tell of.
        name: Of the child, as its id is unless told otherwise.
    """
    given_up: dict[str, dict[str, Any]] = {}
    for row in reversed([row for row in events if row.kind == "supervision"]):
        if row.event == "gave_up":
            given_up.setdefault(row.target, json.loads(row.detail))
        elif row.event in {"started", "restarted"} and row.target == name:
            supervisor = json.loads(row.detail)["supervisor"]
            rule = given_up.get(supervisor)
            if rule is None:
                return ""
            restarts = plain(rule["max_restarts"], "restart")
            return (
                f"its supervisor {supervisor!r} gave up, after more than {restarts} "
                f"in {rule['max_seconds']:g} s"
            )
    return ""
