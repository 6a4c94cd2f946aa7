"""The messages of a server as a sequence diagram."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from matplotlib.collections import LineCollection

from resilkit import validate
from resilkit.errors import InvalidArgument
from resilkit.metrics.plots.style import (
    Picture,
    Theme,
    drawable,
    new_picture,
    put_text,
    shown_name,
    theme_named,
)
from resilkit.metrics.sequence import Diagram, Step, TracedMessage, diagram, fitted, look_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame

__all__ = ["sequence_figure"]

_LEFT, _RIGHT, _HEAD, _ROW, _BOTTOM = 70.0, 8.0, 38.0, 22.0, 12.0
_TITLE = 24.0
_NARROWEST_GAP = 112.0
_NARROWEST, _WIDEST, _MOST = 300, 4000, 500
_TONES: Final = {"call": 0, "bad": 1, "cast": 2, "good": 2, "other": 4}
"""Which of a theme's colours of lines."""

_COLUMNS = ("time", "kind", "sender", "receiver", "method", "payload")


def sequence_figure(
    messages: DataFrame | Iterable[TracedMessage],
    *,
    most: int = 60,
    theme: str = "light",
    width: int = 900,
    title: str = "",
    origin: float | None = None,
    oldest: int = 0,
    kept: Sequence[str] = (),
) -> Picture:
    """Draw messages as a sequence diagram: a line for each who takes part, time flowing down.

    Calls have full arrowheads, what nobody answers open ones; answers are dashed, and what went
    wrong has the sign ✗ besides its colour. Rows are as far from each other whatever the time
    between them, which stands at the left.

    Args:
        messages: Those of a `Trace`, or its frame (``time``, ``kind``, ``sender``, ``receiver``,
            ``method``, ``payload``).
        most: Messages at most, the newest, 1..500; that older ones are left out stands above.
        theme: ``"light"`` or ``"dark"``.
        width: Pixels, 300..4000. Where there is no room for all who take part, those with the
            fewest messages share a line.
        title: Stands above; ``""`` for none.
        origin: The time that counts as 0; ``None`` for that of the first of the messages.
        oldest: How many of `most` are the oldest, with a row after them that says how many are left
            out, 0..`most` - 2; 0 for the newest alone.
        kept: Names of those who have a line of their own even where there is no room for all, the
            first of them first.

    Raises:
        InvalidArgument: A column is missing, or an argument is out of range.

    Examples:
        >>> sequence_figure([]).to_png()[1:4]
        b'PNG'
    """
    colours = theme_named(theme)
    width = validate.number(width, "width", low=_NARROWEST, high=_WIDEST, integer=True)
    most = validate.number(most, "most", low=1, high=_MOST, integer=True)
    oldest = validate.number(oldest, "oldest", low=0, high=max(0, most - 2), integer=True)
    lifelines = max(2, int((width - _LEFT - _RIGHT) / _NARROWEST_GAP))
    drawn = diagram(
        _rows(messages), most=most, lifelines=lifelines, origin=origin, oldest=oldest, kept=kept
    )  # fmt: skip
    only = drawn.left_out and not oldest
    top = (_TITLE if title else 0.0) + (16.0 if only else 0.0)
    height = top + _HEAD + _ROW * max(1, len(drawn.steps)) + _BOTTOM
    picture = new_picture(width, height, colours)
    axes = picture.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    axes.set_xlim(0.0, width)
    axes.set_ylim(height, 0.0)
    if title:
        put_text(
            axes, 8.0, 15.0, shown_name(title, int(width / 8)), color=colours.ink, fontsize=10.0,
            fontweight="bold", va="center",
        )  # fmt: skip
    if only:
        note = f"The newest {len(drawn.steps)} are drawn."
        put_text(axes, 8.0, top - 8.0, note, color=colours.faint, va="center")
    if drawn.steps:
        _Drawing(axes, drawn, colours, width, height, top).draw()
    else:
        put_text(axes, width / 2, top + _HEAD, "no messages", color=colours.faint, ha="center")
    return picture


def _rows(messages: Any) -> Iterable[Any]:
    columns = getattr(messages, "columns", None)
    if columns is None:
        return messages  # type: ignore[no-any-return]
    missing = [name for name in _COLUMNS if name not in columns]
    if missing:
        raise InvalidArgument(
            f"has no column {', '.join(missing)}", path="messages", allowed=", ".join(_COLUMNS)
        )
    return messages[list(_COLUMNS)].itertuples(index=False)  # type: ignore[no-any-return]


class _Drawing:
    def __init__(  # noqa: PLR0917 - made in one place
        self, axes: Axes, drawn: Diagram, theme: Theme, width: float, height: float, top: float
    ) -> None:
        self._axes = axes
        self._drawn = drawn
        self._theme = theme
        self._gap = (width - _LEFT - _RIGHT) / len(drawn.names)
        self._width = width
        self._top = top
        self._bottom = height - 4.0
        self._lines: dict[tuple[str, bool], list[list[tuple[float, float]]]] = {}
        self._heads: dict[tuple[str, str], list[tuple[float, float]]] = {}

    def draw(self) -> None:
        self._lifelines()
        for row, step in enumerate(self._drawn.steps):
            self._step(row, step)
        # One artist for all of a kind: an artist a message takes most of the time.
        for (colour, dashed), lines in self._lines.items():
            style = (0, (4.0, 2.5)) if dashed else "solid"
            self._axes.add_collection(
                LineCollection(lines, colors=colour, linewidths=1.2, linestyles=[style], zorder=3)
            )
        for (colour, marker), places in self._heads.items():
            size = 40.0 if marker in {"X", "o"} else 26.0
            xs, ys = zip(*places, strict=True)
            self._axes.scatter(xs, ys, s=size, c=colour, marker=marker, linewidths=0, zorder=4)

    def _x(self, lifeline: int) -> float:
        return _LEFT + self._gap * (lifeline + 0.5)

    def _y(self, row: int) -> float:
        return self._top + _HEAD + _ROW * (row + 0.7)

    def _lifelines(self) -> None:
        theme, y = self._theme, self._top + 16.0
        put_text(
            self._axes, _LEFT - 10.0, y, "time (s)", color=theme.faint, ha="right", va="center"
        )
        whole, gone = [], []
        for lifeline, name in enumerate(self._drawn.names):
            x = self._x(lifeline)
            box = {"boxstyle": "round,pad=0.35", "facecolor": theme.paper, "edgecolor": theme.faint,
                   "linewidth": 0.8}  # fmt: skip
            put_text(
                self._axes, x, y, shown_name(name, max(6, int((self._gap - 16) / 6.8))),
                color=theme.ink, ha="center", va="center", fontweight="bold", bbox=box, zorder=5,
            )  # fmt: skip
            begin = y
            for span in self._drawn.gone:
                if span.lifeline == lifeline:
                    first = self._y(span.first) if span.first >= 0 else y
                    steps = len(self._drawn.steps)
                    last = self._y(span.last) if span.last < steps else self._bottom
                    whole.append([(x, begin), (x, first)])
                    gone.append([(x, first), (x, last)])
                    begin = last
            whole.append([(x, begin), (x, self._bottom)])
        for lines, dashes in ((whole, "solid"), (gone, (0, (1.0, 4.0)))):
            self._axes.add_collection(
                LineCollection(lines, colors=theme.faint, linewidths=0.8, linestyles=[dashes])
            )

    def _step(self, row: int, step: Step) -> None:
        y, look = self._y(row), look_of(step.kind)
        colour = self._theme.lines[_TONES[look.tone]]
        if step.kind != "gap":
            put_text(
                self._axes, _LEFT - 10.0, y, self._drawn.when(step), color=self._theme.faint,
                ha="right", va="center",
            )  # fmt: skip
        x1, x2 = self._x(step.source), self._x(step.target)
        lines = self._lines.setdefault((colour, look.dashed), [])
        if step.kind in {"fault", "gap"}:
            left, right = _LEFT, self._width - _RIGHT
            lines.append([(left, y), (right, y)])
            self._text(step.text, (left + right) / 2, y - 2.0, right - left, "center", "bottom")
            return
        if x1 != x2:
            lines.append([(x1, y), (x2, y)])
            self._head(x2, y, to_right=x2 > x1, colour=colour, is_open=look.open)
            self._text(step.text, (x1 + x2) / 2, y - 2.0, abs(x2 - x1) - 16.0, "center", "bottom")
            return
        if step.kind in {"started", "ended"}:
            marker = "o" if step.kind == "started" else "X"
            self._heads.setdefault((colour, marker), []).append((x1, y))
        else:
            lines.append([(x1, y - 6.0), (x1 + 16.0, y - 6.0), (x1 + 16.0, y + 3.0), (x1, y + 3.0)])
            self._head(x1, y + 3.0, to_right=False, colour=colour, is_open=look.open)
        if step.source > 0 and step.source == len(self._drawn.names) - 1:
            self._text(step.text, x1 - 9.0, y, x1 - _LEFT, "right", "center")
        else:
            self._text(step.text, x1 + 21.0, y, self._width - x1 - 26.0, "left", "center")

    def _head(self, x: float, y: float, *, to_right: bool, colour: str, is_open: bool) -> None:
        back = -6.0 if to_right else 6.0
        if is_open:
            strokes = [[(x + back, y - 3.5), (x, y), (x + back, y + 3.5)]]
            self._lines.setdefault((colour, False), []).extend(strokes)
        else:
            marker = ">" if to_right else "<"
            self._heads.setdefault((colour, marker), []).append((x + back / 2, y))

    def _text(  # noqa: PLR0917 - as matplotlib has them
        self, text: str, x: float, y: float, room: float, ha: str, va: str
    ) -> None:
        shown = fitted(drawable(text), room)
        # Over the lifelines that it crosses, which it interrupts, and under the messages.
        paper = {"facecolor": self._theme.paper, "edgecolor": "none", "pad": 1.5}
        style = {"color": self._theme.ink, "ha": ha, "va": va, "fontsize": 7.5, "zorder": 2}
        put_text(self._axes, x, y, shown, bbox=paper, **style)
