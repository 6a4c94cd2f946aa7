"""`LiveMetrics`: a cluster's memory, queues and more as streaming charts, with faults shaded."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import traitlets

from resilkit import Cluster, InvalidArgument, validate
from resilkit.metrics.event_bands import event_bands, outage_bands
from resilkit.metrics.fault_looks import look_of_fault
from resilkit.metrics.units import METRICS, Scale, scale_of, title_of, unit_of
from resilkit.runtime.reasons import describe
from resilkit_widgets.frames import Line, on_grid, pack
from resilkit_widgets.line_choice import LineChoice
from resilkit_widgets.load_lines import LOAD_CHARTS, LoadLines
from resilkit_widgets.panel import bundle
from resilkit_widgets.still_charts import StillBand, StillChart, StillLine, still_charts
from resilkit_widgets.still_end import still_end
from resilkit_widgets.still_values import StillValues
from resilkit_widgets.watching import Watching

__all__ = ["LiveMetrics"]

_DEFAULT = ("memory_rss", "queue_length", "latency", "throughput+errors")
_TURNS = frozenset({"killed", "crashed", "stopped", "paused", "running", "resumed"})
"""Events of nodes after which they are down, or back."""
_LOG = {"latency": "response time (log scale)"}
"""The axes of charts of what differs a thousandfold: in a linear one all but the peaks lie flat."""
_POINTS = 600
"""Points of a line: no screen shows more of them side by side in a chart."""


class LiveMetrics(Watching):
    """Shows metrics of a running cluster as charts that go on by themselves.

    Leave it as the last line of a cell. It goes on while other cells are busy. Drag in a chart to
    zoom in, double-click to follow again. When the cluster closes, a plain picture stays in the
    notebook. It ends soon after the last load, or a fault that came later, however long one has
    read since, and is whole, though the charts were paused.

    Faults are shaded while one stands at a time. Where several do, each has a row above the first
    chart. Six lines of a chart have a colour: the largest, and supervisors last.

    A threshold that the cluster watches for (`Cluster.alert_when`, or the field under the charts)
    is drawn in its chart. A line under the charts tells of the alert that stands, or what came
    last; opened, it lists all of them. A sample unlike those of the last minute has a hollow ring
    (`resilkit.metrics.Anomalies`).

    Args:
        cluster: The cluster to watch.
        metrics: Names of metrics, one chart each; see `resilkit.metrics.units.METRICS`. And of
            the load that runs (all of them together, if there are several): ``"latency"``
            (percentiles of the response time, by the intended start), ``"throughput"``,
            ``"errors"``, and ``"throughput+errors"`` in one chart.
        window: Seconds shown, 1 to 3600. Figures of a load are those of each second; in charts of
            more than 10 minutes, of up to 10 s.
        height: Of each chart, in pixels, 60 to 600. Low ones leave room for the cells below.
        nodes: Names or globs of the nodes shown at first; ``None``: all. The panel can change it.
        servers: Names or globs of the servers and links shown at first; ``None``: all. Lines about
            whole nodes, and those of a load, are shown whatever it is.

    Raises:
        InvalidArgument: `cluster` is no running `resilkit.Cluster`, no such metric or node is
            known, or `window` or `height` is out of range.

    Examples:
        ::

            cluster = resilkit.Cluster(nodes=3)
            LiveMetrics(cluster, metrics=["latency", "throughput+errors", "cpu"])
    """

    _esm, _css = bundle("live_metrics")

    frame = traitlets.Bytes(b"").tag(sync=True)
    arrangement = traitlets.Dict().tag(sync=True)
    bands: traitlets.List[Any] = traitlets.List().tag(sync=True)
    paused = traitlets.Bool(False).tag(sync=True)

    _load: Any = None  # of one that was refused

    def __init__(
        self,
        cluster: Cluster,
        *,
        metrics: Sequence[str] = _DEFAULT,
        window: float = 60.0,
        height: int = 150,
        nodes: str | Sequence[str] | None = None,
        servers: str | Sequence[str] | None = None,
    ) -> None:
        if not isinstance(cluster, Cluster):
            raise InvalidArgument(
                "must be a running cluster", path="cluster", value=cluster, allowed="a Cluster"
            )
        self._metrics = [_known(name, f"metrics[{at}]") for at, name in enumerate(metrics)]
        if not self._metrics:
            raise InvalidArgument("names no metric", path="metrics", value=metrics)
        self._window = validate.number(window, "window", low=1.0, high=3600.0)
        self._height = validate.number(height, "height", low=60, high=600, integer=True)
        self._cluster = cluster
        self._origin = cluster._session.started
        self._apart = cluster._session.spec.sample_interval
        self._load = LoadLines(cluster, self._window)
        if not LOAD_CHARTS.keys() & set(self._metrics):
            self._load.leave()
        self._mark = 0
        self._newest = self._seen = -math.inf
        self._anew = False
        self._choices = [LineChoice() for _ in self._metrics]
        super().__init__(nodes=nodes, servers=servers)
        self._arrange([{} for _ in self._metrics], self._origin)

    def __repr__(self) -> str:
        return f"<LiveMetrics {self.state} of {self._cluster!r}>"

    def _update(self) -> None:
        self._shade()
        self._watch()
        if self.paused and not self._anew:
            return
        newest = self._newest if self.paused else self._take_in()
        if newest == self._newest and not self._anew:
            return
        self._anew = False
        if newest == -math.inf:
            return
        self._newest = newest
        start = max(self._origin, newest - self._window)
        found = [self._lines(at, start) for at in range(len(self._metrics))]
        factors = self._arrange(found, start)
        for name, chart, choice in zip(self._metrics, found, self._choices, strict=True):
            if name not in LOAD_CHARTS:
                self._look(name, chart, choice.styles)
        parts = [
            on_grid(
                list(lines.values()),
                start=start,
                end=max(newest, start + self._apart),
                points=_POINTS,
                apart=self._load.apart if name in LOAD_CHARTS else self._apart,
            )
            for name, lines in zip(self._metrics, found, strict=True)
        ]
        values = np.concatenate([part for _, part in parts]) * factors
        axis = parts[0][0] - self._origin
        self.frame = pack(self.sent + 1, self.arrangement["id"], axis, values)

    def _take_in(self, *, still: bool = False) -> float:
        """Take in what is new; return the time of the newest of it.

        Args:
            still: Whether it is for the picture that stays, which changes nothing of the charts.
        """
        store = self._cluster.metrics
        latest = [
            time
            for name in self._metrics
            if name not in LOAD_CHARTS
            for time, _ in store.latest(name).values()
        ]
        newest = max(latest, default=-math.inf)
        if LOAD_CHARTS.keys() & set(self._metrics):
            newest = max(newest, self._load.look(newest - self._window, still=still))
        return newest

    def _lines(
        self, at: int, since: float, still: LineChoice | None = None
    ) -> dict[tuple[str, str], Line]:
        """Return the lines of a chart that are shown, in the order of their names.

        For the picture that stays they are chosen by a copy: it is made in any thread, while the
        charts go on, and must not change what they show.
        """
        name, choice = self._metrics[at], still or self._choices[at]
        if name in LOAD_CHARTS:
            return self._load.lines(name, since, still=still is not None)
        store = self._cluster.metrics
        newest = {
            key: value
            for key, (time, value) in store.latest(name).items()
            if time >= since and self._choice.shows(key)
        }
        supervisors = self._cluster._session.supervising
        now = self._newest if still is None else self._seen
        shown = choice.choose(newest, max(now, self._origin), last=supervisors)
        found = store.lines(name, since=since, only=set(shown))
        return {key: found[key] for key in shown if key in found}

    def _rearranged(self) -> None:
        self._anew = True

    def _ended(self) -> bool:
        # The last operations of a load are told after the closing has begun.
        return self._cluster.closed and not self._load.running

    def stop(self) -> None:
        """Tick no more, and leave the last picture in the notebook. Twice is once."""
        with self._guard:
            if self.state == "live":
                self._look_last()
            super().stop()
        if self._load is not None:
            self._load.leave()

    def _look_last(self) -> None:
        """Take in all that the last picture shows, which a paused or unseen panel has not."""
        try:
            with self.hold_sync():
                self._shade()
                self._watch()
                self._seen = self._take_in(still=True)
                start = self._still_end(self.bands) - self._window
                for at, name in enumerate(self._metrics):
                    if name not in LOAD_CHARTS:
                        choice = self._choices[at].copy()
                        self._look(name, self._lines(at, start, choice), choice.styles)
        except Exception as error:  # noqa: BLE001 - it has to stop all the same: show it
            self.error = describe(error)

    def _arrange(self, found: Sequence[Mapping[tuple[str, str], Line]], start: float) -> Any:
        """Tell the front end what the columns are; return what they are multiplied by."""
        charts: list[dict[str, Any]] = []
        factors: list[float] = []
        for name, lines, choice in zip(self._metrics, found, self._choices, strict=True):
            factor, unit = _scale(name, lines)
            shown = []
            for place, key in enumerate(lines, len(factors)):
                if name in LOAD_CHARTS:
                    choice.wear(key, LoadLines.style(key))
                shown.append(
                    {"name": shown_name(key), "column": place, "style": choice.styles[key]}
                )
            factors += [factor] * len(lines)
            title = self._load.title(name, start) if name in LOAD_CHARTS else _title(name, lines)
            about = {
                "metric": name,
                "factor": factor,
                "quantity": _unit(name),
                "log": name in _LOG,
                "axis": _axis(name, unit),
                "of": max(choice.of, len(lines)),
            }
            charts.append({"title": title, "unit": unit, "lines": shown} | about)
        new = {
            "id": self.arrangement.get("id", 0),
            "window": self._window,
            "height": self._height,
            "charts": charts,
        }
        if new != self.arrangement:
            self.arrangement = new | {"id": new["id"] + 1}
        return np.array(factors, np.float32)[:, None]

    def _shade(self) -> None:
        """Tell the front end which faults there are, when there is news of any."""
        # In this order: a picture that is made meanwhile must not miss any.
        mark, self.bands = self._bands()
        self._mark = mark

    def _bands(self) -> tuple[int, list[Any]]:
        """Return which faults there are, and up to which event that is."""
        mark, news = self._cluster.events.after(self._mark)
        if not any(each.kind == "fault" or each.event in _TURNS for each in news):
            return mark, self.bands
        events = self._cluster.events.frame()
        outages = outage_bands(events, until=self._cluster._session.closing_began)
        found = [*event_bands(events, moments=True), *outages]
        bands = sorted(found, key=lambda band: band.start)
        return mark, [
            {
                "start": band.start - self._origin,
                "end": None if band.end is None else band.end - self._origin,
                "label": band.label,
                "colour": look_of_fault(band.kind),
            }
            for band in bands
        ]

    def _still_end(self, bands: Sequence[Mapping[str, Any]]) -> float:
        """Return where the picture that stays ends: while a load runs, with what is newest."""
        newest = max(self._seen, self._newest, self._origin + self._apart)
        if self._load.running:
            return newest
        closing = self._cluster._session.closing_began

        def times(rows: Sequence[Mapping[str, Any]], name: str) -> list[float]:
            found = [self._origin + row[name] for row in rows if row[name] is not None]
            return [time for time in found if time < closing]

        ends = [*times(bands, "end"), *times(self.alerts, "time"), *times(self.alerts, "end")]
        return still_end(
            self._load.last_span,
            faults=times(bands, "start"),
            others=ends,
            newest=newest,
            window=self._window,
            after=self._load.after,
        )

    def _picture(self) -> str:
        bands = self.bands
        if self.state != "over":  # then it is as it was when that began
            # Not as the charts are: they may be paused, or wait for somebody who draws them.
            _, bands = self._bands()
            self._seen = self._take_in(still=True)
        # That all heals and all nodes stop when a cluster closes is no event to be shown.
        closing = self._cluster._session.closing_began - self._origin
        bands = [band for band in bands if band["start"] < closing]
        end = self._still_end(bands)
        start = max(self._origin, end - self._window)
        charts = []
        for at, name in enumerate(self._metrics):
            choice = self._choices[at].copy()
            found = self._lines(at, start, choice)
            factor, unit = _scale(name, found)
            load = name in LOAD_CHARTS
            apart = self._load.apart if load else self._apart
            lines = [
                StillLine(
                    shown_name(key),
                    times - self._origin,
                    values * factor,
                    LoadLines.style(key) if load else choice.styles[key],
                    apart,
                )
                for key, (times, values) in found.items()
            ]
            charts.append(
                StillChart(
                    self._load.title(name, start, still=True) if load else _title(name, found),
                    "log scale" if name in _LOG else unit,  # it is low: the title says of what
                    lines,
                    self._still_marks(name, factor),
                    StillValues(_unit(name), factor, log=name in _LOG),
                    of=max(choice.of, len(lines)),
                    empty=(self._load.empty(name, start, still=True) or "no operations in view")
                    if load
                    else "no samples in view",
                )
            )
        shades = [StillBand(**band) for band in bands]
        span = (start - self._origin, end - self._origin)
        return still_charts(charts, span=span, bands=shades) + self._alerts_picture()


def _largest(lines: Mapping[tuple[str, str], Line]) -> float:
    tops = [np.nanmax(values, initial=0.0) for _, values in lines.values()]
    return float(max(tops, default=0.0))


def _scale(name: str, lines: Mapping[tuple[str, str], Line]) -> Scale:
    """Return how values are shown on an axis; in orders of magnitude each tick has a unit."""
    return Scale(1.0, _unit(name)) if name in _LOG else scale_of(_largest(lines), _unit(name))


def _title(name: str, lines: Collection[object]) -> str:
    """Return what stands above a chart of the cluster's own metrics."""
    return title_of(name) if lines else f"{title_of(name)} · nothing yet"


def _axis(name: str, unit: str) -> str:
    """Return what stands along an axis; in orders of magnitude no unit is that of all numbers."""
    return _LOG.get(name, unit)


def shown_name(key: tuple[str, str]) -> str:
    """Return what a line is called: its server, or its node where it is about all of that."""
    node, server = key
    return server or node


def _unit(name: str) -> str:
    return LOAD_CHARTS[name].unit if name in LOAD_CHARTS else unit_of(name)


def _known(name: str, path: str) -> str:
    if not isinstance(name, str) or (name not in METRICS and name not in LOAD_CHARTS):
        allowed = ", ".join([*METRICS, *LOAD_CHARTS])
        raise InvalidArgument("no such metric", path=path, value=name, allowed=allowed)
    return name
