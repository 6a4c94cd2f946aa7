"""Thresholds, their alerts, and anomalies, in line charts that stay: as the live ones have them."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass

__all__ = ["StillLimit", "StillMarks"]

_REACH = 2.0
"""A threshold this many times as high as the lines would press them flat: it is only told of."""
_ALERT = "var(--rk-alert)"
_TO_LABEL, _LETTERS = 9.0, 13.0
"""Pixels from a threshold to its label, and how high that is."""
_DASHED = 'stroke-dasharray="6 4"'
_RING = '<circle r="4.5" fill="none" stroke="currentColor" stroke-width="1.3"/>'


def _triangle(up: int, fill: str) -> str:
    return f'<path d="M0 {-up}l5 {2 * up}h-10z" style="fill:{fill};stroke:{_ALERT}"/>'


_RAISED, _OVER = _triangle(5, _ALERT), _triangle(-5, "none")


@dataclass(frozen=True, slots=True)
class StillLimit:
    """A threshold.

    Attributes:
        value: Its place on the chart's axis.
        text: As it was written.
        above: Whether what is above it is too much.
        standing: Whether it is so now: then what is beyond it has a tint.
    """

    value: float
    text: str
    above: bool
    standing: bool = False


@dataclass(frozen=True, slots=True)
class StillMarks:
    """What is drawn over the lines of a chart; times in seconds, values on its axis.

    Attributes:
        limits: The thresholds.
        raised: Time and value of each alert that was raised.
        over: Time and value of each that was over.
        unusual: Time and value of each anomaly.
    """

    limits: Sequence[StillLimit] = ()
    raised: Sequence[tuple[float, float]] = ()
    over: Sequence[tuple[float, float]] = ()
    unusual: Sequence[tuple[float, float]] = ()

    def top(self, most: float) -> float:
        """Return how high the axis must be for lines as high as `most`, and the limits near."""
        near = [limit.value for limit in self.limits if limit.value <= _REACH * most]
        return max([most, *near])

    def svg(
        self,
        x: Callable[[float], float],
        y: Callable[[float], float],
        box: tuple[float, float, float, float],
    ) -> str:
        """Return the marks as SVG.

        Args:
            x: The place of a time.
            y: The place of a value.
            box: Left, top, right and bottom of the chart's area.

        Examples:
            >>> marks = StillMarks(unusual=[(2.0, 3.0)])
            >>> marks.svg(lambda time: time, lambda value: value, (0, 0, 10, 10))[:46]
            '<g transform="translate(2.0 3.0)"><circle r="4'
        """
        left, top, right, bottom = box
        parts = []
        used: list[float] = []
        for limit in self.limits:
            wanted = y(limit.value)
            at = min(max(wanted, top), bottom)
            arrow = " ↑" if wanted < top - 1 else " ↓" if wanted > bottom + 1 else ""
            line = f'<path d="M{left} {at:.1f}H{right}" style="stroke:{_ALERT}" {_DASHED}/>'
            start, end = (top, at) if limit.above else (at, bottom)
            # Above its line, beyond the reach of signs on it, or below where there is no room.
            foot = at - _TO_LABEL if at - top > _TO_LABEL + _LETTERS else at + _TO_LABEL + 8
            while any(abs(foot - other) < _LETTERS for other in used):
                foot += _LETTERS
            used.append(foot)
            tint = (
                f'<rect x="{left}" y="{start:.1f}" width="{right - left}" '
                f'height="{end - start:.1f}" style="fill:{_ALERT}" fill-opacity=".06"/>'
            )
            parts.append(
                f"{tint if limit.standing else ''}{'' if arrow else line}"
                f'<text class="rk-l" x="{right - 6}" y="{foot:.1f}" text-anchor="end" '
                f'style="fill:{_ALERT}">{"▲" if limit.above else "▼"} {html.escape(limit.text)}'
                f"{arrow}</text>"
            )
        for places, sign in ((self.raised, _RAISED), (self.over, _OVER), (self.unusual, _RING)):
            parts += [
                f'<g transform="translate({x(time):.1f} {min(max(y(value), top), bottom):.1f})">'
                f"{sign}</g>"
                for time, value in places
                if left <= x(time) <= right
            ]
        return "".join(parts)

    def signs(self, span: tuple[float, float]) -> list[tuple[str, str]]:
        """Return the signs that are in view, each as SVG around (0, 0), and what they mean."""
        kinds = (
            (self.unusual, _RING, "unusual"),
            (self.raised, _RAISED, "alert"),
            (self.over, _OVER, "alert over"),
        )
        return [
            (sign, meaning)
            for places, sign, meaning in kinds
            if any(span[0] <= time <= span[1] for time, _ in places)
        ]
