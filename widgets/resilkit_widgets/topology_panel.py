"""`TopologyPanel`: nodes and links as a picture; cut, slow and heal them where they are drawn."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import Any

import traitlets

from resilkit import Cluster, Injection, InvalidArgument, faults, validate
from resilkit.clock import monotonic
from resilkit.cluster.link_status import LinkStatus, disturbed
from resilkit.faults.link_targets import BOTH_WAYS, named_link
from resilkit_widgets.acting import ActingPanel
from resilkit_widgets.fault_forms import described
from resilkit_widgets.node_rows import UP, node_rows
from resilkit_widgets.panel import bundle
from resilkit_widgets.still_topology import still_topology
from resilkit_widgets.topology_looks import Shown
from resilkit_widgets.topology_rows import (
    base_latency,
    harms,
    load_rows,
    other_faults,
    sides_of,
    view_of,
)

__all__ = ["TopologyPanel"]

_LOOK_EVERY = 1.0
"""Seconds over which the load of links is told: shorter ones would make it flicker."""
_COUNTERS = ("link_messages", "link_bytes", "link_drops")
_SLOWEST = 600_000.0
_MOST_TOLD = 20
_NODE_ACTIONS = {
    "kill": "killing",
    "pause": "pausing",
    "resume": "resuming",
    "restart": "restarting",
    "isolate": "isolating",
}
_LINK_ACTIONS = {"cut": "cutting", "slow": "slowing"}


class TopologyPanel(ActingPanel):
    """Draws the nodes and links of a running cluster, and acts on those that somebody chooses.

    Links are as wide as the messages that they carry are many, and tell latencies that faults add.
    Cut ones are dashed and have scissors, with an arrow where one way alone is lost; what else
    disturbs a link, too little bandwidth say, is named on it. Nodes that no longer reach each other
    have tints and letters of their own. A link can be cut (both ways or one), slowed, and healed; a
    node killed, paused, resumed, restarted and isolated. What code or other panels do is shown, and
    can be healed, just the same.

    Up to 24 nodes stand on a ring; up to 100 have a matrix, a row and a column each; of more it is
    told who is apart from whom, and which links are cut. No node is asked, so that none that hangs
    holds the picture up.

    Args:
        cluster: The cluster to draw.

    Raises:
        InvalidArgument: `cluster` is no `resilkit.Cluster`.

    Examples:
        ::

            TopologyPanel(cluster)
    """

    _esm, _css = bundle("topology")

    view: traitlets.Dict[Any, Any] = traitlets.Dict().tag(sync=True)
    nodes: traitlets.List[Any] = traitlets.List().tag(sync=True)
    links: traitlets.List[Any] = traitlets.List().tag(sync=True)
    loads: traitlets.List[Any] = traitlets.List().tag(sync=True)
    harms: traitlets.List[Any] = traitlets.List().tag(sync=True)
    harmed: traitlets.Dict[Any, Any] = traitlets.Dict().tag(sync=True)
    injections: traitlets.Dict[Any, Any] = traitlets.Dict().tag(sync=True)
    base = traitlets.Unicode("").tag(sync=True)

    def __init__(self, cluster: Cluster) -> None:
        if not isinstance(cluster, Cluster):
            raise InvalidArgument(
                "must be a running cluster", path="cluster", value=cluster, allowed="a Cluster"
            )
        self._cluster = cluster
        self._slowed: dict[frozenset[str], Injection] = {}
        self._edges: list[tuple[str, str]] = []
        self._counters: dict[str, Any] = {}
        self._looked = float("-inf")
        super().__init__(base=base_latency(cluster.spec.link_latency))

    def __repr__(self) -> str:
        return f"<TopologyPanel {self.state} of {self._cluster!r}>"

    # What is shown -------------------------------------------------------------------------------

    def _update(self) -> None:
        self.closed = self._cluster.closed
        if self.closed and self.nodes:
            self._show_left()  # links are shown as they were, and not their end
            return
        session = self._cluster._session
        rows = node_rows(self._cluster)
        place = {row["name"]: index for index, row in enumerate(rows)}
        # One that another thread adds, or takes out, may have links and no row, or no links yet.
        edges = [edge for edge in list(session.edges) if place.keys() >= set(edge)]
        edges.sort(key=lambda edge: (place[edge[0]], place[edge[1]]))
        status = {
            edge: one for edge, one in disturbed(session).items() if place.keys() >= set(edge)
        }
        self._show_nodes(rows, edges, status)
        self._show_harms(status)
        self._show_loads(edges)

    def _show_left(self) -> None:
        left = {row["name"]: row for row in node_rows(self._cluster)}
        self.nodes = [row | left.get(row["name"], {}) for row in self.nodes]

    def _show_nodes(
        self,
        rows: list[dict[str, Any]],
        edges: list[tuple[str, str]],
        status: Mapping[tuple[str, str], LinkStatus],
    ) -> None:
        names = [row["name"] for row in rows]
        view = view_of(len(names))
        joined = [edge for edge in edges if edge not in status or not status[edge].cut]
        up = {row["name"] for row in rows if row["status"] in UP}
        for row, side in zip(rows, sides_of(names, joined, up), strict=True):
            row["side"] = side
        for row, spot in zip(rows, view.spots, strict=False):
            row.update(spot._asdict())
        self.nodes = rows
        self.view = {"kind": view.kind, "width": view.width, "height": view.height}
        place = {name: index for index, name in enumerate(names)}
        listed = edges if view.kind != "sides" else []
        self.links = [[place[a], place[b]] for a, b in listed]

    def _show_harms(self, status: Mapping[tuple[str, str], LinkStatus]) -> None:
        found = list(status.values())
        self.harmed = {
            "cut": sum(1 for one in found if one.cut),
            "slow": sum(1 for one in found if one.added[1]),
            "other": sum(1 for one in found if other_faults(one)),
            "all": len(found),
        }
        shown = found if self.view["kind"] != "sides" else found[:_MOST_TOLD]
        self.harms = harms(shown)
        count: dict[str, int] = {}
        told: dict[str, str] = {}
        for one in found:
            for name, fault in one.faults.items():
                count[name] = count.get(name, 0) + 1
                told[name] = described(fault)
        self.injections = {name: [told[name], count[name]] for name in told}

    def _show_loads(self, edges: list[tuple[str, str]]) -> None:
        now = monotonic()
        if now - self._looked < _LOOK_EVERY and edges == self._edges:
            return
        counters = {name: self._cluster.metrics.latest(name) for name in _COUNTERS}
        if self.view["kind"] != "sides":
            self.loads = load_rows(edges, self._counters, counters)
        self._counters, self._edges, self._looked = counters, edges, now

    def _ended(self) -> bool:
        return self._cluster.closed

    def _picture(self) -> str:
        on = {row[0]: row for row in self.harms}
        shown = Shown(self.view, self.nodes, self.links, self.loads, on, self.base, self.closed)
        return still_topology(shown, self.harmed)

    # What is done --------------------------------------------------------------------------------

    def _words(self, what: str, content: Mapping[str, Any]) -> str:
        if what == "heal_all":
            return "healing all"
        if what == "heal":
            return f"healing {', '.join(_ids(content))}"
        if what in _LINK_ACTIONS:
            return f"{_LINK_ACTIONS[what]} {_link(content)}"
        validate.choice(what, "do", (*_NODE_ACTIONS, *_LINK_ACTIONS, "heal", "heal_all"))
        return f"{_NODE_ACTIONS[what]} {self._node(content)}"

    def _do(self, what: str, content: Mapping[str, Any]) -> None:
        actions: dict[str, Callable[[], object]] = {
            "heal_all": self._cluster.heal,
            "heal": lambda: self._heal(_ids(content)),
            "cut": lambda: self._cluster.partition(_link(content)),
            "slow": lambda: self._slow(_link(content), content.get("ms")),
            "isolate": lambda: self._cluster.inject(
                faults.Partition("one", targets=[self._node(content)])
            ),
        }
        if what in actions:
            actions[what]()
        else:
            getattr(self._cluster.nodes[self._node(content)], what)()

    def _node(self, content: Mapping[str, Any]) -> str:
        return validate.choice(content.get("node"), "node", list(self._cluster.nodes))

    def _slow(self, link: str, ms: object) -> None:
        """Hold a link's messages back by so much, in the place of what this panel did before."""
        seconds = validate.number(ms, "ms", low=0, low_open=True, high=_SLOWEST) / 1e3
        fault = faults.Latency(seconds, seconds, targets=link)
        ends = frozenset(link.split(BOTH_WAYS))
        before = self._slowed.get(ends)
        self._slowed[ends] = self._cluster.inject(fault)
        if before is not None:
            before.heal()  # once the other is in: in between the link is not fast

    def _heal(self, names: list[str]) -> None:
        standing = self._cluster._session.faults.injections
        with contextlib.ExitStack() as stack:
            # All of them, also where one cannot be taken back; last in, first out.
            for name in names:
                if (injection := standing.get(name)) is not None:
                    stack.callback(injection.heal)  # else it has healed by itself just now


def _link(content: Mapping[str, Any]) -> str:
    link = content.get("link")
    if not isinstance(link, str) or named_link(link) is None:
        raise InvalidArgument(
            "is no link", path="link", value=link, allowed=f"such as 'n1{BOTH_WAYS}n2'"
        )
    return link


def _ids(content: Mapping[str, Any]) -> list[str]:
    names = content.get("ids")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise InvalidArgument("must be a list", path="ids", value=names, allowed="ids of faults")
    return names
