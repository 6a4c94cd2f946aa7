"""How clusters and nodes look in a notebook: a table and a picture, without scripts."""

from __future__ import annotations

import html
import math
from typing import TYPE_CHECKING

from resilkit.errors import ResilkitError

if TYPE_CHECKING:
    from resilkit.cluster.cluster import Cluster
    from resilkit.cluster.handles import NodeHandle

__all__ = ["cluster_html", "node_html"]

# Okabe and Ito's colours: told apart with every kind of colour blindness. Each status has a sign
# as well, for those who print in black and white.
_LOOKS = {
    "running": ("#009E73", "●"),
    "paused": ("#E69F00", "‖"),
    "starting": ("#56B4E9", "…"),
    "restarting": ("#56B4E9", "↻"),
    "stopped": ("#999999", "■"),
    "killed": ("#D55E00", "✕"),
    "crashed": ("#D55E00", "✕"),
}
_DOWN = frozenset({"starting", "restarting", "stopped", "killed", "crashed"})
"""Statuses in which a node has no links: they are dotted and pale."""
_SIZE = 220
_MOST_DRAWN = 24

_CSS = """
.rk-cluster{font:13px/1.45 system-ui,sans-serif;display:flex;flex-wrap:wrap;gap:1em;
align-items:flex-start}
.rk-cluster table{border-collapse:collapse}
.rk-cluster th,.rk-cluster td{padding:.2em .7em;text-align:left;border-bottom:1px solid #8884}
.rk-cluster td.rk-n{text-align:right;font-variant-numeric:tabular-nums}
.rk-cluster svg text{font:11px system-ui,sans-serif;fill:currentColor}
.rk-cluster caption{text-align:left;padding-bottom:.3em;font-weight:600}
.rk-cluster table+table{margin-top:1.2em}
"""


def cluster_html(cluster: Cluster) -> str:
    """Return the nodes, links and servers as a picture and two tables. Everything is escaped."""
    if cluster.closed:
        return f"<p>Cluster, closed (seed {cluster.seed})</p>"
    try:
        health = cluster.health()
    except ResilkitError as error:
        return f"<p>Cluster: {html.escape(str(error))}</p>"
    memory = _latest_memory(cluster)
    rows = []
    for name, row in health.items():
        colour, sign = _LOOKS.get(row["status"], ("#999999", "?"))
        sees = ", ".join(row["reachable"]) if row["answers"] else "–"
        rows.append(
            f"<tr><td>{html.escape(name)}</td>"
            f'<td><span style="color:{colour}">{sign}</span> {html.escape(row["status"])}</td>'
            f'<td class="rk-n">{row["pid"] or "–"}</td>'
            f'<td class="rk-n">{memory.get(name, "–")}</td>'
            f'<td class="rk-n">{row["servers"] if row["answers"] else "–"}</td>'
            f"<td>{html.escape(sees)}</td>"
            f"<td>{'majority' if row['majority'] else 'minority' if row['answers'] else '–'}</td>"
            "</tr>"
        )
    table = (
        f"<table><caption>Cluster of {len(health)} nodes, seed {cluster.seed}</caption>"
        "<thead><tr><th>node</th><th>status</th><th>pid</th><th>memory (MiB)</th>"
        "<th>servers</th><th>reaches</th><th>side</th></tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table>"
    )
    return (
        f'<div class="rk-cluster"><style>{_CSS}</style>{_picture(cluster, health)}'
        f"<div>{table}{_servers(cluster)}</div></div>"
    )


def _latest_memory(cluster: Cluster) -> dict[str, str]:
    frame = cluster.metrics.frame("memory_rss")
    if frame.empty:
        return {}
    latest = frame.groupby("node", observed=True)["value"].last()
    return {str(node): f"{value / 2**20:.0f}" for node, value in latest.items()}


def _servers(cluster: Cluster) -> str:
    rows = []
    for name, node in cluster.nodes.items():
        if node.status != "running":
            continue
        try:
            servers = node.servers()
        except ResilkitError:
            continue
        rows += [
            f"<tr><td>{html.escape(str(server['name']))}</td><td>{html.escape(name)}</td>"
            f"<td>{html.escape(server['class'])}</td>"
            f'<td class="rk-n">{server["queue_length"]}</td>'
            f'<td class="rk-n">{server["messages"]}</td></tr>'
            for server in servers
        ]
    if not rows:
        return ""
    more = f"<p>… and {len(rows) - 50} more</p>" if len(rows) > 50 else ""
    return (
        "<table><caption>Servers</caption><thead><tr><th>server</th><th>node</th><th>class</th><th>queue</th>"
        f"<th>messages</th></tr></thead><tbody>{''.join(rows[:50])}</tbody></table>{more}"
    )


def _picture(cluster: Cluster, health: dict[str, dict[str, object]]) -> str:
    names = list(health)
    if len(names) > _MOST_DRAWN:
        return ""
    middle, radius = _SIZE / 2, _SIZE / 2 - 34
    spots = {}
    for index, name in enumerate(names):
        angle = 2 * math.pi * index / len(names) - math.pi / 2
        spots[name] = (middle + radius * math.cos(angle), middle + radius * math.sin(angle))
    session = cluster._session
    cut = session.faults.cut_pairs()
    lines = []
    for a, b in sorted(session.edges):
        if a not in spots or b not in spots:
            continue  # of a node that another thread has added meanwhile
        (x1, y1), (x2, y2) = spots[a], spots[b]
        if _DOWN & {health[a]["status"], health[b]["status"]}:
            style = 'stroke="#8884" stroke-dasharray="1 6" stroke-linecap="round"'
        elif (a, b) in cut or (b, a) in cut:
            style = 'stroke="#D55E00" stroke-dasharray="3 5"'
        else:
            style = 'stroke="#8888"'
        lines.append(
            f'<line x1="{x1:.0f}" y1="{y1:.0f}" x2="{x2:.0f}" y2="{y2:.0f}" '
            f'{style} stroke-width="2"/>'
        )
    for name, (x, y) in spots.items():
        colour, _ = _LOOKS.get(str(health[name]["status"]), ("#999999", "?"))
        lines.append(
            f'<circle cx="{x:.0f}" cy="{y:.0f}" r="9" fill="{colour}"/>'
            f'<text x="{x:.0f}" y="{y + 22:.0f}" text-anchor="middle">{html.escape(name)}</text>'
        )
    return (
        f'<svg width="{_SIZE}" height="{_SIZE}" role="img" aria-label="topology">'
        f"{''.join(lines)}</svg>"
    )


def node_html(node: NodeHandle) -> str:
    """Return one node in a line."""
    colour, sign = _LOOKS.get(node.status, ("#999999", "?"))
    process = f", pid {node.pid}" if node.pid is not None else ""
    return (
        f'<span>node <b>{html.escape(node.name)}</b> <span style="color:{colour}">{sign}</span> '
        f"{html.escape(node.status)}{process}</span>"
    )
