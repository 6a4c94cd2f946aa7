"""How the specs of clusters and nodes look in a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from resilkit.cluster import spec_parts
from resilkit.cluster.picture import picture
from resilkit.cluster.restart import RestartPolicy
from resilkit.markup import block, display, guarded, note, table
from resilkit.texts import plain, shown

if TYPE_CHECKING:
    from resilkit.cluster.specs import ClusterSpec, NodeSpec

__all__ = ["cluster_spec_html", "cluster_spec_parts", "node_spec_html"]

_SETTINGS = ("seed", "start_timeout", "sample_interval", "uss_every", "detect_after", "config")


@guarded
def cluster_spec_html(spec: ClusterSpec) -> str:
    """Return the nodes and links that there are to be, and what is not as by default."""
    return display("cluster spec", spec.name or "", cluster_spec_parts(spec))


def cluster_spec_parts(spec: ClusterSpec) -> Markup:
    """Return the picture and the tables of a cluster's spec."""
    drawn = picture(dict.fromkeys(spec.names, ""), dict.fromkeys(sorted(spec.edges), "up"))
    shape = spec.topology if isinstance(spec.topology, str) else "own links"
    count = len(spec.names)
    links = len(spec.edges)
    caption = f"{plain(count, 'node')}, {shape}, {plain(links, 'link')}"
    nodes = [_node_row(spec.node(name)) for name in spec.names]
    heads = ("node", "starts", "limits", "when its process ends")
    return block(drawn, table(heads, nodes, caption=caption) + table((), _settings(spec)))


def _settings(spec: ClusterSpec) -> list[tuple[str, object]]:
    usual = type(spec)()
    rows: list[tuple[str, object]] = [
        (name.replace("_", " "), shown(getattr(spec, name)))
        for name in _SETTINGS
        if getattr(spec, name) != getattr(usual, name)
    ]
    latency = spec.link_latency
    if latency is not None:
        high = latency.low if latency.high is None else latency.high
        spread = f"{latency.low * 1000:g} to {high * 1000:g} ms, {latency.distribution}"
        rows.append(("latency of links", spread))
    return rows


def _node_row(node: NodeSpec) -> tuple[object, ...]:
    limits = node.limits.to_dict() if node.limits is not None else {}
    told = ", ".join(f"{key.replace('_', ' ')} {value:,}" for key, value in limits.items())
    starts = ", ".join(_started(each) for each in node.applications)
    policy = RestartPolicy.of(node.restart or "never")
    words = {
        "never": "stays down",
        "always": "starts again",
        "on_crash": "starts again after a crash",
    }
    return node.name, starts or None, told or None, words[policy.mode]


def _started(application: Any) -> str:
    return str(spec_parts.described(application))


@guarded
def node_spec_html(spec: NodeSpec) -> str:
    """Return one node that there is to be."""
    _, starts, limits, ends = _node_row(spec)
    rows: list[tuple[str, object]] = [
        (name, value) for name, value in (("starts", starts), ("limits", limits)) if value
    ]
    if spec.restart is not None:
        rows.append(("when its process ends", ends))
    if spec.config:
        rows.append(("config", shown(dict(spec.config))))
    plain = note("Nothing of its own: the cluster's settings hold.")
    return display("node spec", spec.name, table((), rows) or plain)
