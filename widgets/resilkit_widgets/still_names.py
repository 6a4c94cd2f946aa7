"""Names of others in pictures that stay: of any length and in any script."""

from __future__ import annotations

import html
from unicodedata import category, east_asian_width

from resilkit.texts import writable

__all__ = ["cut", "name_span", "pixels"]

_LETTER, _WIDE = 6.4, 11.5

_TURNS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""What tells in which direction the text after it runs."""


def cut(name: str, most: int) -> str:
    r"""Return a name of at most so many letters, without what would turn the text around it.

    Examples:
        >>> cut("a-server-with-a-long-name-17", 16)
        'a-server-…ame-17'
        >>> cut("abc\u202edef", 16) == "abc\ufffddef"
        True
    """
    clean = "".join(
        "\N{REPLACEMENT CHARACTER}" if each in _TURNS or category(each) == "Cc" else each
        for each in writable(name)
    )
    if len(clean) <= most:
        return clean
    tail = (most - 1) * 2 // 5
    return f"{clean[: most - 1 - tail]}…{clean[-tail:]}"


def pixels(text: str) -> float:
    """Return about how many pixels a text takes, rather more than less.

    Examples:
        >>> pixels("ab") < pixels("漢字")
        True
    """
    return sum(_WIDE if east_asian_width(each) in "WF" else _LETTER for each in text)


def name_span(name: str, most: int) -> str:
    """Return a name as SVG, whose direction is its own; one that is cut has the whole as its title.

    Examples:
        >>> name_span("<b>", 16)[8:-9]
        '&lt;b&gt;'
    """
    shown = cut(name, most)
    whole = cut(name, len(name) + 1)
    title = "" if shown == whole else f"<title>{html.escape(whole)}</title>"
    return (
        f"<tspan>{title}\N{FIRST STRONG ISOLATE}{html.escape(shown)}"
        "\N{POP DIRECTIONAL ISOLATE}</tspan>"
    )
