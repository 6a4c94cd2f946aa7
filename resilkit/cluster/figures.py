"""The figures of a cluster, from what its nodes have told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resilkit.cluster.looking import look
from resilkit.cluster.picture import link_states
from resilkit.cluster.supervision import branches, find_branch
from resilkit.errors import InvalidArgument, ResilkitError
from resilkit.importing import whole
from resilkit.metrics.event_bands import event_bands
from resilkit.metrics.units import format_value
from resilkit.texts import plain

if TYPE_CHECKING:
    from resilkit.cluster.cluster import Cluster
    from resilkit.cluster.reference import ClusterReference
    from resilkit.metrics.plots import Picture

__all__ = ["supervision_tree", "timeline", "topology"]

_RECENT = 3.0
"""Seconds whose messages make the load of a link."""


def topology(cluster: Cluster, *, theme: str, width: int) -> Picture:
    """Return the figure of a cluster's nodes and links."""
    whole("resilkit.metrics.plots")
    from resilkit.metrics.plots import topology_figure

    session = cluster._session
    statuses = {name: node.status for name, node in list(session.nodes.items())}
    memory = session.metrics.latest("memory_rss")
    used = {
        node: format_value(value, "bytes")
        for (node, _), (_, value) in memory.items()
        if statuses.get(node) in ("running", "paused")
    }
    links = link_states(session, statuses)
    about = session.backend.words(cluster.seed)
    title = cluster.spec.name or f"Cluster of {plain(len(statuses), 'node')}, {about}"
    return topology_figure(
        statuses, links, load=_load(cluster), about=used, theme=theme, width=width, title=title
    )


def _load(cluster: Cluster) -> dict[tuple[str, str], float]:
    """Return the messages a second of each link, both ways together, of the last seconds."""
    rates: dict[tuple[str, str], float] = {}
    edges = {frozenset(edge): edge for edge in cluster._session.edges}
    lines = cluster.metrics.lines("link_messages", since=cluster.clock.now() - _RECENT)
    for (node, link), (times, counts) in lines.items():
        edge = edges.get(frozenset((node, link.removeprefix(f"{node}->"))))
        if edge is not None and len(times) > 1 and times[-1] > times[0]:
            sent = max(0.0, float(counts[-1] - counts[0]))
            rates[edge] = rates.get(edge, 0.0) + sent / float(times[-1] - times[0])
    return rates


def timeline(cluster: Cluster, *, theme: str, width: int) -> Picture:
    """Return the figure of what has happened in a cluster."""
    whole("resilkit.metrics.plots")
    from resilkit.metrics.plots import timeline_figure

    events = cluster.events.frame()
    started = cluster.started
    last = float(events["time"].max()) if len(events) else started
    end = last if cluster.closed else max(last, cluster.clock.now())
    span = (started, max(end, started + 0.1))
    return timeline_figure(
        events, faults=event_bands(events, moments=True), theme=theme, width=width, span=span,
        origin=started, since="the cluster started",
    )  # fmt: skip


def supervision_tree(reference: ClusterReference, *, theme: str, width: int) -> Picture:
    """Return the figure of a supervisor and what is below it."""
    whole("resilkit.metrics.plots")
    from resilkit.metrics.plots import tree_figure

    session, pid = reference._session, reference.pid
    session.refuse_closed()
    [answers] = look(session, "supervision", names=[pid.node])
    answer = answers.get(pid.node)
    if isinstance(answer, ResilkitError):
        raise answer
    branch = find_branch(branches(answer or []), pid)
    if branch is None:
        raise InvalidArgument(
            "is no supervisor", path="reference", value=reference, allowed="one that has children"
        )
    return tree_figure([branch], theme=theme, width=width)
