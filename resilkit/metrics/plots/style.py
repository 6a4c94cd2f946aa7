"""How every figure looks: colours, lines and hatches that differ for any eye, and on paper.

Colours are Okabe and Ito's (distinguishable with every common colour blindness), some of
them darker for lines on white. No meaning hangs on colour alone: lines differ in their dashes,
areas and faults in their hatches.

Nothing here touches matplotlib's global state (pyplot, rcParams), so figures can be drawn in any
thread, and leave nothing behind. Names that a person or a system chose are never read as TeX.
"""

from __future__ import annotations

import functools
import io
import itertools
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from matplotlib import font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure

from resilkit import validate
from resilkit.metrics.fault_looks import FAULT_COLOURS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

__all__ = [
    "DASHES",
    "HATCHES",
    "Picture",
    "Theme",
    "drawable",
    "mixed",
    "put_text",
    "shown_name",
    "theme_named",
]

DPI: Final = 100
TEXT_POINTS: Final = 8.0
_PIXELS_A_CHARACTER = 6.2  # of DejaVu Sans at 8 points and 100 dpi, on the wide side

_HASHED = "[A-Za-z]+[0-9a-f]{10}"

Dashes = tuple[float, tuple[float, ...]]

DASHES: Final[tuple[Dashes, ...]] = (
    (0, ()),
    (0, (5, 1.5)),
    (0, (1.5, 1.2)),
    (0, (6, 1.5, 1.5, 1.5)),
    (0, (3, 1, 1, 1, 1, 1)),
    (0, (8, 3)),
)
"""Line styles, in the order in which lines take them."""

HATCHES: Final = ("///", "\\\\\\", "...", "xxx", "---", "++", "|||", "ooo")
"""Hatches of kinds of fault, in the order of their numbers; see `lane.looks_of`."""


@dataclass(frozen=True, slots=True)
class Theme:
    """The colours of a figure.

    Attributes:
        name: ``"light"`` or ``"dark"``.
        paper: Background.
        ink: Text.
        faint: Secondary text and lines that stand back.
        grid: Grid lines and axes.
        lines: Colours of lines, in the order in which they take them.
        statuses: Colours of ``ok``, ``info``, ``fail`` and ``dropped``.
        faults: Colours of kinds of fault; see `resilkit.metrics.fault_looks`.
        heat: The name of the colour map of heat maps.
    """

    name: str
    paper: str
    ink: str
    faint: str
    grid: str
    lines: tuple[str, ...]
    statuses: dict[str, str]
    faults: tuple[str, ...]
    heat: str


_LIGHT = Theme(
    name="light",
    paper="#ffffff",
    ink="#1b1f24",
    faint="#66707a",
    grid="#dde1e6",
    lines=("#0072b2", "#d55e00", "#008f68", "#aa4499", "#a87300", "#332288"),
    statuses={"ok": "#8fc3e3", "info": "#e69f00", "fail": "#d55e00", "dropped": "#5c636b"},
    faults=FAULT_COLOURS,
    heat="YlGnBu",
)
_DARK = Theme(
    name="dark",
    paper="#14181d",
    ink="#e8ebee",
    faint="#9aa4ae",
    grid="#343b43",
    lines=("#56b4e9", "#f08a4b", "#2fc79a", "#e39bc6", "#f0c05a", "#f0e442"),
    statuses={"ok": "#2f6f99", "info": "#e69f00", "fail": "#f2703a", "dropped": "#a3acb5"},
    faults=("#cc79a7", "#e69f00", "#56b4e9", "#f2703a", "#2fc79a", "#b49ad6", "#4a9fd8", "#aaaaaa"),
    heat="viridis",
)
_THEMES: Final = {theme.name: theme for theme in (_LIGHT, _DARK)}


def theme_named(name: str) -> Theme:
    """Return the theme called `name`.

    Raises:
        InvalidArgument: It is neither ``"light"`` nor ``"dark"``.
    """
    return _THEMES[validate.choice(name, "theme", tuple(_THEMES))]


class Picture(Figure):
    """A matplotlib figure that shows itself in a notebook without pyplot."""

    def _repr_png_(self) -> bytes:
        return self.to_png()

    def to_png(self, *, scale: float = 1.0) -> bytes:
        """Return the figure as the bytes of a PNG.

        Args:
            scale: 2.0 gives twice as many pixels each way, for sharp screens and paper.
        """
        buffer = io.BytesIO()
        # The colour is said again, since rcParams may hold another one for saving.
        self.savefig(buffer, format="png", dpi=DPI * scale, facecolor=self.get_facecolor())
        return buffer.getvalue()

    def to_svg(self) -> str:
        """Return the figure as an SVG document. Texts are outlines, so no font is needed."""
        buffer = io.StringIO()
        # Without the date, and with ids that are counted: one figure gives the same text again.
        self.savefig(buffer, format="svg", facecolor=self.get_facecolor(), metadata={"Date": None})
        return _with_counted_ids(buffer.getvalue())


def _with_counted_ids(svg: str) -> str:
    """Return an SVG of matplotlib's with numbers for the hashes in its ids.

    They are salted with a random number a figure. The salt could only be set in rcParams, which
    belong to the whole process.
    """
    names: dict[str, str] = {}
    for found in re.findall(rf'\bid="({_HASHED})"', svg):
        names.setdefault(found, f"{found[0]}-{len(names)}")
    return re.sub(
        rf'(\bid="|href="#|url\(#)({_HASHED})(?=[")])',
        lambda found: f"{found[1]}{names.get(found[2], found[2])}",
        svg,
    )


def new_picture(width: float, height: float, theme: Theme) -> Picture:
    """Return an empty figure of so many pixels."""
    picture = Picture(figsize=(width / DPI, height / DPI), dpi=DPI, facecolor=theme.paper)
    picture.set_layout_engine("none")  # whatever rcParams say: the panels are placed by the pixel
    FigureCanvasAgg(picture)
    return picture


def put_text(axes: Axes, x: float, y: float, text: str, **style: Any) -> Any:
    """Write `text` literally: dollars, backslashes and underscores are no TeX."""
    style = {"fontsize": TEXT_POINTS, "parse_math": False, "usetex": False} | style
    return axes.text(x, y, drawable(text), **style)


def mixed(colour: str, theme: Theme, share: float) -> str:
    """Return `share` of `colour` mixed with the paper, as an opaque colour.

    Hatches need it: an SVG's pattern fills the dots of a hatch without its opacity.
    """
    pairs = zip(to_rgb(colour), to_rgb(theme.paper), strict=True)
    red, green, blue = (share * one + (1 - share) * other for one, other in pairs)
    return to_hex((red, green, blue))


def drawable(text: str) -> str:
    r"""Return `text` with what the fonts lack written as escapes.

    A box for every such character would tell no name from another, and matplotlib would warn of
    each; a filter for warnings is the process's own, and figures are drawn in threads.

    Examples:
        >>> print(drawable("größe → 5"), drawable("库存-5"))
        größe → 5 \u5e93\u5b58-5
    """
    return text if text.isascii() else "".join(_units(text))


def _units(text: str) -> list[str]:
    known = _known_characters()
    return [
        each
        if each.isprintable() and (each.isascii() or ord(each) in known)
        else each.encode("unicode_escape", "replace").decode()
        for each in text
    ]


def _known_characters() -> frozenset[int]:
    """Return what can be drawn in regular and bold alike, in the reader's own fonts if set."""
    families = font_manager.FontProperties().get_family()
    regular, bold = (
        frozenset().union(*(_charmap(path) for path in _font_paths(families, weight)))
        for weight in ("normal", "bold")
    )
    return regular & bold


def _font_paths(families: Sequence[str], weight: str) -> Sequence[str]:
    paths: list[str] = []
    for family in families:
        wanted = font_manager.FontProperties(family=[family], weight=weight)
        try:
            paths.append(font_manager.findfont(wanted, fallback_to_default=False))
        except ValueError:  # it is not installed: matplotlib goes on to the next one, too
            continue
    return paths or [font_manager.findfont(font_manager.FontProperties(weight=weight))]


@functools.lru_cache(maxsize=32)
def _charmap(path: str) -> frozenset[int]:
    return frozenset(font_manager.get_font(path).get_charmap())


def shown_name(name: object, longest: int = 24) -> str:
    r"""Return `name` on one line, cut in its middle: ends tell servers apart.

    Examples:
        >>> shown_name("counter-0\n"), shown_name("a-very-long-name-of-a-server-17", 14)
        ('counter-0\\n', 'a-very…rver-17')
    """
    units = _units(str(name))
    if sum(map(len, units)) <= longest:
        return "".join(units)
    head = (longest - 1) // 2
    tail = _fitting(units[::-1], longest - 1 - head)[::-1]
    return "".join([*_fitting(units, head), "…", *tail])


def _fitting(units: list[str], longest: int) -> list[str]:
    """Return as many of the first `units` as are not longer than `longest`: escapes stay whole."""
    lengths = itertools.accumulate(map(len, units))
    return [unit for unit, length in zip(units, lengths, strict=True) if length <= longest]


def text_width(text: str, points: float = TEXT_POINTS) -> float:
    """Return about how many pixels `text` is wide."""
    return len(text) * _PIXELS_A_CHARACTER * points / TEXT_POINTS


def dress(axes: Axes, theme: Theme) -> None:
    """Give `axes` the theme's colours: a light horizontal grid, no box."""
    axes.set_facecolor(theme.paper)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(theme.grid)
    axes.tick_params(
        axis="both", which="both", colors=theme.faint, labelsize=TEXT_POINTS, length=3, width=0.6,
        color=theme.grid,
    )  # fmt: skip
    axes.grid(visible=True, axis="y", color=theme.grid, linewidth=0.6, linestyle="-")
    axes.set_axisbelow(True)


def put_legend(axes: Axes, handles: Sequence[Any], names: Sequence[str], theme: Theme) -> None:
    """Put a one-line legend above the right end of `axes`, with the names taken literally."""
    if not handles:
        return
    # It may begin left of the axes, but not left of the picture.
    narrow = legend_width(names) > axes.get_window_extent().width + 40
    # A label that begins with an underscore would be left out, so the names come in afterwards.
    legend = axes.legend(
        handles, ["x"] * len(handles), loc="lower right", bbox_to_anchor=(1.0, 1.0),
        ncols=len(handles), frameon=False, fontsize=TEXT_POINTS, borderaxespad=0.15,
        borderpad=0.1, columnspacing=1.1, handlelength=1.2 if narrow else 2.2, handletextpad=0.45,
    )  # fmt: skip
    for text, name in zip(legend.get_texts(), names, strict=True):
        text.set_parse_math(False)
        text.set_usetex(False)
        text.set_text(drawable(name))
        text.set_color(theme.ink)


def legend_width(names: Sequence[str]) -> float:
    """Return about how many pixels a legend with these names needs."""
    return sum(text_width(name) + 40 for name in names)


def plain_number(value: float) -> str:
    """Write a number on an axis without TeX and without needless digits.

    Examples:
        >>> [plain_number(value) for value in (0.25, 1500.0, 2e6)]
        ['0.25', '1,500', '2,000,000']
    """
    if not math.isfinite(value):
        return ""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.6g}"
