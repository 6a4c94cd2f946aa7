"""What the live view tells of alerts and anomalies: thresholds, signs in charts, and a list."""

from __future__ import annotations

import json
import math
from collections import defaultdict, deque
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from resilkit import Cluster
from resilkit.metrics.anomalies import LEAST_CHANGES, Anomalies, Anomaly
from resilkit.metrics.events import Event
from resilkit.metrics.units import format_value, title_of, unit_of
from resilkit.metrics.words import quantity

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["AlertRows", "AnomalyRows", "threshold_rows"]

_MOST_ROWS = 40
_MOST_LINES = 30
"""Lines of a metric whose last minute is remembered; six of a chart have a colour at once."""
_MOST_GONE = 1000
"""Lines that are gone and of which is remembered how far they were looked at."""


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


class _Line:
    """One line, as far as it has been looked at."""

    def __init__(self, metric: str, told: float) -> None:
        self.anomalies = Anomalies(least_change=LEAST_CHANGES.get(metric, 0.0))
        self.newest = -math.inf
        # Up to when it was looked at before it was forgotten: nothing is told twice.
        self.told = told

    def feed(
        self, times: npt.NDArray[np.float64], values: npt.NDArray[np.float64]
    ) -> list[Anomaly]:
        """Take what is new; return the anomalies that begin in it."""
        first = int(times.searchsorted(self.newest, side="right"))
        if first == times.size:
            return []
        self.newest = float(times[-1])
        samples = zip(times[first:].tolist(), values[first:].tolist(), strict=True)
        found = [self.anomalies.feed(time, value) for time, value in samples]
        return [each for each in found if each is not None and each.time > self.told]


class AnomalyRows:
    """The anomalies of the lines that a panel shows.

    The last minute of a line is 15 KB, and servers may have ever new names: of each metric the
    lines that were looked at last are kept. One that comes back begins with what is shown of it.

    Args:
        origin: The time that counts as 0 s.
    """

    def __init__(self, origin: float) -> None:
        self._origin = origin
        # Those that were looked at last stand last, also among those that are gone.
        self._lines: defaultdict[str, dict[tuple[str, str], _Line]] = defaultdict(dict)
        self._gone: dict[tuple[str, str, str], float] = {}
        self._rows: deque[dict[str, Any]] = deque(maxlen=_MOST_ROWS)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """A row each: time (s), metric, its title, where, value (in its unit), shown, and usual."""
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
        found = self._line(metric, key).feed(times, values)
        self._rows.extend(
            {
                "time": anomaly.time - self._origin,
                "metric": metric,
                "title": title_of(metric),
                "where": server or node,
                "value": anomaly.value,
                "shown": format_value(anomaly.value, unit_of(metric)),
                "usual": format_value(anomaly.usual, unit_of(metric)),
            }
            for anomaly in found
        )
        return bool(found)

    def _line(self, metric: str, key: tuple[str, str]) -> _Line:
        """Return a line, as the one that was looked at last; the first may be forgotten for it."""
        lines = self._lines[metric]
        line = lines.pop(key, None) or _Line(metric, self._gone.pop((metric, *key), -math.inf))
        lines[key] = line
        if len(lines) > _MOST_LINES:
            first = next(iter(lines))
            old = lines.pop(first)
            self._gone[(metric, *first)] = max(old.newest, old.told)
            if len(self._gone) > _MOST_GONE:
                del self._gone[next(iter(self._gone))]
        return line
