"""The tables of a result: what a cluster's live stores offer, frozen, on the clock of the load."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pandas as pd

from resilkit.errors import InvalidArgument
from resilkit.export import write_frame
from resilkit.metrics.events import KINDS
from resilkit.metrics.store import all_metrics
from resilkit.metrics.units import why_unmeasured

__all__ = ["EVENT_COLUMNS", "METRIC_COLUMNS", "Events", "Metrics"]

EVENT_COLUMNS = ("time", "kind", "event", "node", "target", "detail")
METRIC_COLUMNS = ("time", "node", "server", "value")


class Events(pd.DataFrame):
    """A DataFrame of events that also answers ``frame(kind)``, as `Cluster.events` does.

    Columns: ``time`` (seconds since the load began; negative before it), ``kind``
    (``supervision``, ``fault``, ``node``, ``alert``, ``workload``), ``event``, ``node``,
    ``target`` and ``detail`` (JSON text).
    """

    @property
    def _constructor(self) -> type[Events]:
        return Events  # what is selected from events answers the same questions

    def frame(self, kind: str | None = None) -> pd.DataFrame:
        """Return the rows of one `kind` as a plain DataFrame, or all of them for ``None``.

        ``"fault"`` and ``"faults"`` mean the same, as in `EventLog.frame`.

        Raises:
            InvalidArgument: No event has that kind, and resilkit knows none of that name.
        """
        plain = pd.DataFrame(self)
        if kind is None:
            return plain
        seen = set(plain["kind"])
        wanted = kind if kind in seen or kind in KINDS else kind.removesuffix("s")
        if wanted not in seen and wanted not in KINDS:
            known = ", ".join(sorted({*KINDS, *seen}))
            raise InvalidArgument("no such kind of event", path="kind", value=kind, allowed=known)
        return plain[plain["kind"] == wanted].reset_index(drop=True)

    def export(self, path: str | os.PathLike[str]) -> None:
        """Write every event to `path`: Parquet, CSV, JSON or JSON lines, by the suffix.

        Args:
            path: Ends in ``.parquet``, ``.csv``, ``.json`` (an array of records) or ``.jsonl``.

        Raises:
            InvalidArgument: It has another suffix, or can be no path; nothing was written.
            StorageError: The file cannot be written; what stood there is still there.

        Examples:
            >>> import pathlib, tempfile
            >>> events = Events([(1.5, "node", "lost", "n1", "", "{}")], columns=EVENT_COLUMNS)
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     path = pathlib.Path(folder, "events.csv")
            ...     events.export(path)
            ...     pd.read_csv(path)[["time", "event", "node"]].values.tolist()
            [[1.5, 'lost', 'n1']]
        """
        write_frame(self.frame(), path)


class Metrics(Mapping[str, pd.DataFrame]):
    """Every metric of a run, by name.

    ``metrics["memory_rss"]`` is a frame with columns ``time`` (seconds since the load began),
    ``node``, ``server`` and ``value``; its ``attrs["unit"]`` says in what. `frame` and `names`
    are the same words as on `Cluster.metrics`.

    Args:
        frames: Metric name to frame, or to a function that makes it when it is first asked for.
        simulated: Whether they are of a simulation, which measures nothing of a machine.

    Examples:
        >>> row = {"time": 0.0, "node": "n1", "server": "", "value": 1.5}
        >>> metrics = Metrics({"cpu": pd.DataFrame([row])})
        >>> metrics
        <Metrics: cpu>
        >>> float(metrics["cpu"]["value"].max())
        1.5
    """

    def __init__(
        self,
        frames: Mapping[str, pd.DataFrame | Callable[[], pd.DataFrame]],
        *,
        simulated: bool = False,
    ) -> None:
        self._frames = dict(frames)
        self._simulated = simulated

    def __getitem__(self, name: str) -> pd.DataFrame:
        frame = self._frames[name]
        if not isinstance(frame, pd.DataFrame):
            frame = self._frames[name] = frame()
        return frame

    def __getstate__(self) -> dict[str, Any]:
        # What makes a frame cannot travel.
        return {"_frames": dict(self), "_simulated": self._simulated}

    def __iter__(self) -> Iterator[str]:
        return iter(self._frames)

    def __len__(self) -> int:
        return len(self._frames)

    def __repr__(self) -> str:
        return f"<Metrics: {', '.join(self._frames) or 'none'}>"

    def _ipython_key_completions_(self) -> list[str]:
        return list(self._frames)

    def names(self) -> list[str]:
        """Return the names of all metrics."""
        return list(self._frames)

    def frame(self, metric: str | None = None, *, since: float | None = None) -> pd.DataFrame:
        """Return the frame of `metric`, from the second `since` on.

        Args:
            metric: Its name; ``None`` puts all into one frame with the columns ``metric`` and
                ``unit`` in front.
            since: Seconds since the load began; ``None`` for everything.

        Raises:
            InvalidArgument: The run has no such metric.
        """
        if metric is None:
            return all_metrics({name: self.frame(name, since=since) for name in self._frames})
        if metric not in self._frames:
            allowed = ", ".join(map(repr, self._frames)) or "none was recorded"
            why = why_unmeasured(metric) if self._simulated else ""
            raise InvalidArgument(
                why or "is not in this run", path="metric", value=metric, allowed=allowed
            )
        frame = self[metric]
        return frame if since is None else frame[frame["time"] >= since]

    def export(self, path: str | os.PathLike[str]) -> None:
        """Write every sample to `path`: Parquet, CSV, JSON or JSON lines, by the suffix.

        The columns are those of ``frame()``: all metrics in one table.

        Args:
            path: Ends in ``.parquet``, ``.csv``, ``.json`` (an array of records) or ``.jsonl``.

        Raises:
            InvalidArgument: It has another suffix, or can be no path; nothing was written.
            StorageError: The file cannot be written; what stood there is still there.

        Examples:
            >>> import pathlib, tempfile
            >>> row = {"time": 0.0, "node": "n1", "server": "", "value": 1.5}
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     path = pathlib.Path(folder, "metrics.csv")
            ...     Metrics({"cpu": pd.DataFrame([row])}).export(path)
            ...     pd.read_csv(path)[["metric", "unit", "value"]].values.tolist()
            [['cpu', 'cores', 1.5]]
        """
        write_frame(self.frame(), path)
