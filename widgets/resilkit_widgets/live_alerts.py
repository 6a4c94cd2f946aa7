"""What the live view tells of alerts and anomalies: thresholds, signs in charts, and a list."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from resilkit import Cluster
from resilkit.experiment.words import quantity
from resilkit.metrics.anomalies import LEAST_CHANGES, Anomalies
from resilkit.metrics.events import Event
from resilkit.metrics.units import format_value, unit_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["AlertRows", "AnomalyRows", "threshold_rows"]

_MOST_ROWS = 40


def threshold_rows(cluster: Cluster) -> list[dict[str, Any]]:
    """Return a row a threshold that a cluster watches, for the front end."""
    return [
        {
            "text": str(alert.threshold),
            "metric": alert.threshold.metric,
            "limit": alert.threshold.limit,
            "above": alert.threshold.above,
            "hold": alert.hold,
            "standing": [each.server or each.node for each in alert.standing],
        }
        for alert in cluster.alerts
    ]


class AlertRows:
    """The newest alerts of a cluster, in the order in which they came.

    Args:
        origin: The time that counts as 0 s.
    """

    def __init__(self, origin: float) -> None:
        self._origin = origin
        self._rows: deque[dict[str, Any]] = deque(maxlen=_MOST_ROWS)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """A row each: time, end (s; ``None`` while it stands), what, where, value, metric, limit.

        The metric is ``""`` for an alert that is about no threshold.
        """
        return [{key: row[key] for key in row if key != "of"} for row in self._rows]

    def take(self, events: Iterable[Event]) -> bool:
        """Take in events of any kind; return whether one was an alert."""
        alerts = [event for event in events if event.kind == "alert"]
        for event in alerts:
            self._take(event, json.loads(event.detail))
        return bool(alerts)

    def _take(self, event: Event, detail: dict[str, Any]) -> None:
        time = event.time - self._origin
        where = event.target or event.node
        if "threshold" not in detail:
            self._rows.append(_other(event, detail, time, where))
            return
        metric = str(detail["metric"])
        if event.event == "over":
            same = (detail["threshold"], event.node, event.target)
            for row in reversed(self._rows):
                if row["of"] == same and row["end"] is None:
                    row["end"], row["why"] = time, str(detail["why"])
                    row["value"] = format_value(float(detail["worst"]), unit_of(metric))
            return
        self._rows.append(
            {
                "time": time,
                "end": None,
                "what": str(detail["threshold"]),
                "where": where,
                "value": format_value(float(detail["value"]), unit_of(metric)),
                "why": "",
                "metric": metric,
                "limit": float(detail["limit"]),
                "of": (detail["threshold"], event.node, event.target),
            }
        )


def _other(event: Event, detail: dict[str, Any], time: float, where: str) -> dict[str, Any]:
    """Return the row of an alert that is about no threshold, of a loop that stood still say."""
    seconds, measured = detail.get("seconds"), detail.get("measured")
    value = format_value(seconds, "s") if isinstance(seconds, int | float) else ""
    what, why = event.event.replace("_", " "), str(detail.get("why", ""))
    if event.event == "criterion_breached":
        # It is about the whole load: what stands in its place is the criterion.
        what, where = f"criterion breached: {event.target}", ""
        why = str(detail.get("reason", ""))
        if isinstance(measured, int | float):
            value = quantity(float(measured), str(detail.get("unit", "")))
    return {
        "time": time,
        "end": time,
        "what": what,
        "where": where,
        "value": value,
        "why": why,
        "metric": "",
        "limit": 0.0,
        "of": (event.event, event.node, event.target),
    }


class AnomalyRows:
    """The anomalies of the lines that a panel shows.

    Args:
        origin: The time that counts as 0 s.
    """

    def __init__(self, origin: float) -> None:
        self._origin = origin
        self._lines: dict[tuple[str, str, str], tuple[Anomalies, float]] = {}
        self._rows: deque[dict[str, Any]] = deque(maxlen=_MOST_ROWS)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """A row each: time (s), metric, where, value (in its unit), shown, and usual."""
        return list(self._rows)

    def look(
        self,
        metric: str,
        key: tuple[str, str],
        times: npt.NDArray[np.float64],
        values: npt.NDArray[np.float64],
    ) -> bool:
        """Look at what is new of a line; return whether there is an anomaly in it."""
        node, server = key
        line, newest = self._lines.get((metric, node, server)) or (
            Anomalies(least_change=LEAST_CHANGES.get(metric, 0.0)), float("-inf"),
        )  # fmt: skip
        first = int(times.searchsorted(newest, side="right"))
        if first == times.size:
            return False
        found = False
        for time, value in zip(times[first:].tolist(), values[first:].tolist(), strict=True):
            if anomaly := line.feed(time, value):
                found = True
                self._rows.append(
                    {
                        "time": anomaly.time - self._origin,
                        "metric": metric,
                        "where": server or node,
                        "value": anomaly.value,
                        "shown": format_value(anomaly.value, unit_of(metric)),
                        "usual": format_value(anomaly.usual, unit_of(metric)),
                    }
                )
        self._lines[metric, node, server] = (line, float(times[-1]))
        return found
