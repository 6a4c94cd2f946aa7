"""Alerts: thresholds on what a cluster samples, looked at as the samples come."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Self

from resilkit import telemetry, validate
from resilkit.metrics.crossings import Crossing, Crossings, Standing
from resilkit.metrics.thresholds import Threshold, of_nodes
from resilkit.metrics.units import METRICS, format_value

if TYPE_CHECKING:
    from resilkit.cluster.session import Session

__all__ = ["Alert", "Alerting", "Alerts"]

_GAP = 3.0
"""Sampling intervals without a sample after which nobody knows what was between."""
_LEAST_GAP = 1.0
"""Seconds: a busy machine takes samples late, which is no gap."""
_DOWN = frozenset({"crashed", "killed", "stopped"})
_GLOB = frozenset("*?[")


class Alert:
    """A threshold that a cluster watches, from `Cluster.alert_when` until `remove`.

    It ends with the cluster, and with its ``with`` block where it is used as one.

    Attributes:
        threshold: What is too much.
        hold: Seconds for which it must be so.

    Examples:
        ::

            with cluster.alert_when("queue_length > 1000", hold=2.0) as alert:
                ...
                alert.standing  # where it is so now
            cluster.events.frame("alert")  # when and where it was
    """

    def __init__(self, alerts: Alerts, threshold: Threshold, hold: float, gap: float) -> None:
        self.threshold = threshold
        self.hold = hold
        self._alerts = alerts
        self._crossings = Crossings(threshold, hold=hold, gap=gap)
        self._raised = 0
        self._watching = True

    @property
    def active(self) -> bool:
        """Whether it is watched for: until it is removed, replaced, or the cluster closes."""
        return self._watching

    @property
    def raised(self) -> int:
        """How many times it was raised, over all nodes and servers."""
        return self._raised

    @property
    def standing(self) -> list[Standing]:
        """Where it is raised now: node, server, since when (s), newest and worst value."""
        with self._alerts.lock:
            return self._crossings.standing

    def remove(self) -> None:
        """Watch for it no more; where it is raised, it is over. Twice is once."""
        self._alerts.remove(self, "removed")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.remove()

    def __repr__(self) -> str:
        held = f" for {self.hold:g} s" if self.hold else ""
        unit = self.threshold.unit
        places = [
            f"{each.server or each.node} ({format_value(each.value, unit)})"
            for each in self.standing
        ]
        now = f"raised on {', '.join(places)}" if places else f"raised {self._raised} times"
        return f"<Alert {self.threshold}{held}: {now if self._watching else 'removed'}>"

    def _feed(self, time: float, node: str, server: str, value: float) -> None:
        """Take a sample: the store of metrics calls this, in the thread that appends."""
        self._alerts.take(self, time, node, server, value)


class Alerts:
    """The alerts of one cluster. Any thread."""

    def __init__(self, session: Session) -> None:
        self._session = session
        # Never held while a handler is told: it may ask for what waits for it.
        self.lock = threading.RLock()
        self._all: list[Alert] = []
        # In the order of the events: "over" of one thread must not overtake "raised" of another.
        self._untold: deque[tuple[str, dict[str, Any], dict[str, Any]]] = deque()
        self._telling = False

    def __iter__(self) -> Any:
        with self.lock:
            return iter(list(self._all))

    def add(self, text: str | Threshold, hold: float) -> Alert:
        """Watch for a threshold from the next sample on; see `Cluster.alert_when`."""
        session = self._session
        threshold = Threshold.parse(text, own=session.metrics.names())
        hold = validate.duration(hold, "hold")
        ours = threshold.metric in METRICS
        for name in (threshold.node, threshold.who if of_nodes(threshold.metric) else None):
            if ours and name is not None and not _GLOB & set(name):
                validate.choice(name, "threshold", list(session.nodes))
        gap = max(_LEAST_GAP, _GAP * session.spec.sample_interval) if ours else float("inf")
        with self.lock:
            session.refuse_closed()
            same = next((each for each in self._all if each.threshold == threshold), None)
            if same is not None and same.hold == hold:
                return same
            if same is not None:
                self._end_one(same, "replaced")
            alert = Alert(self, threshold, hold, gap)
            self._all.append(alert)
            session.metrics.watch(threshold.metric, alert._feed)
        self._tell()
        return alert

    def remove(self, alert: Alert, why: str) -> None:
        """Watch for one no more; where it is raised, it is over, and that is told with `why`."""
        self._end_one(alert, why)
        self._tell()

    def _end_one(self, alert: Alert, why: str) -> None:
        self._session.metrics.unwatch(alert.threshold.metric, alert._feed)
        with self.lock:
            alert._watching = False
            if alert in self._all:
                self._all.remove(alert)
            self._note(alert, alert._crossings.end(self._session.clock.now(), why))

    def close(self) -> None:
        """Remove all: the cluster ends."""
        for alert in self:
            self.remove(alert, "the cluster was closed")

    def take(self, alert: Alert, time: float, node: str, server: str, value: float) -> None:
        """Compare one sample, and tell what it changes."""
        state = self._session.nodes.get(node)
        if state is not None and state.status in _DOWN:
            return  # it was on its way when its node ended
        with self.lock:
            crossing = alert._crossings.feed(time, node, server, value) if alert.active else None
            if crossing is not None:
                self._note(alert, [crossing])
        if crossing is not None:
            self._tell()

    def sampled(self, node: str, time: float, seen: Iterable[str]) -> None:
        """Take note of all that a node has now: what it had before, and has no more, is over."""
        there = {"", *seen}
        self._end(time, "it has ended", lambda where, server: where == node and server not in there)

    def nodes_changed(self) -> None:
        """Take note of nodes that have ended: nothing on them is too much any more."""
        if not self._all:
            return
        nodes = {name: state.status for name, state in list(self._session.nodes.items())}
        now = self._session.clock.now()
        for name, status in nodes.items():
            if status in _DOWN:
                why = f"node {name} was {status}" if status != "crashed" else f"node {name} crashed"
                self._end(now, why, lambda where, _, name=name: where == name)
        self._end(now, "its node was taken out", lambda where, _: where not in nodes)

    def _end(self, time: float, why: str, gone: Any) -> None:
        for alert in self:
            if alert.threshold.metric in METRICS:  # whose own it is knows where it comes from
                with self.lock:
                    self._note(alert, alert._crossings.end(time, why, gone))
                self._tell()

    def _note(self, alert: Alert, crossings: list[Crossing]) -> None:
        """Write down what has changed, in its order: the caller holds the lock."""
        threshold = alert.threshold
        for each in crossings:
            alert._raised += each.event == "raised"
            about = {
                "threshold": str(threshold), "metric": threshold.metric, "unit": threshold.unit,
            }  # fmt: skip
            numbers = {
                "value": each.value, "limit": threshold.limit, "worst": each.worst,
                "seconds": round(each.time - each.since, 6),
            }  # fmt: skip
            told = about | numbers | ({"why": each.why} if each.why else {"hold": alert.hold})
            self._session.events.append(
                each.time, "alert", each.event, node=each.node, target=each.server, detail=told
            )
            place = {"node": each.node, "server": each.server, "why": each.why}
            self._untold.append((f"resilkit.alert.{each.event}", numbers, about | place))

    def _tell(self) -> None:
        """Tell the handlers what was written down. If another thread does, it goes on with this."""
        with self.lock:
            if self._telling:
                return
            self._telling = True
        try:
            while True:
                with self.lock:
                    if not self._untold:
                        self._telling = False
                        return
                    told = self._untold.popleft()
                telemetry.emit(*told)
        except BaseException:  # an interrupt: the next change tells the rest
            self._telling = False
            raise


class Alerting:
    """What a `Cluster` has for its alerts."""

    _session: Session

    def alert_when(self, threshold: str | Threshold, *, hold: float = 0.0) -> Alert:
        """Tell when a sampled metric is too much, on any node and server, from now on.

        Each sample is compared when it comes. The event ``raised`` of the kind ``"alert"`` comes
        once when the threshold has been broken for `hold` seconds, and ``over`` when it is back,
        with node, server (the event's target), value, worst value, unit and limit:
        ``cluster.events.frame("alert")``. `resilkit.telemetry` has both as
        ``resilkit.alert.raised`` and ``resilkit.alert.over``. It is over, too, when the server or
        node ends. A node that is paused sends no samples: what is raised there stays so, and what
        is not begins anew.

        Args:
            threshold: Metric, comparison and limit with its unit, with globs of servers, links or
                nodes in brackets: ``"queue_length > 1000"``, ``"memory_rss[n1] > 200 MiB"``,
                ``"queue_length[counter-*@n2] >= 50"``, ``"cpu > 90 %"`` (of a core),
                ``"loop_lag > 50 ms"``, ``"servers > 100"``; see
                `resilkit.metrics.units.METRICS`, and your own metrics that have samples.
            hold: Seconds for which it must be so without a break; 0: one sample is enough.

        Returns:
            The `Alert`, also in `alerts`. For one that says the same as an earlier one and has its
            `hold`, that; with another `hold` it takes its place.

        Raises:
            InvalidArgument: It is no threshold (the error shows the place), there is no such node,
                or `hold` is no duration.
            ClusterClosed: The cluster was closed.

        Examples:
            ::

                alert = cluster.alert_when("queue_length > 1000", hold=2.0)
                alert.standing, alert.raised  # where it is so now, and how often it was
                alert.remove()
        """
        return self._session.alerts.add(threshold, hold)

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """The alerts that are watched for, in the order in which they were asked for."""
        return tuple(self._session.alerts)
