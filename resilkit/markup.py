"""How everything looks as the last line of a cell: one style, no script, nothing unescaped.

Each part is made with `markupsafe.Markup.format`, which escapes what is put in, so that a name
that somebody chose can never become markup. Colours are those of the text (``currentColor``) with
half-transparent lines, which sit well on any page, light or dark; the few others are told apart
with every kind of colour blindness, and each has a sign or a word beside it.
"""

from __future__ import annotations

import base64
import functools
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, NamedTuple, TypeVar
from urllib.parse import quote

from markupsafe import Markup, escape

from resilkit.texts import writable

__all__ = [
    "BAD",
    "CSS",
    "GOOD",
    "SCHEMES",
    "UNSURE",
    "Sign",
    "amounts_whole",
    "block",
    "code",
    "details",
    "display",
    "guarded",
    "nested",
    "note",
    "paragraph",
    "prose",
    "safe",
    "sign_of",
    "signed",
    "table",
    "themed",
    "whole",
    "word",
]

T = TypeVar("T")

GOOD, BAD, UNSURE = "#0a8a5f", "#d0451b", "#a86a00"
"""Colours of words, readable on white and on black alike."""

_LONGEST_WHOLE = 80
"""Letters: a caption or a criterion that is longer is broken, since it would widen its table."""

_AMOUNT = r"([\d,.]+) (ns|µs|ms|s|B|[KMGT]iB)"

CSS = f"""
.rk-show{{font:13px/1.45 system-ui,sans-serif;max-width:70rem;overflow-x:auto;
color:inherit}}
.rk-show p{{margin:.3em 0}}
.rk-show p.rk-title{{margin:0 0 .35em;font-size:14px}}
.rk-show .rk-kind{{opacity:.7}}
.rk-show .rk-faint{{opacity:.7}}
.rk-show .rk-good{{color:{GOOD}}}
.rk-show .rk-bad{{color:{BAD}}}
.rk-show .rk-unsure{{color:{UNSURE}}}
.rk-show .rk-word{{font-weight:600;white-space:nowrap}}
.rk-show .rk-beside{{display:flex;flex-wrap:wrap;gap:.4em 1.6em;align-items:flex-start}}
.rk-show.rk-show table{{border-collapse:collapse;margin:.4em 0 .8em;
color:inherit;font-size:clamp(12px,8px + .6vw,13px);table-layout:auto}}
.rk-show caption{{text-align:left;padding:0 0 .2em;font-weight:600;color:inherit}}
.rk-show.rk-show th,.rk-show.rk-show td{{padding:.2em min(1em,.9vw) .2em 0;
text-align:left;vertical-align:top;
border:0;border-bottom:1px solid #8884;background:none;color:inherit;white-space:normal;
max-width:none;overflow-wrap:break-word}}
.rk-show tr{{background:none}}
.rk-show.rk-show.rk-show .rk-remarked,.rk-show.rk-show.rk-show .rk-remark,
.rk-show.rk-show.rk-show .rk-remark + tr{{background:none}}
.rk-show.rk-show.rk-show .rk-remarked td{{border-bottom:0;padding-bottom:0}}
.rk-show.rk-show.rk-show .rk-remark td{{padding-top:0;opacity:.75;overflow-wrap:anywhere}}
.rk-show.rk-show th{{font-weight:600;white-space:nowrap}}
.rk-show.rk-show .rk-whole{{white-space:nowrap}}
.rk-show.rk-show .rk-whole code{{white-space:inherit}}
.rk-show.rk-show .rk-number{{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}}
.rk-show .rk-unit{{display:inline-block;min-width:1.9em;text-align:left}}
.rk-show.rk-show code{{background:none;color:inherit;padding:0;font-size:.95em}}
.rk-show svg{{max-width:100%;height:auto;display:block;margin:.3em 0 .6em}}
.rk-show svg text{{font:11px system-ui,sans-serif;fill:currentColor}}
.rk-show figure{{margin:.5em 0}}
.rk-show .rk-themed{{max-width:100%;height:auto;display:block;border-radius:4px}}
.rk-show details{{margin:.3em 0}}
.rk-show summary{{cursor:pointer}}
.rk-show.rk-show ul{{list-style:none;margin:0;padding:0}}
.rk-show.rk-show ul ul{{margin-left:.5em;padding-left:1.2em;border-left:1px solid #8886}}
.rk-show li{{padding:.12em 0;overflow-wrap:break-word}}
@media (max-width:480px){{.rk-show.rk-show .rk-whole{{white-space:normal}}}}
"""
"""The style sheet of every display: each rule begins with the class of the outermost element.

Twice where JupyterLab's own rules for tables, lists and code would weigh more.
"""


class Sign(NamedTuple):
    """What stands for a status: never a colour alone."""

    mark: str
    colour: str


_SIGNS = {
    "running": Sign("●", "#009E73"),
    "active": Sign("●", "#009E73"),
    "paused": Sign("‖", "#E69F00"),
    "healed": Sign("✓", "#009E73"),
    "struck": Sign("✓", "#009E73"),
    "planned": Sign("○", "#999999"),
    "left out": Sign("–", "#999999"),
    "missed": Sign("–", "#999999"),
    "waiting": Sign("…", "#56B4E9"),
    "starting": Sign("…", "#56B4E9"),
    "restarting": Sign("↻", "#56B4E9"),
    "stopped": Sign("■", "#999999"),
    "terminated": Sign("■", "#999999"),
    "not running": Sign("■", "#999999"),
    "closed": Sign("■", "#999999"),
    "done": Sign("■", "#999999"),
    "does not answer": Sign("?", "#E69F00"),
    "killed": Sign("✗", "#D55E00"),
    "crashed": Sign("✗", "#D55E00"),
    "failed": Sign("✗", "#D55E00"),
}


def sign_of(status: str) -> Sign:
    """Return what stands for a status; ``?`` for one that nobody knows."""
    return _SIGNS.get(status, Sign("?", "#999999"))


def safe(value: object) -> Markup:
    """Return any text made fit for a page: escaped, and without halves of surrogate pairs.

    Examples:
        >>> safe("<b>"), safe(Markup("<b>"))
        (Markup('&lt;b&gt;'), Markup('<b>'))
    """
    return value if isinstance(value, Markup) else escape(writable(str(value)))


def signed(status: str, words: str = "") -> Markup:
    """Return a status with its sign, and other words for it if given."""
    sign = sign_of(status)
    return Markup('<span class="rk-word"><span style="color:{}">{}</span> {}</span>').format(
        sign.colour, sign.mark, safe(words or status)
    )


def word(value: object, kind: str = "") -> Markup:
    """Return a state in bold, which is never broken: ``good``, ``bad``, ``unsure`` or plain."""
    return Markup('<span class="rk-word{}">{}</span>').format(kind and f" rk-{kind}", safe(value))


def whole(value: object) -> Markup:
    """Return a text that stays in one line where there is room; a very long one is broken."""
    text = safe(value)
    if len(text.striptags()) > _LONGEST_WHOLE:
        return text
    return Markup('<span class="rk-whole">{}</span>').format(text)


def code(value: object) -> Markup:
    """Return a text in the letters of code."""
    return Markup("<code>{}</code>").format(safe(value))


def prose(text: str) -> Markup:
    """Return a docstring's line with what stands in backticks in the letters of code.

    Examples:
        >>> prose("``None``: at once, or <b>")
        Markup('<code>None</code>: at once, or &lt;b&gt;')
    """
    parts = re.split(r"`{1,2}([^`]+)`{1,2}", text)
    return Markup("").join(
        code(part) if place % 2 else safe(part) for place, part in enumerate(parts)
    )


def amounts_whole(text: str) -> Markup:
    """Return a rule such as a criterion, which no line breaks between its sign, number and unit.

    The spaces stay spaces, so that what is copied from a page is what was written.

    Examples:
        >>> amounts_whole("p95(get) <= 5 s")
        Markup('p95(get) <span style="white-space:nowrap">&lt;= 5 s</span>')
    """
    found = re.search(r"[<>=!]+ *[-+\d.,e]+(?: *[^\s\d]+)?", text)
    if found is None:
        return safe(text)
    whole = Markup('<span style="white-space:nowrap">{}</span>').format(safe(found.group()))
    return safe(text[: found.start()]) + whole + safe(text[found.end() :])


def paragraph(*parts: object, kind: str = "") -> Markup:
    """Return a paragraph; of the kinds ``good``, ``bad``, ``unsure``, ``faint`` or plain."""
    text = Markup("").join(safe(part) for part in parts)
    if not kind:
        return Markup("<p>{}</p>").format(text)
    return Markup('<p class="rk-{}">{}</p>').format(kind, text)


def note(*parts: object) -> Markup:
    """Return a paragraph that stands back."""
    return paragraph(*parts, kind="faint")


def table(
    heads: Sequence[object],
    rows: Iterable[Sequence[object]],
    *,
    numbers: Collection[int] = (),
    caption: object = "",
    most: int = 50,
    remarks: Sequence[object] = (),
) -> Markup:
    """Return a table; ``""`` without rows.

    Args:
        heads: The heads of the columns; none at all leaves out the row of heads.
        rows: The rows, each as long as `heads`. What is no `Markup` is escaped.
        numbers: Which columns hold numbers, from 0.
        caption: What stands above it.
        most: Rows that are shown; how many more there are stands below.
        remarks: What is said of each row on a line of its own below it, across all columns but the
            first; ``""`` for nothing. None at all where no row has one.
    """
    kept = list(rows)
    if not kept:
        return Markup("")
    said = [*remarks, *("" for _ in kept)]
    lines = [
        _row("td", row, numbers, remark) for row, remark in zip(kept[:most], said, strict=False)
    ]
    top = _row("th", heads, numbers) if heads else Markup("")
    above = Markup("<caption>{}</caption>").format(whole(caption)) if caption else Markup("")
    made = Markup("<table>{}<thead>{}</thead><tbody>{}</tbody></table>").format(
        above, top, Markup("").join(lines)
    )
    more = len(kept) - most
    return made + note(f"… and {more:,} more") if more > 0 else made


def _row(
    tag: str, cells: Sequence[object], numbers: Collection[int], remark: object = ""
) -> Markup:
    made = [
        Markup('<{0} class="rk-{1}">{2}</{0}>').format(
            tag,
            "number" if place in numbers else "text",
            _with_unit(cell) if place in numbers else safe("–" if cell is None else cell),
        )
        for place, cell in enumerate(cells)
    ]
    if not remark:
        return Markup("<tr>{}</tr>").format(Markup("").join(made))
    below = Markup('<tr class="rk-remark"><td></td><td colspan="{}">{}</td></tr>')
    return Markup('<tr class="rk-remarked">{}</tr>').format(Markup("").join(made)) + below.format(
        len(cells) - 1, safe(remark)
    )


def _with_unit(cell: object) -> Markup:
    """Return a number with its unit in a place of its own, so that numbers stand under numbers."""
    found = re.fullmatch(_AMOUNT, cell) if isinstance(cell, str) else None
    if found is None:
        return safe("–" if cell is None else cell)
    return Markup('{} <span class="rk-unit">{}</span>').format(*found.groups())


def nested(rows: Iterable[tuple[Markup, Markup]]) -> Markup:
    """Return a list in a list: each line, and what is below it (``""`` for nothing)."""
    made = [Markup("<li>{}{}</li>").format(line, below) for line, below in rows]
    return Markup("<ul>{}</ul>").format(Markup("").join(made)) if made else Markup("")


def details(summary: object, body: Markup) -> Markup:
    """Return what opens when somebody wants to know."""
    if not body:
        return Markup("")
    return Markup("<details><summary>{}</summary>{}</details>").format(safe(summary), body)


def block(*parts: Markup) -> Markup:
    """Return parts that stand beside each other where there is room."""
    return Markup('<div class="rk-beside">{}</div>').format(
        Markup("").join(Markup("<div>{}</div>").format(part) for part in parts if part)
    )


def themed(picture: bytes, words: object, *, width: int, height: int) -> Markup:
    """Return a picture as an image that is light or dark as its page is.

    An image asks for the `color-scheme` of its element: the page says what that is, as JupyterLab
    and VS Code do by the theme; one that says nothing is light. In the dark, light and dark are
    turned over, and hues are kept: a second drawing would take as long as the first, and as much
    of the notebook.

    Args:
        picture: The bytes of a PNG on white paper.
        words: What it shows, for those who cannot see it.
        width: Pixels.
        height: Pixels.

    Examples:
        >>> themed(b"", "a line", width=9, height=9).count("<img")
        1
    """
    drawing = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}"><style>'
        "@media(prefers-color-scheme:dark){image{filter:url(#turned)}}</style>"
        f'{_TURNED}<image width="{width}" height="{height}" '
        f'href="data:image/png;base64,{base64.b64encode(picture).decode()}"/></svg>'
    )
    data = quote(drawing, safe="/=;,+?()")  # in base64 it would be a third larger
    return Markup(
        '<figure><style>{}</style><img class="rk-themed" width="{}" alt="{}" '
        'style="max-width:100%;height:auto;color-scheme:var(--rk-drawings,light)" '
        'src="data:image/svg+xml,{}"></figure>'
    ).format(SCHEMES, width, safe(words), data)


SCHEMES = Markup(
    '[data-jp-theme-light="true"] .rk-themed,.vscode-light .rk-themed{--rk-drawings:light}'
    '[data-jp-theme-light="false"] .rk-themed,.vscode-dark .rk-themed{--rk-drawings:dark}'
)
"""Rules that tell a picture of the class ``rk-themed`` what its page is."""

_TURNED = (
    '<filter id="turned" color-interpolation-filters="sRGB" x="0" y="0" width="1" height="1">'
    '<feColorMatrix values=".477 -1.189 -.12 0 .91 -.352 -.356 -.119 0 .922 '
    '-.349 -1.172 .702 0 .933 0 0 0 1 0"/></filter>'
)
"""White becomes the paper of dark figures, black their ink."""


def display(kind: str, name: object, *parts: object) -> str:
    """Return a whole display: what it is, its name, and its parts.

    Examples:
        >>> "<b>&lt;n1&gt;</b>" in display("node", "<n1>")
        True
    """
    title = Markup('<p class="rk-title"><span class="rk-kind">{}</span> <b>{}</b></p>')
    return str(
        Markup('<div class="rk-show"><style>{}</style>{}{}</div>').format(
            Markup(CSS),  # noqa: S704 - a constant of this module
            title.format(kind, safe(name)),
            Markup("").join(safe(part) for part in parts),
        )
    )


def guarded(show: Callable[[T], str]) -> Callable[[T], str]:
    """Let the display of an object say what went wrong with it, instead of raising that.

    Whatever its object is in the middle of, a cell that ends with it must not fail.
    """

    @functools.wraps(show)
    def shown(one: T) -> str:
        try:
            return show(one)
        except Exception as error:  # noqa: BLE001 - it is told in the place of the display
            why = f"cannot be shown now: {type(error).__name__}: {_text_of(error)}"
            return display(type(one).__name__, "", paragraph(why, kind="unsure"))

    return shown


def _text_of(error: Any) -> str:
    try:
        return str(error)
    except Exception as worse:  # noqa: BLE001 - a stranger's __str__ may raise anything
        return f"(its text cannot be had: {type(worse).__name__})"
