"""Drawings of pictures that stay, as images.

JupyterLab takes drawings out of a notebook that it does not trust, one that somebody else has
made, and leaves their words standing in a row. An image stays. It cannot know the page's theme,
so it has paper of its own, light or dark as the reader's system is.
"""

from __future__ import annotations

import base64
import re

__all__ = ["with_images"]

_STYLES = re.compile(r"<style>(.*?)</style>", re.DOTALL)
_DRAWINGS = re.compile(r"<svg\b([^>]*)>(.*?)</svg>", re.DOTALL)
_CLASSES = re.compile(r'<(?:figure|div|section)\b[^>]*\bclass="([^"]*)"')
_DARK = re.compile(r'\[data-jp-theme-light="false"\] ([^{]+\{[^}]*\})')
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

# The root of a drawing has the classes of all that stood around it; its own colours weigh more.
_PAPER = (
    "svg:root{background:#fff;color:#1b1f24;font:11px system-ui,sans-serif}"
    "text{fill:currentColor}"
    "@media(prefers-color-scheme:dark){svg:root{background:#14181d;color:#e8ebee}}"
)


def with_images(picture: str) -> str:
    """Return HTML with each drawing in it as an image that needs nobody.

    The drawings keep the styles of the picture.

    Args:
        picture: HTML with inline SVG.

    Examples:
        >>> with_images('<svg width="9" aria-label="a line"><path d="M0 0h9"/></svg>')[:43]
        '<img alt="a line" width="9" style="max-widt'
    """
    if "<svg" not in picture:
        return picture
    style = _DARK.sub(r"@media(prefers-color-scheme:dark){\1}", "".join(_STYLES.findall(picture)))
    classes = " ".join(dict.fromkeys(" ".join(_CLASSES.findall(picture)).split()))

    def image(found: re.Match[str]) -> str:
        attributes, inside = found.groups()
        drawing = (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="{classes}"{attributes}>'
            f"<style>{_PAPER}{style}</style>{inside}</svg>"
        )
        data = base64.b64encode(_NO_XML.sub("\N{REPLACEMENT CHARACTER}", drawing).encode())
        label, width = (
            re.search(rf'\b{name}="([^"]*)"', attributes) for name in ("aria-label", "width")
        )
        wide = f' width="{width[1]}"' if width else ""
        return (
            f'<img alt="{label[1] if label else "drawing"}"{wide} '
            'style="max-width:100%;height:auto;display:block" '
            f'src="data:image/svg+xml;base64,{data.decode()}">'
        )

    return _DRAWINGS.sub(image, picture)
