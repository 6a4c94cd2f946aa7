"""The nodes and links of a cluster as an inline SVG."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Literal

from markupsafe import Markup

from resilkit.markup import note, safe, sign_of
from resilkit.texts import plain

if TYPE_CHECKING:
    from resilkit.cluster.session import Session

__all__ = ["LinkState", "link_states", "picture"]

LinkState = Literal["up", "down", "cut", "cut one way", "slow"]

_DOWN = frozenset({"starting", "restarting", "stopped", "killed", "crashed"})
"""Statuses in which a node has no links: they are dotted and pale."""
_SIZE = 220
_MARGIN = 10.0
"""Above and below: from the edge to the letters of a name, and to the discs of nodes."""
_MOST_DRAWN = 24
_STYLES = {
    "up": Markup('stroke="#8888"'),
    "down": Markup('stroke="#8884" stroke-dasharray="1 6" stroke-linecap="round"'),
    "cut": Markup('stroke="#D55E00" stroke-dasharray="3 5"'),
    "cut one way": Markup('stroke="#D55E00" stroke-dasharray="10 4"'),
    "slow": Markup('stroke="#CC79A7" stroke-dasharray="8 2 2 2"'),
}
_WORDS = {"down": "down", "cut": "cut", "cut one way": "cut one way", "slow": "disturbed"}
_KEY_LINE = Markup(
    '<span style="white-space:nowrap"><svg width="28" height="8" aria-hidden="true" '
    'style="display:inline;vertical-align:middle;margin:0 .3em 0 0"><line x1="0" y1="4" x2="28" '
    'y2="4" {} stroke-width="2"/></svg>{}</span> '
)


def link_states(session: Session, statuses: Mapping[str, str]) -> dict[tuple[str, str], LinkState]:
    """Return for each link what faults and lost nodes make of it now, without asking anybody."""
    cut = session.faults.cut_pairs()
    disturbed = session.faults.disturbed_pairs()
    found: dict[tuple[str, str], LinkState] = {}
    for a, b in sorted(session.edges):
        if a not in statuses or b not in statuses:
            continue  # of a node that another thread has added meanwhile
        ways = ((a, b) in cut) + ((b, a) in cut)
        if _DOWN & {statuses[a], statuses[b]}:
            found[a, b] = "down"
        elif ways:
            found[a, b] = "cut" if ways == 2 else "cut one way"
        else:
            found[a, b] = "slow" if {(a, b), (b, a)} & disturbed else "up"
    return found


def picture(nodes: Mapping[str, str], links: Mapping[tuple[str, str], LinkState]) -> Markup:
    """Return nodes on a circle, their links, and what explains those that are not whole.

    Of more than can be told apart it is ``""``.

    Args:
        nodes: Status by name; ``""`` for a node of a spec, which has none yet.
        links: State by pair of names.
    """
    if not nodes or len(nodes) > _MOST_DRAWN:
        return Markup("")
    spots = _spots(list(nodes))
    lines = [
        Markup(
            '<line x1="{:.0f}" y1="{:.0f}" x2="{:.0f}" y2="{:.0f}" {} stroke-width="2"/>'
        ).format(*spots[a], *spots[b], _STYLES[state])
        for (a, b), state in links.items()
    ]
    dots = []
    for name, (x, y) in spots.items():
        status = nodes[name]
        colour = sign_of(status).colour if status else "#8889"
        title = safe(f"{name}: {status}" if status else name)
        dots.append(
            Markup(
                '<g><title>{}</title><circle cx="{:.0f}" cy="{:.0f}" r="9" fill="{}"/>{}'
                '<text x="{:.0f}" y="{:.0f}" text-anchor="middle">{}</text></g>'
            ).format(title, x, y, colour, _sign(status, x, y), *_label_spot(x, y), safe(name))
        )
    drawn = Markup("").join(lines + dots)
    labels = [_label_spot(*spot)[1] for spot in spots.values()]
    top = min(min(labels) - 10, min(y for _, y in spots.values()) - 9) - _MARGIN
    bottom = max(max(labels) + 3, max(y for _, y in spots.values()) + 9) + _MARGIN
    made = Markup(
        '<svg width="{0}" height="{1:.0f}" viewBox="0 {2:.0f} {0} {1:.0f}" role="img" '
        'aria-label="{3}">{4}</svg>'
    ).format(_SIZE, bottom - top, top, _told(nodes, links.values()), drawn)
    key = [
        _KEY_LINE.format(_STYLES[state], words)  # type: ignore[index]
        for state, words in _WORDS.items()
        if state in links.values()
    ]
    return made + note(*key) if key else made


def _sign(status: str, x: float, y: float) -> Markup:
    """Return the sign of what does not run: not all can tell the colours apart."""
    if status in {"", "running"}:
        return Markup("")
    return Markup(
        '<text x="{:.0f}" y="{:.0f}" text-anchor="middle" font-size="11" fill="#fff">{}</text>'
    ).format(x, y + 4, sign_of(status).mark)


def _spots(names: list[str]) -> dict[str, tuple[float, float]]:
    middle, radius = _SIZE / 2, _SIZE / 2 - 34
    if len(names) == 1:
        return {names[0]: (middle, middle)}
    turns = [2 * math.pi * index / len(names) - math.pi / 2 for index in range(len(names))]
    return {
        name: (middle + radius * math.cos(turn), middle + radius * math.sin(turn))
        for name, turn in zip(names, turns, strict=True)
    }


def _label_spot(x: float, y: float) -> tuple[float, float]:
    """Return where a node's name stands: away from the middle, where the links are."""
    away_x, away_y = x - _SIZE / 2, y - _SIZE / 2
    length = math.hypot(away_x, away_y)
    if length < 1.0:
        return x, y + 24
    return x + 22 * away_x / length, y + 20 * away_y / length + 4


def _told(nodes: Mapping[str, str], states: Iterable[LinkState]) -> str:
    """Return what the picture shows, for those who cannot see it."""
    listed = list(states)
    parts = [plain(len(nodes), "node"), plain(len(listed), "link")]
    parts += [f"{listed.count(each)} {words}" for each, words in _WORDS.items() if each in listed]  # type: ignore[arg-type]
    return "topology: " + ", ".join(parts)
