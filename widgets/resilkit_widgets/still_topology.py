"""The picture of a topology that stays, as plain HTML and SVG."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

from resilkit.texts import plain
from resilkit_widgets.node_rows import UP
from resilkit_widgets.still_matrix import still_matrix
from resilkit_widgets.still_ring import still_ring
from resilkit_widgets.topology_looks import Shown, letter

__all__ = ["still_topology", "summary"]

_MOST_TOLD = 12

_STYLE = (
    # Rather scrolled than too small to be read.
    "figure.rk-stilltopology{overflow-x:auto}"
    ".rk-stilltopology :is(svg,img){max-width:100%;min-width:560px;height:auto}"
    ".rk-stilltopology svg{font:11px system-ui,sans-serif}"
    ".rk-stilltopology text{fill:currentColor;text-anchor:middle}"
    ".rk-stilltopology .rk-n{font-weight:600}"
    ".rk-stilltopology .rk-l{paint-order:stroke;stroke-width:4px;"
    "stroke:var(--rk-paper,var(--jp-layout-color0,Canvas))}"
    ".rk-stilltopology p,.rk-stilltopology ul{margin:.3em 0;font:13px/1.45 system-ui,sans-serif}"
)


def still_topology(shown: Shown, harmed: Mapping[str, int]) -> str:
    """Return a picture, and in words who is apart and what is on links.

    Args:
        shown: What to draw; where it is to be told in words alone, nothing is drawn.
        harmed: How many links are ``cut``, how many ``slow``, how many disturbed by ``other``
            faults, and how many have anything on them.
    """
    draw = {"ring": still_ring, "matrix": still_matrix}.get(str(shown.view.get("kind")))
    told = html.escape(summary(shown.nodes, len(shown.links), harmed, shown.base))
    seen = "cluster closed, as last seen" if shown.closed else "as last seen"
    return (
        f'<figure class="rk-stilltopology" style="margin:0"><style>{_STYLE}</style>'
        f"<p><b>Topology</b> {told} · {seen}</p>{draw(shown) if draw else ''}{_sides(shown.nodes)}"
        f"{_listed(list(shown.on.values()), harmed)}</figure>"
    )


def summary(
    nodes: Sequence[Mapping[str, Any]], links: int, harmed: Mapping[str, int], base: str
) -> str:
    """Return the state of all in a line.

    Examples:
        >>> summary([{"status": "running", "side": -1}], 0, {"cut": 0, "slow": 0}, "")
        '1 node'
    """
    down = sum(1 for node in nodes if node["status"] not in UP)
    sides = len({node["side"] for node in nodes} - {-1})
    parts = [plain(len(nodes), "node"), plain(links, "link") if links else ""]
    parts.append(f"{down} down" if down else "")
    parts.append(f"{sides} sides apart" if sides else "")
    parts.append(f"{plain(harmed.get('cut', 0), 'link')} cut" if harmed.get("cut") else "")
    parts.append(f"{harmed['slow']} slowed" if harmed.get("slow") else "")
    parts.append(f"{harmed['other']} disturbed" if harmed.get("other") else "")
    parts.append(f"{base} on every link" if base else "")
    return " · ".join(part for part in parts if part)


def _sides(nodes: Sequence[Mapping[str, Any]]) -> str:
    sides: dict[int, list[str]] = {}
    for node in nodes:
        sides.setdefault(node["side"], []).append(node["name"])
    told = [
        f"<li>side {letter(side)}: {html.escape(_few(names))}</li>"
        for side, names in sorted(sides.items())
        if side >= 0
    ]
    return f"<ul>{''.join(told)}</ul>" if told else ""


def _few(names: Sequence[str], most: int = 24) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _listed(harms: Sequence[Sequence[Any]], harmed: Mapping[str, int]) -> str:
    told = []
    for name, cut, late, other, _ in harms[:_MOST_TOLD]:
        a, _, b = name.partition("<->")
        way = {"both": "cut", "out": f"what {a} sends is lost", "in": f"what {b} sends is lost"}
        words = [way.get(cut, ""), f"+{late}" if late else ""]
        words.append(f"disturbed by {other}" if other else "")
        said = ", ".join(word for word in words if word) or "disturbed"
        told.append(f"<li>{html.escape(f'{a} ↔ {b}: {said}')}</li>")
    more = harmed.get("all", 0) - len(told)
    if more > 0:
        told.append(f"<li>… and {plain(more, 'more link')}</li>")
    return f"<ul>{''.join(told)}</ul>" if told else ""
