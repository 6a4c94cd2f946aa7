"""Every sample of every metric, in columns, in bounded memory."""

from __future__ import annotations

import difflib
import math
import threading
import warnings
from array import array
from typing import TYPE_CHECKING, Any, Self

from resilkit import importing, validate
from resilkit.errors import InvalidArgument
from resilkit.export import write_frame
from resilkit.metrics.columns import Series, joined, lines
from resilkit.metrics.units import METRICS, unit_of, why_unmeasured
from resilkit.texts import plain

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    import numpy as np
    import numpy.typing as npt
    from pandas import DataFrame

    from resilkit.metrics.columns import Line

__all__ = ["MetricStore", "all_metrics"]


class MetricStore:
    """Samples of metrics as columns: time, node, server, value.

    Memory is bounded: of each metric at most `max_rows` rows are kept (about 20 bytes each);
    beyond that the oldest are dropped, a sixteenth of `max_rows` (at most 4,096 rows) at a time,
    and counted.

    One thread may append while others read: an append takes the lock for about a microsecond,
    a reader only while it copies references to full blocks and the one that is being filled.

    Args:
        max_rows: Rows kept of each metric, >= 1.
        simulated: Whether they are of a simulation, which has nothing to tell of a machine.

    Raises:
        InvalidArgument: `max_rows` is not a whole number >= 1.

    Examples:
        >>> store = MetricStore()
        >>> store.append("queue_length", 1.0, "n1", "counter-0", 3)
        >>> store.frame("queue_length").to_dict("records")
        [{'time': 1.0, 'node': 'n1', 'server': 'counter-0', 'value': 3.0}]
    """

    def __init__(self, *, max_rows: int = 500_000, simulated: bool = False) -> None:
        self.max_rows = validate.number(max_rows, "max_rows", low=1, integer=True)
        self.simulated = simulated
        self._lock = threading.Lock()
        self._series: dict[str, Series] = {}
        # Replaced whole, never edited: whoever appends goes over it without a lock.
        self._watchers: Mapping[str, tuple[Callable[[float, str, str, float], object], ...]] = {}

    def append(self, metric: str, time: float, node: str, server: str, value: float) -> None:
        """Add one sample.

        Args:
            metric: A name of `METRICS`, or one of your own.
            time: Seconds on the cluster's clock, finite.
            node: The node's name.
            server: The server's name, or ``""`` for a metric of the whole node.
            value: In the metric's unit; NaN means "could not be measured".

        Raises:
            InvalidArgument: `time` is not finite, or `value` is no number.
        """
        try:
            time, value = float(time), float(value)
        except (TypeError, ValueError, OverflowError) as error:
            raise InvalidArgument(
                "not a sample", path=f"metrics[{metric!r}]", value=(time, value), allowed="numbers"
            ) from error
        if not math.isfinite(time):
            raise InvalidArgument("not a time", path="time", value=time, allowed="finite seconds")
        with self._lock:
            self._column(metric).append(time, node, server, value)
        for watcher in self._watchers.get(metric, ()):
            watcher(time, node, server, value)

    def extend(
        self,
        metric: str,
        times: Iterable[float],
        nodes: str | Sequence[str],
        servers: str | Sequence[str],
        values: Iterable[float],
    ) -> None:
        """Add many samples of one metric: all of them, or none when something is wrong.

        Args:
            metric: As in `append`.
            times: Seconds, finite.
            nodes: One name for all, or a name a sample.
            servers: One name for all, or a name a sample.
            values: As many as `times`.

        Raises:
            InvalidArgument: The lengths differ, or a time or a value is no number.
        """
        try:
            stamps, numbers = array("d", times), array("d", values)
        except (TypeError, OverflowError) as error:
            raise InvalidArgument(
                f"not numbers: {error}", path=f"metrics[{metric!r}]", allowed="numbers"
            ) from error
        rows = len(stamps)
        lengths = [len(numbers), *(len(x) for x in (nodes, servers) if not isinstance(x, str))]
        if any(length != rows for length in lengths):
            raise InvalidArgument(
                "the columns differ in length", path=f"metrics[{metric!r}]", value=[rows, *lengths]
            )
        if not all(map(math.isfinite, stamps)):
            raise InvalidArgument("not a time", path="times", allowed="finite seconds")
        node_names = [nodes] * rows if isinstance(nodes, str) else nodes
        server_names = [servers] * rows if isinstance(servers, str) else servers
        with self._lock:
            append = self._column(metric).append
            for row in zip(stamps, node_names, server_names, numbers, strict=True):
                append(*row)
        for watcher in self._watchers.get(metric, ()):
            for row in zip(stamps, node_names, server_names, numbers, strict=True):
                watcher(*row)

    def watch(self, metric: str, watcher: Callable[[float, str, str, float], object]) -> None:
        """Call ``watcher(time, node, server, value)`` with each sample of `metric` from now on.

        It is called in the thread that appends, once the sample is in the store, and must be short
        and not raise.

        Examples:
            >>> store = MetricStore()
            >>> store.watch("cpu", print)
            >>> store.append("cpu", 1.0, "n1", "", 0.25)
            1.0 n1  0.25
            >>> store.unwatch("cpu", print)
        """
        with self._lock:
            now = self._watchers
            self._watchers = {**now, metric: (*now.get(metric, ()), watcher)}

    @property
    def watched(self) -> bool:
        """Whether anybody watches any metric."""
        return bool(self._watchers)

    def unwatch(self, metric: str, watcher: Callable[[float, str, str, float], object]) -> None:
        """Call it no more; one that was not called is let be."""
        with self._lock:
            left = tuple(each for each in self._watchers.get(metric, ()) if each != watcher)
            others = {name: each for name, each in self._watchers.items() if name != metric}
            self._watchers = {**others, metric: left} if left else others

    def names(self) -> list[str]:
        """Return the names of the metrics that have samples, sorted."""
        with self._lock:
            return sorted(self._series)

    def __len__(self) -> int:
        """Return how many samples are kept, over all metrics."""
        with self._lock:
            return sum(column.rows for column in self._series.values())

    def __repr__(self) -> str:
        metrics = plain(len(self.names()), "metric")
        return f"<MetricStore of {plain(len(self), 'sample')} of {metrics}>"

    def _repr_html_(self) -> str:
        from resilkit.metrics.display import store_html

        return store_html(self)

    def dropped(self, metric: str | None = None) -> int:
        """Return how many old samples of `metric` (``None``: of all) were dropped."""
        with self._lock:
            if metric is not None:
                return self._series[metric].dropped if metric in self._series else 0
            return sum(column.dropped for column in self._series.values())

    def latest(self, metric: str) -> dict[tuple[str, str], tuple[float, float]]:
        """Return the newest ``(time, value)`` of `metric` for each ``(node, server)``."""
        with self._lock:
            column = self._series.get(metric)
            return {} if column is None else dict(zip(column.labels, column.newest, strict=True))

    def frame(
        self, metric: str | None = None, *, since: float | None = None, until: float | None = None
    ) -> DataFrame:
        """Return the samples as a pandas frame, sorted by time.

        Args:
            metric: Which metric; ``None`` puts all into one frame with the columns ``metric`` and
                ``unit`` in front.
            since: Only samples at this time or later (seconds).
            until: Only samples before this time (seconds).

        Returns:
            Columns ``time`` (float64, seconds), ``node`` and ``server`` (categories) and ``value``
            (float64). ``frame.attrs`` holds ``metric``, ``unit`` and ``dropped``.

            Times are those of the cluster's clock (`Cluster.clock`), the same for all nodes, and
            begin anywhere, e.g. at 3463.49: take differences. Those of a `Result` count from 0,
            the start of its load.

        Warns:
            UserWarning: Of a simulation nobody could measure it, so that the frame is empty.

        Raises:
            InvalidArgument: No metric has that name.
        """
        if metric is None:
            names = self.names()
            return all_metrics({name: self.frame(name, since=since, until=until) for name in names})
        importing.whole("pandas")
        import pandas as pd

        with self._lock:
            column = self._series.get(metric)
            dropped = 0 if column is None else column.dropped
            snapshot = None if column is None else column.snapshot(since)
        if column is None and metric not in METRICS:
            known = sorted({*METRICS, *self.names()})
            near = difflib.get_close_matches(str(metric), known, n=1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            raise InvalidArgument(
                f"no such metric{hint}", path="metric", value=metric, allowed=", ".join(known)
            )
        why = why_unmeasured(metric) if self.simulated and column is None else ""
        if why:
            warnings.warn(why, stacklevel=2)
        times, codes, values, labels = joined(snapshot, since, until)
        frame = pd.DataFrame(
            {
                "time": times,
                "node": _categories(codes, [node for node, _ in labels]),
                "server": _categories(codes, [server for _, server in labels]),
                "value": values,
            },
            copy=False,
        )
        frame.attrs.update(metric=metric, unit=unit_of(metric), dropped=dropped)
        return frame

    def lines(
        self,
        metric: str,
        *,
        since: float | None = None,
        only: Collection[tuple[str, str]] | None = None,
    ) -> dict[tuple[str, str], Line]:
        """Return the samples as arrays, a pair a line: a tenth of what a frame costs.

        Args:
            metric: Which metric; one without samples has no lines.
            since: Only samples at this time or later (seconds).
            only: Only lines of these ``(node, server)``; ``None``: all. A set is looked up fastest.

        Returns:
            For each ``(node, server)`` with samples, in the order in which they came first, the
            times in seconds, sorted, and the values, both float64 of one length.

        Examples:
            >>> store = MetricStore()
            >>> store.append("cpu", 1.0, "n1", "", 0.25)
            >>> {key: values.tolist() for key, (_, values) in store.lines("cpu").items()}
            {('n1', ''): [0.25]}
            >>> store.lines("cpu", only={("n2", "")})
            {}
        """
        with self._lock:
            column = self._series.get(metric)
            snapshot = None if column is None else column.snapshot(since)
        return lines(snapshot, since, only)

    def export(self, path: str | os.PathLike[str]) -> None:
        """Write every sample to `path`: Parquet, CSV, JSON or JSON lines, by the suffix.

        Raises:
            InvalidArgument: The suffix is not .parquet, .csv, .json or .jsonl.
            StorageError: The file cannot be written.
        """
        write_frame(self.frame(), path)

    @classmethod
    def from_frame(cls, frame: DataFrame, *, max_rows: int = 500_000) -> Self:
        """Build a store from a frame with the columns that ``frame()`` gives.

        Raises:
            InvalidArgument: A column is missing.
        """
        needed = ["metric", "time", "node", "server", "value"]
        missing = [name for name in needed if name not in frame.columns]
        if missing:
            raise InvalidArgument("columns are missing", path="frame", value=missing)
        store = cls(max_rows=max_rows)
        for name, part in frame.groupby("metric", observed=True, sort=True):
            nodes, servers = (part[column].astype(str).tolist() for column in ("node", "server"))
            store.extend(str(name), part["time"].tolist(), nodes, servers, part["value"].tolist())
        return store

    def _column(self, metric: str) -> Series:
        column = self._series.get(metric)
        if column is None:
            column = self._series[metric] = Series(self.max_rows)
        return column


def all_metrics(frames: Mapping[str, DataFrame]) -> DataFrame:
    """Return the frames of several metrics as one, with ``metric`` and ``unit`` in front.

    Args:
        frames: Metric name to a frame such as `MetricStore.frame` returns.
    """
    importing.whole("pandas")
    import pandas as pd

    parts = []
    for name, frame in frames.items():
        part = frame.astype({"node": str, "server": str})
        part.attrs.clear()  # pandas compares them when it joins frames
        part.insert(0, "metric", name)
        part.insert(1, "unit", str(frame.attrs.get("unit", unit_of(name))))
        parts.append(part)
    columns = ["metric", "unit", "time", "node", "server", "value"]
    whole = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
    texts = dict.fromkeys(["metric", "unit", "node", "server"], "category")
    return whole.astype({**texts, "time": "float64", "value": "float64"})


def _categories(codes: npt.NDArray[np.uint32], labels: list[str]) -> Any:
    importing.whole("pandas")
    import numpy as np
    import pandas as pd

    names, places = np.unique(np.array(labels, dtype=object), return_inverse=True)
    small: npt.NDArray[np.int32] = places.astype(np.int32)
    return pd.Categorical.from_codes(small[codes], categories=pd.Index(names))
