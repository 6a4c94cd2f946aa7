"""`TracePanel`: the messages of a server, live, as a sequence diagram."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import traitlets

from resilkit import Cluster, ClusterReference, InvalidArgument, Trace, validate
from resilkit.cluster.trace_log import TraceMessage, counted
from resilkit.markup import display, note
from resilkit.metrics.sequence import look_of, outside, text_of
from resilkit.metrics.sequence_svg import sequence_svg
from resilkit.runtime.trace_filter import TRACE_KINDS
from resilkit_widgets.acting import ActingPanel
from resilkit_widgets.panel import bundle

__all__ = ["TracePanel", "looks"]

_SHOWN = 100
"""Messages in the diagram: more than anybody reads, and few enough to send ten times a second."""
_KEPT = 2_000
_RATE = 500.0
"""Messages a second that are recorded at most: far more than anybody can follow."""

_GROUPS = {
    "calls": ("call", "reply", "error", "request"),
    "casts": ("cast",),
    "infos": ("info", "timer", "publish", "node"),
    "signals": ("exit", "down", "started", "ended"),
}
"""Kinds that are shown or hidden together."""


class TracePanel(ActingPanel):
    """Shows who says what to a server, and what it answers, as it happens.

    Choose a server of those that run and press Start; the newest message is at the bottom. What
    one carried, and how long it waited for its answer, stands under the diagram when it is pointed
    at or has the focus. A trace follows the name over restarts. When the panel is closed, so is its
    trace, and the last diagram stays in the notebook.

    Args:
        cluster: The cluster.
        server: A name in the cluster, or a reference, to be traced as soon as the panel is
            displayed; ``None`` to choose one there.

    Attributes:
        trace: The trace that goes on, or the last one: a `resilkit.Trace`, or ``None``.

    Raises:
        InvalidArgument: `cluster` is no `resilkit.Cluster`, or `server` can be no server's name.

    Examples:
        ::

            panel = TracePanel(cluster, "bank")
            panel.trace.frame()
    """

    _esm, _css = bundle("trace")

    servers: traitlets.List[Any] = traitlets.List().tag(sync=True)
    server = traitlets.Unicode("").tag(sync=True)
    tracing = traitlets.Bool(False).tag(sync=True)
    run = traitlets.Int(0).tag(sync=True)
    groups: traitlets.List[Any] = traitlets.List(list(_GROUPS)).tag(sync=True)
    paused = traitlets.Bool(False).tag(sync=True)
    messages: traitlets.List[Any] = traitlets.List().tag(sync=True)
    order: traitlets.List[Any] = traitlets.List().tag(sync=True)
    told = traitlets.Unicode("").tag(sync=True)
    outside = traitlets.Unicode("").tag(sync=True)
    looks: traitlets.Dict[Any, Any] = traitlets.Dict().tag(sync=True)

    # Of a panel that could not be made, too: it is closed like any other.
    trace: Trace | None = None

    def __init__(self, cluster: Cluster, server: str | ClusterReference | None = None) -> None:
        if not isinstance(cluster, Cluster):
            raise InvalidArgument(
                "must be a running cluster", path="cluster", value=cluster, allowed="a Cluster"
            )
        self._cluster = cluster
        self._reference = _reference(cluster, server)
        self._name = "" if self._reference is None else _name_of(self._reference)
        # Of traces that another choice of kinds has ended: the diagram goes on with the next one.
        self._earlier: list[TraceMessage] = []
        self._counted = 0
        self._lost = 0
        self._mark = 0
        self._origin: float | None = None
        super().__init__(server=self._name, looks=looks())

    def __repr__(self) -> str:
        what = "no trace yet" if self.trace is None else repr(self.trace)[1:-1]
        return f"<TracePanel {self.state}: {what}>"

    # What it shows -------------------------------------------------------------------------------

    def _update(self) -> None:
        self.servers = self._running()
        trace = self.trace
        self.tracing = trace is not None and not trace.over
        if trace is None:
            return
        self.told = self._counted_words(trace)
        if not self.paused:
            self._show_new(trace)

    def _show_new(self, trace: Trace) -> None:
        self._mark, new = trace.after(self._mark)
        if not new:
            return
        origin = self._begun(trace)
        rows = [
            {
                "id": self._counted + row.id,
                "time": row.time - origin,
                "kind": row.kind,
                "sender": row.sender,
                "receiver": row.receiver,
                "text": text_of(row),
                "payload": row.payload,
                "answers": row.answers and self._counted + row.answers,
            }
            for row in new[-_SHOWN:]
        ]
        self.messages = [*self.messages, *rows][-_SHOWN:]
        ends = (row[end] for row in self.messages for end in ("sender", "receiver"))
        seen = dict.fromkeys(name for name in ends if name)
        # Those who are there keep their places; whoever has had no message for long gives it up.
        there = [name for name in self.order if name in seen]
        self.order = list(dict.fromkeys([*there, *seen]))
        self.outside = outside(self.order)

    def _begun(self, trace: Trace) -> float:
        """Return the time of the first message since the diagram began, kept or not."""
        if self._origin is None:
            self._origin = trace._log.began
        return self._origin or 0.0

    def _counted_words(self, trace: Trace) -> str:
        log = trace._log
        return counted(
            self._counted + log.appended,
            too_fast=self._lost + log.too_fast,
            kept=len(self._earlier) + len(log),
        )

    def _running(self) -> list[dict[str, Any]]:
        """Return the names that are held now, by node; the chosen one is there in any case."""
        if self._cluster.closed:
            return []
        found: dict[str, list[str]] = {node: [] for node in self._cluster.nodes}
        for name, pid in sorted(self._cluster._session.node.names.all().items()):
            found.setdefault(pid.node, []).append(name)
        known = {name for names in found.values() for name in names}
        if self.server and self.server not in known:
            # One that has ended, or that was given by its pid or as a node's own.
            address = None if self._reference is None else self._reference.address
            where = "not running" if isinstance(address, str) or address is None else "others"
            found[where] = [self.server]
        return [{"node": node, "names": names} for node, names in found.items() if names]

    def _ended(self) -> bool:
        return self._cluster.closed

    def _picture(self) -> str:
        if self.trace is None:
            return display("Trace", "", note("No server was traced."))
        trace = self.trace
        told = note(f"{self._counted_words(trace)}; {trace._why or 'as last seen'}")
        drawn = sequence_svg(self._wanted(trace), origin=self._begun(trace), order=self.order)
        return display("Trace of", trace.name, told, drawn)

    def _wanted(self, trace: Trace) -> list[Any]:
        kinds = self._kinds()
        # What has come: a picture that is made again and again waits for no node.
        return [row for row in [*self._earlier, *trace._log.all()] if row.kind in kinds]

    # What its buttons do -------------------------------------------------------------------------

    def _kinds(self) -> list[str]:
        return [kind for group in self.groups for kind in _GROUPS[group]]

    def _words(self, what: str, content: Mapping[str, Any]) -> str:
        validate.choice(what, "do", ("start", "stop", "filter"))
        if what == "start":
            return f"tracing {content.get('server')}"
        return "stopping" if what == "stop" else "filtering"

    def _do(self, what: str, content: Mapping[str, Any]) -> None:
        if what == "start":
            self._choose(content.get("server"))
            self._begin(new=True)
        elif what == "stop":
            self._end()
        else:
            self._filter(content.get("groups"))

    def _choose(self, server: Any) -> None:
        if server != self._name or self._reference is None:
            self._reference = _reference(self._cluster, server)
            if self._reference is None:
                raise InvalidArgument("is missing", path="server", allowed="a server's name")
        self._name = _name_of(self._reference)

    def _filter(self, groups: Any) -> None:
        """Show and record only these: what is not asked for must not crowd out what is."""
        if not isinstance(groups, list):
            raise InvalidArgument("is no list", path="groups", value=groups)
        for place, group in enumerate(groups):
            validate.choice(group, f"groups[{place}]", tuple(_GROUPS))
        with self._guard:
            self.groups = [group for group in _GROUPS if group in groups]
        if self.trace is not None and not self.trace.over:
            self._begin(new=False)

    def _begin(self, *, new: bool) -> None:
        """Trace the chosen server; a trace that goes on ends first.

        Args:
            new: Whether the diagram begins anew.
        """
        assert self._reference is not None  # noqa: S101 - it was chosen
        kinds = self._kinds()
        if not kinds:
            raise InvalidArgument(
                "leaves nothing to trace", path="groups", allowed=", ".join(_GROUPS)
            )
        self._end()
        trace = self._reference.trace(kinds=kinds, limit=_KEPT, rate=_RATE)
        with self._guard, self.hold_sync():
            late = self.state == "over"
            if not late:
                self._put_away(new=new)
                self.trace, self._mark = trace, 0
                self.server, self.tracing = self._name, True
                self.run += 1
        if late:  # the panel was closed meanwhile: nobody would end it
            trace.stop()

    def _put_away(self, *, new: bool) -> None:
        if new or self.trace is None:
            self._earlier, self._counted, self._lost = [], 0, 0
            self.messages, self.order, self.paused = [], [], False
            self.told, self.outside, self._origin = "", "", None
            return
        self._show_new(self.trace)
        self._earlier = [*self._earlier, *self.trace.messages][-_KEPT:]
        self._counted += self.trace._log.appended
        self._lost += self.trace._log.too_fast

    def _end(self) -> None:
        if self.trace is not None:
            self.trace.stop()

    # Life ----------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to tick, and to trace the server that was given. Twice is once."""
        begins = self.state == "new" and self._reference is not None
        super().start()
        if begins:
            self.act("start", {"server": self._name})

    def stop(self) -> None:
        """End the trace, and leave the last picture in the notebook. Twice is once."""
        self._end()
        super().stop()
        self._end()  # of one that a Start has begun meanwhile; from now on none begins


def looks() -> dict[str, dict[str, Any]]:
    """Return how each kind is drawn, and with which others it is shown or hidden."""
    groups = {kind: group for group, kinds in _GROUPS.items() for kind in kinds}
    return {kind: asdict(look_of(kind)) | {"group": groups[kind]} for kind in TRACE_KINDS}


def _reference(cluster: Cluster, server: Any) -> ClusterReference | None:
    if server is None or isinstance(server, ClusterReference):
        return server
    if not isinstance(server, str):
        raise InvalidArgument(
            "is no server", path="server", value=server, allowed="a name, a reference, or None"
        )
    try:
        return cluster.whereis(server)
    except InvalidArgument as error:
        raise validate.relocated(error, "server") from None


def _name_of(reference: ClusterReference) -> str:
    return reference.name or str(reference.address)
