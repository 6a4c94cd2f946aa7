"""A matrix of links as an SVG that stays: the drawing of `front/topology_matrix.js`."""

from __future__ import annotations

import html
import math

from resilkit_widgets.topology_looks import CUT, OTHER, SIDES, SLOW, STATUSES, Shown, letter

__all__ = ["still_matrix"]

_EDGE, _TOP = 74, 24
_BUSY = 100
_CELLS = {
    "idle": 'fill="currentColor" fill-opacity=".12"',
    "some": 'fill="currentColor" fill-opacity=".32"',
    "busy": 'fill="currentColor" fill-opacity=".65"',
    "down": 'fill="currentColor" fill-opacity=".05"',
    "other": f'fill="{OTHER}"',
    "slow": f'fill="{SLOW}"',
    "cut": f'stroke="{CUT}" stroke-width="1.6" fill="none"',
}


def still_matrix(shown: Shown) -> str:
    """Return a cell for what each node sends to each other one, as an SVG."""
    nodes, view = shown.nodes, shown.view
    cell = (view["width"] - _EDGE) / max(len(nodes), 1)
    paths: dict[str, list[str]] = {kind: [] for kind in _CELLS}
    for index, (one, other) in enumerate(shown.links):
        load, cut, late, other_fault, down = shown.link(index)
        for row, column, way, sent in ((one, other, "out", load[0]), (other, one, "in", load[1])):
            lost = cut in {way, "both"}
            level = "busy" if sent >= _BUSY else "some" if sent else "idle"
            level = "slow" if late else "other" if other_fault else level
            kind = "cut" if lost else "down" if down else level
            x, y = _EDGE + column * cell, _TOP + row * cell
            paths[kind].append(_SHAPES.get(kind, _square)(x, y, cell * 0.84))
    drawn = [f'<path d="{"".join(paths[kind])}" {style}/>' for kind, style in _CELLS.items()]
    every = max(1, math.ceil(11 / cell))
    for index, node in enumerate(nodes):
        x, y = _EDGE + index * cell, _TOP + index * cell
        colour = STATUSES.get(node["status"], "#777777")
        drawn.append(
            f'<path d="{_square(x, y, cell * 0.84)}" fill="{colour}">'
            f"<title>{html.escape(node['name'])}: {html.escape(node['status'])}</title></path>"
        )
        side = node["side"]
        if side >= 0:
            tint = SIDES[side % len(SIDES)]
            drawn.append(f'<path d="M{_EDGE - 5} {y:.1f}h4v{cell:.1f}h-4z" fill="{tint}"/>')
        if index % every == 0:
            name = html.escape(node["name"][:10] + (f" {letter(side)}" if side >= 0 else ""))
            drawn.append(
                f'<text x="{_EDGE - 8}" y="{y + cell / 2 + 3:.1f}" '
                f'style="text-anchor:end;font-size:9px">{name}</text>'
            )
    width, height = view["width"], view["width"] - _EDGE + _TOP
    return (
        f'<svg viewBox="0 0 {width} {height}" width="{width}" role="img" '
        f'aria-label="topology as a matrix: rows send, columns receive">'
        f'<text x="{_EDGE}" y="{_TOP - 8}" style="text-anchor:start">rows send, columns receive; '
        f"a cross: lost; a diamond: disturbed</text>{''.join(drawn)}</svg>"
    )


def _square(x: float, y: float, size: float) -> str:
    return f"M{x:.1f} {y:.1f}h{size:.1f}v{size:.1f}h-{size:.1f}z"


def _cross(x: float, y: float, size: float) -> str:
    return f"M{x:.1f} {y:.1f}l{size:.1f} {size:.1f}m0 -{size:.1f}l-{size:.1f} {size:.1f}"


def _diamond(x: float, y: float, size: float) -> str:
    half = size / 2
    down = f"l{half:.1f} {half:.1f}l-{half:.1f} {half:.1f}"
    return f"M{x + half:.1f} {y:.1f}{down}l-{half:.1f} -{half:.1f}z"


_SHAPES = {"cut": _cross, "other": _diamond}
"""Of what is to be seen without its colour."""
