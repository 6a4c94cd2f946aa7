"""What `LiveMetrics` has beside its charts: whom they show, thresholds, alerts and anomalies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import traitlets

from resilkit import Cluster, InvalidArgument
from resilkit.markup import display, table
from resilkit.metrics.units import METRICS
from resilkit.runtime.reasons import describe
from resilkit_widgets.choosing import Choice, as_names
from resilkit_widgets.frames import Line
from resilkit_widgets.live_alerts import AlertRows, AnomalyRows, threshold_rows
from resilkit_widgets.panel import Panel
from resilkit_widgets.still_marks import StillLimit, StillMarks

__all__ = ["Watching"]

_MOST_SERVERS = 200
"""Servers that are offered by name; of more than that, globs choose."""

Key = tuple[str, str]


class Watching(Panel):
    """A panel of a cluster's metrics with a choice of lines, thresholds, alerts and anomalies.

    The front end asks with ``{"do": "alert" | "remove" | "choose", "number": …, …}``, and
    `answer` says what became of it.

    Attributes:
        thresholds: What the cluster watches for, a row each.
        alerts: The newest alerts, a row each.
        anomalies: The newest anomalies of the lines that are shown, a row each.
        chosen: Names and globs of nodes and servers; ``None`` for all.
        known: The names that there are to choose from.
        answer: ``to`` (the number of what was asked), ``at`` (the field) and ``problem``.
    """

    thresholds: traitlets.List[Any] = traitlets.List().tag(sync=True)
    alerts: traitlets.List[Any] = traitlets.List().tag(sync=True)
    anomalies: traitlets.List[Any] = traitlets.List().tag(sync=True)
    chosen: traitlets.Dict[Any, Any] = traitlets.Dict().tag(sync=True)
    known: traitlets.Dict[Any, Any] = traitlets.Dict().tag(sync=True)
    answer: traitlets.Dict[Any, Any] = traitlets.Dict().tag(sync=True)

    _cluster: Cluster
    _origin: float

    def __init__(
        self,
        *,
        nodes: str | Sequence[str] | None,
        servers: str | Sequence[str] | None,
        **traits: Any,
    ) -> None:
        self._choose(nodes, servers)
        self._alert_mark = 0
        self._alert_rows = AlertRows(self._origin)
        self._anomaly_rows = AnomalyRows(self._origin)
        super().__init__(chosen=self._told_choice(), **traits)
        self.on_msg(self._asked)

    # Whom the charts show ------------------------------------------------------------------------

    def _choose(
        self, nodes: str | Sequence[str] | None, servers: str | Sequence[str] | None
    ) -> None:
        self._choice = Choice(
            as_names(nodes, "nodes", list(self._cluster.nodes)), as_names(servers, "servers")
        )

    def _told_choice(self) -> dict[str, Any]:
        choice = self._choice
        return {
            "nodes": None if choice.nodes is None else list(choice.nodes),
            "servers": None if choice.servers is None else list(choice.servers),
        }

    # What is watched for -------------------------------------------------------------------------

    def _watch(self) -> None:
        """Tell the front end of thresholds, of alerts, and of what there is to choose from."""
        self.thresholds = threshold_rows(self._cluster)
        self._alert_mark, news = self._cluster.events.after(self._alert_mark)
        if self._alert_rows.take(news):
            self.alerts = self._alert_rows.rows
        servers = {server for _, server in self._cluster.metrics.latest("queue_length")}
        self.known = {
            "nodes": list(self._cluster.nodes), "servers": sorted(servers)[:_MOST_SERVERS],
        }  # fmt: skip

    def _look(self, metric: str, lines: Mapping[Key, Line], styles: Mapping[Key, int]) -> None:
        """Look for anomalies in the lines of a chart that have a colour and a name."""
        if METRICS[metric].kind == "counter":
            return  # a total; what it does is not told by how high it is
        new = [
            self._anomaly_rows.look(metric, key, *line)
            for key, line in lines.items()
            if styles.get(key, -1) >= 0
        ]
        if any(new):
            self.anomalies = self._anomaly_rows.rows

    # What the front end asks for -----------------------------------------------------------------

    def _asked(self, _widget: object, content: Any, _buffers: object) -> None:
        what = content.get("do") if isinstance(content, Mapping) else None
        if not isinstance(what, str) or what not in _ASKED:
            return
        problem = at = ""
        try:
            with self._guard:
                _ASKED[what](self, content)
        except InvalidArgument as error:
            at = error.path.partition("[")[0]
            problem = str(error).removeprefix(f"{at}: ")
        except Exception as error:  # noqa: BLE001 - in a callback it would vanish: show it
            problem = describe(error)
        with self._guard, self.hold_sync():
            self.answer = {"to": content.get("number"), "at": at, "problem": problem}
            self.chosen = self._told_choice()
            if not self._cluster.closed:
                self._watch()
        self.tick()

    def _add_alert(self, content: Mapping[str, Any]) -> None:
        self._cluster.alert_when(content["threshold"], hold=content["hold"])

    def _remove_alert(self, content: Mapping[str, Any]) -> None:
        for alert in self._cluster.alerts:
            if str(alert.threshold) == content["threshold"]:
                alert.remove()

    def _choose_again(self, content: Mapping[str, Any]) -> None:
        self._choose(content["nodes"], content["servers"])
        self._rearranged()

    def _rearranged(self) -> None:
        """Send what is shown anew, though no sample has come."""
        raise NotImplementedError

    # What stays ----------------------------------------------------------------------------------

    def _still_marks(self, metric: str, factor: float) -> StillMarks:
        """Return what is drawn over the lines of a chart, on an axis of values times `factor`."""
        alerts = [row for row in self.alerts if row["metric"] == metric]
        return StillMarks(
            limits=[
                StillLimit(row["limit"] * factor, row["text"], row["above"], bool(row["standing"]))
                for row in self.thresholds
                if row["metric"] == metric
            ],
            raised=[(row["time"], row["limit"] * factor) for row in alerts],
            over=[(row["end"], row["limit"] * factor) for row in alerts if row["end"] is not None],
            unusual=[
                (row["time"], row["value"] * factor)
                for row in self.anomalies
                if row["metric"] == metric
            ],
        )

    def _alerts_picture(self) -> str:
        """Return the list of alerts as HTML, ``""`` when there was none."""
        if not self.alerts:
            return ""
        rows = [
            (f"{row['time']:.1f}", None if row["end"] is None else f"{row['end']:.1f}",
             row["what"], row["where"], row["value"])
            for row in self.alerts
        ]  # fmt: skip
        heads = ("from (s)", "to (s)", "alert", "where", "value")
        return display("Alerts", "", table(heads, rows, numbers=(0, 1), most=len(rows)))


_ASKED = {
    "alert": Watching._add_alert,
    "remove": Watching._remove_alert,
    "choose": Watching._choose_again,
}
