"""Drawings in displays as images, with paper of their own."""

from __future__ import annotations

import base64
import re

from markupsafe import Markup

from resilkit.markup import SCHEMES, safe

__all__ = ["drawing"]

_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

_PAPER = (
    "svg:root{--rk-paper:#fff;background:#fff;color:#1b1f24}"
    "text{font:11px system-ui,sans-serif;fill:currentColor}"
    "@media(prefers-color-scheme:dark){"
    "svg:root{--rk-paper:#14181d;background:#14181d;color:#e8ebee}}"
)


def drawing(inside: str, words: object, *, width: int, height: int, style: str = "") -> Markup:
    """Return an SVG as an image with paper of its own, light or dark as its page is.

    JupyterLab takes inline drawings out of a notebook that it does not trust, one that somebody
    else has made, and leaves their words standing in a row. An image stays.

    Args:
        inside: What is in the SVG: no more than SVG, escaped by whoever made it.
        words: What it shows, for those who cannot see it.
        width: Pixels.
        height: Pixels.
        style: Its style sheet; ``var(--rk-paper)`` is the colour of the paper.

    Examples:
        >>> drawing('<path d="M0 0h9"/>', "a line", width=9, height=9).count("<img")
        1
    """
    drawn = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}"><style>{_PAPER}{style}</style>{inside}</svg>'
    )
    data = base64.b64encode(_NO_XML.sub("\N{REPLACEMENT CHARACTER}", drawn).encode()).decode()
    return Markup(
        '<style>{}</style><img class="rk-themed" width="{}" alt="{}" '
        'style="max-width:100%;height:auto;color-scheme:var(--rk-drawings,light)" '
        'src="data:image/svg+xml;base64,{}">'
    ).format(SCHEMES, width, safe(words), data)
