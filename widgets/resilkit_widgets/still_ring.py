"""Nodes on a ring and their links as an SVG that stays: the drawing of `front/topology_ring.js`."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping
from typing import Any

from resilkit_widgets.topology_looks import CUT, OTHER, SIDES, SLOW, STATUSES, Shown, letter

__all__ = ["still_ring"]

_MOST_LABELS = 16
_MANY_LINKS = 66
_MANY_CUTS = 24
_FEW = 12
_LONGEST = 14
_OTHER_DASHES = "14 4 2 4"


def still_ring(shown: Shown) -> str:
    """Return nodes on a ring, and the links between them, as an SVG."""
    many = len(shown.links) > _MANY_LINKS
    faint = sum(1 for harm in shown.on.values() if harm[1]) > _MANY_CUTS
    parts = [_link(shown, index, many=many, faint=faint) for index in range(len(shown.links))]
    few = len(shown.nodes) <= _FEW
    parts += [_node(node, few=few) for node in shown.nodes]
    width, height = shown.view["width"], shown.view["height"]
    return (
        f'<svg viewBox="0 0 {width} {height}" width="{width}" role="img" '
        f'aria-label="topology">{"".join(parts)}</svg>'
    )


def _link(shown: Shown, index: int, *, many: bool, faint: bool) -> str:
    one, other = shown.links[index]
    a, b = shown.nodes[one], shown.nodes[other]
    load, cut, late, disturbed, down = shown.link(index)
    total = load[0] + load[1]
    width = max(1.0, width_of(total) / 2.5) if many else width_of(total)
    colour, dash, opacity = "currentColor", "", 0.2 if many else 0.4
    if disturbed:
        colour, opacity, dash = OTHER, 1.0, _OTHER_DASHES
    if late:
        colour, opacity = SLOW, 1.0
    if cut:
        colour, opacity = CUT, 0.3 if faint else 1.0
        dash, width = "4 6" if cut == "both" else "12 5", 1.0 if faint else width
    if down:
        opacity, dash = 0.25, "1 6"
    line = (
        f'<path d="M{a["x"]} {a["y"]}L{b["x"]} {b["y"]}" stroke="{colour}" '
        f'stroke-opacity="{opacity}" stroke-width="{width:g}" stroke-dasharray="{dash}"/>'
    )
    at = label_part(one, other, len(shown.nodes))
    x, y = a["x"] + at * (b["x"] - a["x"]), a["y"] + at * (b["y"] - a["y"])
    if cut:
        line += "" if faint else _scissors(a, b, (x, y), cut)
        y += 16
    if down or cut == "both" or (len(shown.links) > _MOST_LABELS and not (late or disturbed)):
        return line
    return line + _haloed(x, y + 4, label_words(total, late, disturbed, shown.base))


def label_part(one: int, other: int, count: int) -> float:
    """Return where on a link its label is, so that labels do not meet where links cross.

    Examples:
        >>> label_part(0, 1, 5), label_part(0, 2, 5), label_part(0, 3, 5)
        (0.5, 0.27, 0.73)
    """
    steps = other - one
    if count < 4 or steps in {1, count - 1}:
        return 0.5
    return 0.73 if steps * 2 > count else 0.27


def label_words(load: float, late: str, other: str, base: str) -> str:
    """Return a link's load, latency and faults; nothing of one that is idle and as it always is.

    Examples:
        >>> label_words(50.0, "", "", "1 ms"), label_words(0.0, "50 ms", "loss", "1 ms")
        ('50/s · 1 ms', '1 ms +50 ms · loss')
    """
    slow = " ".join(part for part in (base, f"+{late}" if late else "") if part)
    parts = [rate_words(load) if load else "", slow if load or late else "", other]
    return " · ".join(part for part in parts if part)


def _scissors(
    a: Mapping[str, Any], b: Mapping[str, Any], spot: tuple[float, float], cut: str
) -> str:
    x, y = spot
    drawn = f'<text x="{x:.1f}" y="{y + 6:.1f}" style="font-size:18px;fill:{CUT}">✂\ufe0e</text>'
    if cut == "both":
        return drawn
    turn = math.degrees(math.atan2(b["y"] - a["y"], b["x"] - a["x"]))
    turn += 180.0 if cut == "in" else 0.0
    shift = 20.0
    ax = x + shift * math.cos(math.radians(turn))
    ay = y + shift * math.sin(math.radians(turn))
    return (
        f'{drawn}<path d="M-6,-6L7,0L-6,6Z" fill="{CUT}" '
        f'transform="translate({ax:.1f} {ay:.1f}) rotate({turn:.0f})"/>'
    )


def _haloed(x: float, y: float, words: str) -> str:
    if not words:
        return ""
    return f'<text class="rk-l" x="{x:.1f}" y="{y:.1f}">{html.escape(words)}</text>'


def _node(node: Mapping[str, Any], *, few: bool) -> str:
    x, y = node["x"], node["y"]
    radius = 17 if few else 13
    colour = STATUSES.get(node["status"], "#777777")
    name = node["name"]
    title = html.escape(f"{name}: {node['status']}")
    parts = [f"<g><title>{title}</title>"]
    side = node["side"]
    if side >= 0:
        tint = SIDES[side % len(SIDES)]
        parts.append(
            f'<circle cx="{x}" cy="{y}" r="{radius + 11}" fill="{tint}" fill-opacity=".35" '
            f'stroke="{tint}"/>'
        )
    parts.append(f'<circle cx="{x}" cy="{y}" r="{radius}" fill="{colour}"/>')
    parts.append(f'<text x="{x}" y="{y + 4}" style="fill:#fff">{node["sign"]}</text>')
    short = name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"
    words = short + (f" · {letter(side)}" if side >= 0 else "")
    parts.append(
        f'<text class="rk-n" x="{node["name_x"]}" y="{node["name_y"]}" '
        f'style="text-anchor:{node["anchor"]}">{html.escape(words)}</text>'
    )
    detail = details_of(node)
    if few and detail:
        parts.append(
            f'<text x="{node["name_x"]}" y="{node["name_y"] + 13}" opacity=".75" '
            f'style="text-anchor:{node["anchor"]}">{html.escape(detail)}</text>'
        )
    return "".join(parts) + "</g>"


def details_of(node: Mapping[str, Any]) -> str:
    """Return a node's memory and queue, small."""
    queue = "" if node["queue"] is None else f"queue {node['queue']}"
    return ", ".join(part for part in (node["memory"], queue) if part)


def width_of(load: float) -> float:
    """Return how wide a link is drawn that carries so many messages a second.

    Examples:
        >>> width_of(0), width_of(100), width_of(1e9)
        (1.5, 4.7, 9.0)
    """
    return min(9.0, round(1.5 + 1.6 * math.log10(1 + load), 1))


def rate_words(load: float) -> str:
    """Return messages a second in a few letters.

    Examples:
        >>> rate_words(0.4), rate_words(12.3), rate_words(12345)
        ('0.4/s', '12/s', '12.3k/s')
    """
    if load >= 1000:
        return f"{load / 1000:.3g}k/s"
    return f"{load:.0f}/s" if load >= 10 or load == int(load) else f"{load:.1f}/s"
