"""A supervision tree as an outline: who watches whom, how they are, how often they came back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from resilkit.markup import sign_of
from resilkit.metrics.plots.sheet import Sheet, sheet
from resilkit.metrics.plots.style import TEXT_POINTS, Picture, put_text, shown_name, text_width

__all__ = ["tree_figure"]

_ROW, _STEP, _LEFT, _SIGN = 21.0, 20.0, 22.0, 12.0
_MOST_ROWS = 150
_COLUMNS = (("restarts", 62.0), ("queue", 48.0))
_STATUS = 88.0


def tree_figure(
    trees: Sequence[Mapping[str, Any]],
    *,
    theme: str = "light",
    width: int = 700,
    title: str = "",
) -> Picture:
    """Draw supervisors with what is below them, a line each.

    Args:
        trees: Nested mappings with ``id``, ``kind``, ``class``, ``status``, ``node``,
            ``restart``, ``restarts``, ``queue`` and ``children``, and ``strategy`` of supervisors.
        theme: ``"light"`` or ``"dark"``.
        width: Pixels, 300..4000.
        title: Stands above the figure; ``""`` for none.

    Raises:
        InvalidArgument: There is no such theme, or `width` is out of range.

    Examples:
        >>> leaf = {
        ...     "id": "a",
        ...     "kind": "worker",
        ...     "class": "Counter",
        ...     "status": "running",
        ...     "node": "n1",
        ...     "restart": "permanent",
        ...     "restarts": 2,
        ...     "queue": 0,
        ...     "children": [],
        ... }
        >>> tree_figure([leaf]).to_png()[1:4]
        b'PNG'
    """
    rows = [row for tree in trees for row in _rows(tree, 0)]
    left_out = max(0, len(rows) - _MOST_ROWS)
    rows = rows[:_MOST_ROWS]
    lines = max(1, len(rows)) + bool(left_out)
    page = sheet(theme, width, (lines + 1) * _ROW + 10, title)
    if not rows:
        put_text(page.axes, _LEFT, page.top + _ROW, "no supervisor runs", va="center",
                 color=page.theme.faint)  # fmt: skip
        return page.picture
    _heads(page)
    heights = [page.top + (place + 1.5) * _ROW for place in range(len(rows))]
    _draw_elbows(page, rows, heights)
    for (depth, row), y in zip(rows, heights, strict=True):
        _draw_row(page, depth, row, y)
    if left_out:
        put_text(page.axes, _LEFT, heights[-1] + _ROW, f"… and {left_out} more", va="center",
                 color=page.theme.faint)  # fmt: skip
    return page.picture


def _rows(branch: Mapping[str, Any], depth: int) -> Iterator[tuple[int, Mapping[str, Any]]]:
    yield depth, branch
    for child in branch["children"]:
        yield from _rows(child, depth + 1)


def _heads(page: Sheet) -> None:
    right, y = page.width - 12.0, page.top + 0.5 * _ROW
    for name, wide in reversed(_COLUMNS):
        put_text(page.axes, right, y, name, ha="right", va="center", color=page.theme.faint)
        right -= wide
    put_text(page.axes, right - _STATUS + 14, y, "status", va="center", color=page.theme.faint)
    page.axes.plot([12, page.width - 12], [y + 9, y + 9], color=page.theme.grid, linewidth=0.8)


def _draw_elbows(
    page: Sheet, rows: Sequence[tuple[int, Mapping[str, Any]]], heights: Sequence[float]
) -> None:
    """Draw from each child to its supervisor: down its side, and then across."""
    above: dict[int, float] = {}
    for (depth, _), y in zip(rows, heights, strict=True):
        above[depth] = y
        if depth:
            x = _LEFT + (depth - 1) * _STEP
            page.axes.plot(
                [x, x, x + _STEP - _SIGN / 2 - 2], [above[depth - 1] + 7, y, y], zorder=1,
                color=page.theme.faint, linewidth=0.9, alpha=0.7, solid_joinstyle="round",
            )  # fmt: skip


def _draw_row(page: Sheet, depth: int, row: Mapping[str, Any], y: float) -> None:
    axes, theme = page.axes, page.theme
    right = page.width - 12.0
    restarts, queue = row["restarts"], row["queue"]
    cells = [f"↻ {restarts}" if restarts else "0", "–" if queue is None else f"{queue:,}"]
    for (_, wide), text in zip(reversed(_COLUMNS), reversed(cells), strict=True):
        bold = text.startswith("↻")
        put_text(axes, right, y, text, ha="right", va="center_baseline",
                 color=theme.ink if bold else theme.faint,
                 weight="bold" if bold else "normal")  # fmt: skip
        right -= wide
    status = str(row["status"])
    put_text(axes, right - _STATUS + 14, y, status, va="center_baseline",
             color=theme.ink if status != "running" else theme.faint)  # fmt: skip
    right -= _STATUS
    sign, x = sign_of(status), _LEFT + depth * _STEP
    put_text(axes, x, y, sign.mark, ha="center", va="center_baseline", color=sign.colour,
             fontsize=TEXT_POINTS + 2, zorder=3)  # fmt: skip
    # Bold letters are a tenth wider; what is left of the line is for what it is.
    x += _SIGN
    name = shown_name(row["id"], max(8, int((right - x) / 7.5)))
    put_text(axes, x, y, name, va="center_baseline", color=theme.ink, weight="bold")
    x += 1.12 * text_width(name) + 10
    what = row.get("strategy") if row["kind"] == "supervisor" else row["class"]
    about = " · ".join(str(each) for each in (what, row["node"], row["restart"]) if each)
    room = int((right - x) / 6.4)
    if room >= 8:
        put_text(axes, x, y, shown_name(about, room), va="center_baseline", color=theme.faint)
