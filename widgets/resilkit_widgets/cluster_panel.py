"""`ClusterPanel`: launch a cluster, see its nodes, and kill, pause, resume or restart them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import traitlets

from resilkit import Cluster, InvalidArgument, Refused, ResilkitError, Workload, validate
from resilkit.cluster.handles import NodeHandle
from resilkit.markup import display, signed, table
from resilkit.texts import plain
from resilkit_widgets.acting import ActingPanel
from resilkit_widgets.in_code import in_code
from resilkit_widgets.node_rows import node_rows
from resilkit_widgets.panel import bundle
from resilkit_widgets.sample_systems import NO_SYSTEM, OFFERED, SAMPLES

__all__ = ["ClusterPanel"]

_COLUMNS = ("node", "status", "pid", "memory", "queue")
_ACTIONS = {
    "kill": "killing",
    "pause": "pausing",
    "resume": "resuming",
    "restart": "restarting",
}


class ClusterPanel(ActingPanel):
    """Shows the nodes of a cluster, and does to them what its buttons say.

    Leave it as the last line of a cell. Without a cluster it has a form that launches one, which
    is its `cluster` then, with a sample system and its load if one likes: `resilkit.apps.counters`
    or `resilkit.apps.store`. When the cluster is closed, the table stays in the notebook, with what
    was seen last. A panel that is closed leaves its cluster running; one that it was about to
    launch is closed.

    Args:
        cluster: The cluster to show; ``None`` for a form.

    Attributes:
        workload: The load that belongs to the sample system, whether it was started or not;
            ``None`` without a sample system.

    Raises:
        InvalidArgument: `cluster` is no `resilkit.Cluster`.

    Examples:
        ::

            panel = ClusterPanel()  # choose a system, or "none", and press Launch
            panel.cluster.start(Counter, name="my-counter")
    """

    _esm, _css = bundle("cluster")

    cluster = traitlets.Instance(Cluster, allow_none=True)
    nodes: traitlets.List[Any] = traitlets.List().tag(sync=True)
    about = traitlets.Unicode("").tag(sync=True)
    systems: traitlets.List[Any] = traitlets.List().tag(sync=True)
    hint = traitlets.Unicode("").tag(sync=True)

    workload: Workload | None = None

    def __init__(self, cluster: Cluster | None = None) -> None:
        if cluster is not None and not isinstance(cluster, Cluster):
            raise InvalidArgument(
                "must be a running cluster", path="cluster", value=cluster,
                allowed="a Cluster, or None for a form",
            )  # fmt: skip
        super().__init__(cluster=cluster, systems=list(OFFERED))

    def __repr__(self) -> str:
        return f"<ClusterPanel {self.state} of {self.cluster!r}>"

    def _update(self) -> None:
        cluster = self.cluster
        if cluster is None:
            return
        self.closed = cluster.closed
        self.nodes = node_rows(cluster)
        self.about = cluster._session.backend.words(cluster.seed)
        self.hint = _next_line(cluster)

    def _ended(self) -> bool:
        return self.cluster is not None and self.cluster.closed

    def _words(self, what: str, content: Mapping[str, Any]) -> str:
        if what == "launch":
            return "launching"
        validate.choice(what, "do", tuple(_ACTIONS))
        return f"{_ACTIONS[what]} {', '.join(content['nodes'])}"

    def _do(self, what: str, content: Mapping[str, Any]) -> None:
        if what == "launch":
            self._launch(content)
        elif self.cluster is not None:
            for name in content["nodes"]:
                validate.choice(name, "node", list(self.cluster.nodes))
            _to_each([self.cluster.nodes[name] for name in content["nodes"]], what)

    def _launch(self, content: Mapping[str, Any]) -> None:
        if self.cluster is not None and not self.cluster.closed:
            raise InvalidArgument("runs already", path="cluster", value=self.cluster)
        if self.state == "over":
            raise Refused("the panel is closed, and launches nothing any more")
        system = content.get("system", NO_SYSTEM)
        validate.choice(system, "system", (*SAMPLES, NO_SYSTEM))
        loaded = validate.boolean(content.get("load", False), "load")
        wished = {name: content.get(name) for name in ("topology", "seed")}
        options = {name: value for name, value in wished.items() if value is not None}
        cluster = Cluster(content["nodes"], **options)
        try:
            sample, workload = SAMPLES.get(system), None
            if sample is not None:
                sample.start(cluster)
                workload = sample.workload(list(cluster.nodes))
            self._show(cluster, workload)
        except BaseException:
            if self.cluster is not cluster:
                cluster.close()
            raise
        if workload is not None and loaded:
            workload.start(cluster)

    def _show(self, cluster: Cluster, workload: Workload | None) -> None:
        """Show what was launched, unless the panel was closed meanwhile: nobody would close it."""
        with self._guard:
            if self.state == "over":
                raise Refused("the panel was closed meanwhile, and so its cluster is")
            self.workload = workload
            self.cluster = cluster

    def _picture(self) -> str:
        rows = [
            (row["name"], signed(row["status"]), row["pid"] or None, row["memory"] or None,
             row["queue"])
            for row in self.nodes
        ]  # fmt: skip
        end = "closed, as last seen" if self.closed else "as last seen"
        caption = f"Cluster of {plain(len(self.nodes), 'node')}, {self.about}, {end}"
        shown = table(_COLUMNS, rows, numbers=(2, 3, 4), caption=caption, most=len(rows))
        return display("Cluster", "", shown)


def _to_each(nodes: Sequence[NodeHandle], what: str) -> None:
    """Do something to each of several nodes; what some refuse is raised when all had their turn."""
    refused: dict[str, ResilkitError] = {}
    for node in nodes:
        try:
            getattr(node, what)()
        except ResilkitError as error:
            refused[node.name] = error
    if len(refused) == 1:
        raise next(iter(refused.values()))
    if refused:
        raise Refused("; ".join(f"{name}: {error}" for name, error in refused.items()))


def _next_line(cluster: Cluster) -> str:
    """Return what to type next, while nothing runs on a cluster; ``""`` after that."""
    if cluster.closed or cluster._session.node.names.all():
        return ""
    return f'{in_code(cluster)}.start(MyServer, name="mine")'
