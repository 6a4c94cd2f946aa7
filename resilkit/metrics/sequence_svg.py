"""A sequence diagram as SVG for a notebook: no script, light and dark by the page's own colour."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from markupsafe import Markup

from resilkit.drawings import drawing
from resilkit.markup import note, safe
from resilkit.metrics.sequence import (
    Diagram,
    Step,
    TracedMessage,
    diagram,
    fitted,
    look_of,
    outside,
)
from resilkit.texts import plain

__all__ = ["sequence_image", "sequence_svg"]

_LEFT, _RIGHT, _TOP, _ROW = 74, 8, 40, 24
_NARROWEST_GAP = 110
_TONES: Final = {
    # Okabe and Ito's: told apart with every colour blindness, and seen on white and on black.
    "call": "#3a8fd0",
    "cast": "#009e73",
    "other": "#b58a00",
    "good": "#009e73",
    "bad": "#d55e00",
}

_CSS = """
.rk-sequence{font:11px/1.3 system-ui,sans-serif;overflow-x:auto;color:inherit}
.rk-sequence .rk-t{opacity:.65;text-anchor:end;font-variant-numeric:tabular-nums}
.rk-sequence .rk-m{stroke:var(--rk-paper,
var(--jp-layout-color0,var(--vscode-editor-background,transparent)));stroke-width:3px;paint-order:stroke;stroke-linejoin:round}
.rk-sequence .rk-n{font-weight:600;text-anchor:middle}
.rk-sequence .rk-l{stroke:currentColor;stroke-opacity:.35}
.rk-sequence .rk-g{stroke:currentColor;stroke-opacity:.35;stroke-dasharray:1 5}
.rk-sequence .rk-h{fill:none;stroke:currentColor;stroke-opacity:.35}
"""

_POINTED: Final = """
.rk-sequence .rk-pointed{position:relative}
.rk-sequence .rk-tip{position:absolute}
"""


def sequence_svg(
    messages: Iterable[TracedMessage],
    *,
    most: int = 40,
    width: int = 760,
    origin: float | None = None,
    order: Sequence[str] = (),
    oldest: int = 0,
) -> Markup:
    """Return the newest messages as an SVG with its own scoped style. Everything is escaped.

    Args:
        messages: The messages of a trace, in any order.
        most: Steps at most; it is said when there are more.
        width: Pixels.
        origin: The time that counts as 0; ``None`` for that of the first of the messages.
        order: Who stands left of whom; those who are not named follow as they appear.
        oldest: How many of `most` are the oldest, with a row after them that says how many are left
            out; 0 for the newest alone.

    Returns:
        Markup that needs nobody.

    Examples:
        >>> sequence_svg([]).count("<svg")
        0
    """

    def picture(canvas: _Canvas) -> Markup:
        height = canvas.height
        return Markup(  # noqa: S704 - each text in it has been escaped where it was put in
            f'<svg width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img" '
            f'aria-label="{canvas.label}">{canvas.drawn()}</svg>'
        )

    drawn = diagram(
        messages, most=most, lifelines=_room(width), origin=origin, order=order, oldest=oldest
    )
    return _framed(drawn, width, oldest, picture)


def sequence_image(
    messages: Iterable[TracedMessage],
    *,
    most: int = 40,
    width: int = 760,
    origin: float | None = None,
    order: Sequence[str] = (),
    kept: Sequence[str] = (),
    oldest: int = 0,
) -> Markup:
    """Return the same as an image, which stays in a notebook that JupyterLab does not trust.

    What there is no room for is shown to who points at it.

    Args:
        messages: As for `sequence_svg`, and so are the others.
        most: Steps at most.
        width: Pixels.
        origin: The time that counts as 0.
        order: Who stands left of whom.
        kept: Who has a lifeline even where there is no room for all.
        oldest: How many of `most` are the oldest.

    Examples:
        >>> sequence_image([]).count("<img")
        0
    """

    def picture(canvas: _Canvas) -> Markup:
        inside = f'<g class="rk-sequence">{canvas.drawn()}</g>'
        image = drawing(inside, canvas.label, width=width, height=canvas.height, style=_CSS)
        tips = Markup("").join(canvas.tips())
        whole = Markup('<style>{}</style><div class="rk-pointed" style="max-width:{}px">{}{}</div>')
        style = Markup(_POINTED)  # noqa: S704 - a constant
        return whole.format(style, width, image, tips)

    drawn = diagram(
        messages, most=most, lifelines=_room(width), origin=origin, order=order, kept=kept,
        oldest=oldest,
    )  # fmt: skip
    return _framed(drawn, width, oldest, picture)


def _room(width: int) -> int:
    return max(2, (width - _LEFT - _RIGHT) // _NARROWEST_GAP)


def _framed(
    drawn: Diagram, width: int, oldest: int, picture: Callable[[_Canvas], Markup]
) -> Markup:
    if not drawn.steps:
        return note("no messages yet")
    only = drawn.left_out and not oldest
    above = note(f"The newest {len(drawn.steps)} are drawn.") if only else ""
    explained = outside(drawn.names)
    below = note(explained) if explained else ""
    style = Markup(_CSS)  # noqa: S704 - a constant
    whole = Markup('<div class="rk-sequence"><style>{}</style>{}{}{}</div>')
    return whole.format(style, above, picture(_Canvas(drawn, width)), below)


class _Canvas:
    def __init__(self, drawn: Diagram, width: int) -> None:
        self._drawn = drawn
        self._gap = (width - _LEFT - _RIGHT) / len(drawn.names)
        self._width = width
        self.height = _TOP + _ROW * len(drawn.steps) + 14
        self._bottom = self.height - 4
        self.label = f"sequence diagram of {plain(len(drawn.steps), 'message')}"

    def _x(self, lifeline: int) -> float:
        return _LEFT + self._gap * (lifeline + 0.5)

    def _y(self, row: float) -> float:
        return _TOP + _ROW * (row + 0.75)

    def drawn(self) -> str:
        steps = (self.step(row, step) for row, step in enumerate(self._drawn.steps))
        return "".join([*self.lifelines(), *steps])

    def tips(self) -> Iterable[Markup]:
        """Return what is shown to who points at a lifeline's head, or at the row of a step."""
        tip = Markup('<span class="rk-tip" title="{}" style="{}"></span>')
        place = "left:{:.2f}%;width:{:.2f}%;top:{:.2f}%;height:{:.2f}%"
        for lifeline, name in enumerate(self._drawn.names):
            left = self._x(lifeline) - self._gap / 2
            at = left / self._width, self._gap / self._width, 0.0, 26 / self.height
            title = f"{name}\n{explained}" if (explained := outside([name])) else name
            yield tip.format(safe(title), place.format(*(100 * each for each in at)))
        for row, step in enumerate(self._drawn.steps):
            top = self._y(row) - _ROW * 0.7
            at = 0.0, 1.0, top / self.height, _ROW / self.height
            title = f"{step.kind} {step.text}"
            yield tip.format(safe(title), place.format(*(100 * each for each in at)))

    def lifelines(self) -> Iterable[str]:
        yield f'<text class="rk-t" x="{_LEFT - 10}" y="20">time (s)</text>'
        for lifeline, name in enumerate(self._drawn.names):
            x, wide = self._x(lifeline), self._gap - 10
            shown = safe(fitted(name, wide - 8))
            title = safe(f"{name}\n{explained}" if (explained := outside([name])) else name)
            yield (
                f'<rect class="rk-h" x="{x - wide / 2:.1f}" y="6" width="{wide:.1f}" height="20" '
                f'rx="3"/><text class="rk-n" x="{x:.1f}" y="20">{shown}'
                f"<title>{title}</title></text>"
            )
            yield from self._lifeline(lifeline, x)

    def _lifeline(self, lifeline: int, x: float) -> Iterable[str]:
        top = 26.0
        for span in self._drawn.gone:
            if span.lifeline == lifeline:
                first = self._y(span.first) if span.first >= 0 else top
                last = self._y(span.last) if span.last < len(self._drawn.steps) else self._bottom
                yield _line("rk-l", x, top, x, first)
                yield _line("rk-g", x, first, x, last)
                top = last
        yield _line("rk-l", x, top, x, self._bottom)

    def step(self, row: int, step: Step) -> str:
        y, look = self._y(row), look_of(step.kind)
        colour = _TONES[look.tone]
        x1, x2 = self._x(step.source), self._x(step.target)
        whole = safe(f"{step.kind} {step.text}")
        time = "" if step.kind == "gap" else self._time(y, step)
        parts = [f'<g class="rk-{safe(step.kind)}"><title>{whole}</title>', time]
        if step.kind in {"fault", "gap"}:
            return "".join([*parts, self._across(y, step, colour)])
        if step.source != step.target:
            dashes = ' stroke-dasharray="5 3"' if look.dashed else ""
            back = 5 if x2 > x1 else -5
            end = x2 - (0 if look.open else back)
            text = safe(fitted(step.text, abs(x2 - x1) - 16))
            middle = (x1 + x2) / 2
            # Under the message: what interrupts the lifelines that it crosses is not to hide that.
            parts.append(
                f'<text class="rk-m" x="{middle:.1f}" y="{y - 4:.1f}" text-anchor="middle">{text}'
                f'</text><line x1="{x1:.1f}" y1="{y:.1f}" x2="{end:.1f}" y2="{y:.1f}" '
                f'stroke="{colour}" stroke-width="1.4"{dashes}/>'
            )
            parts.append(f"{_head(x2, y, back, colour, is_open=look.open)}</g>")
            return "".join(parts)
        if step.kind in {"started", "ended"}:
            mark = f'<circle cx="{x1:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>'
            if step.kind == "ended":
                mark = (
                    f'<path d="M{x1 - 4:.1f} {y - 4:.1f}l8 8m0 -8l-8 8" stroke="{colour}" '
                    'stroke-width="2"/>'
                )
            parts.append(mark)
        else:
            parts.append(
                f'<path d="M{x1:.1f} {y - 6:.1f}h16v9h-16" fill="none" stroke="{colour}" '
                f'stroke-width="1.4"/>{_head(x1, y + 3, -5, colour, is_open=look.open)}'
            )
        left, room = self._beside(step.source)
        anchor, at = ("end", x1 - 9) if left else ("start", x1 + 21)
        text = safe(fitted(step.text, room))
        parts.append(
            f'<text class="rk-m" x="{at:.1f}" y="{y + 4:.1f}" text-anchor="{anchor}">{text}</text>'
            "</g>"
        )
        return "".join(parts)

    def _across(self, y: float, step: Step, colour: str) -> str:
        """Return a line across all lifelines, and what befell them or is left out there."""
        left, right = _LEFT, self._width - _RIGHT
        text = safe(fitted(step.text, right - left - 16))
        return (
            f'<line x1="{left}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}" stroke="{colour}" '
            f'stroke-width="1.4" stroke-dasharray="2 3"/><text class="rk-m rk-n" '
            f'x="{(left + right) / 2:.1f}" y="{y - 4:.1f}">{text}</text></g>'
        )

    def _time(self, y: float, step: Step) -> str:
        when = self._drawn.when(step)
        return f'<text class="rk-t" x="{_LEFT - 10}" y="{y + 4:.1f}">{when}</text>'

    def _beside(self, lifeline: int) -> tuple[bool, float]:
        """Return whether a text stands left of a lifeline, and how much room it has there."""
        left = lifeline > 0 and lifeline == len(self._drawn.names) - 1
        return left, self._x(lifeline) - _LEFT if left else self._width - self._x(lifeline) - 26


def _line(kind: str, x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _head(x: float, y: float, back: float, colour: str, *, is_open: bool) -> str:
    points = f"M{x - back * 1.4:.1f} {y - 4:.1f}L{x:.1f} {y:.1f}L{x - back * 1.4:.1f} {y + 4:.1f}"
    if is_open:
        return f'<path d="{points}" fill="none" stroke="{colour}" stroke-width="1.4"/>'
    return f'<path d="{points}Z" fill="{colour}"/>'
