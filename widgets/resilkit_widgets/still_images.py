"""Drawings of pictures that stay, as images.

JupyterLab takes drawings out of a notebook that it does not trust, one that somebody else has
made, and leaves their words standing in a row. An image stays. It has paper of its own, as the page
tells it by the `color-scheme` of the element, and not as the reader's system is: light, but dark in
JupyterLab's dark themes, and on a page whose style sheet sets `--rk-drawings`.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field

__all__ = ["with_images"]

_PARTS = re.compile(
    r"<style>(?P<style>.*?)</style>"
    r"|<svg\b(?P<attributes>[^>]*)>(?P<inside>.*?)</svg>"
    r"|</(?P<end>[a-z][a-z0-9]*)\s*>"
    r"|<(?P<name>[a-z][a-z0-9]*)\b(?P<about>[^>]*)>",
    re.DOTALL,
)
_CLASS = re.compile(r'\bclass="([^"]*)"')
_ALONE = frozenset({"br", "col", "hr", "img", "input", "wbr"})
"""Elements that have no end."""
_DARK = re.compile(r'\[data-jp-theme-light="false"\] ([^{]+\{[^}]*\})')
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

# The root of a drawing has the classes of what stood around it; its own colours weigh more.
_PAPER = (
    "svg:root{--rk-paper:#fff;background:#fff;color:#1b1f24;font:11px system-ui,sans-serif}"
    "text{fill:currentColor}"
    "@media(prefers-color-scheme:dark){svg:root{--rk-paper:#14181d;background:#14181d;color:#e8ebee}}"
)

# A picture that a page's own sanitizer takes this out of is as light as the reader's system.
_SCHEME = '<style>[data-jp-theme-light="false"]{--rk-drawings:dark}</style>'


@dataclass(slots=True)
class _Element:
    """An element of a picture, with the styles that stand in it: they are for what is in it too."""

    name: str = ""
    classes: str = ""
    styles: list[str] = field(default_factory=list)


def with_images(picture: str) -> str:
    """Return HTML with each drawing in it as an image that needs nobody.

    A drawing keeps the classes of what is around it, and the styles that stand in that; those of
    another figure in the same picture are none of its own.

    Args:
        picture: HTML with inline SVG.

    Examples:
        >>> with_images('<svg width="9" aria-label="a line"><path d="M0 0h9"/></svg>').count("<img")
        1
    """
    if "<svg" not in picture:
        return picture
    # A style may stand after its drawing: first what stands where, then the images.
    drawings = _drawings(picture)
    done, parts = 0, [_SCHEME]
    for found, around in drawings:
        parts += [picture[done : found.start()], _image(found, around)]
        done = found.end()
    return "".join([*parts, picture[done:]])


def _drawings(picture: str) -> list[tuple[re.Match[str], list[_Element]]]:
    """Return each drawing with the elements around it, the outermost first."""
    around = [_Element()]
    drawings = []
    for found in _PARTS.finditer(picture):
        if found["style"] is not None:
            around[-1].styles.append(found["style"])
        elif found["attributes"] is not None:
            drawings.append((found, list(around)))
        elif (name := found["end"]) is not None:
            # One that was left open ends with what is around it.
            last = max(place for place, each in enumerate(around) if each.name in (name, ""))
            del around[max(last, 1) :]
        elif found["name"] not in _ALONE and not found["about"].endswith("/"):
            classes = _CLASS.search(found["about"])
            around.append(_Element(found["name"], classes[1] if classes else ""))
    return drawings


def _image(found: re.Match[str], around: list[_Element]) -> str:
    attributes, inside = found["attributes"], found["inside"]
    styles = "".join(style for each in around for style in each.styles)
    styles = _DARK.sub(r"@media(prefers-color-scheme:dark){\1}", styles)
    classes = " ".join(dict.fromkeys(" ".join(each.classes for each in around).split()))
    drawing = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="{classes}"{attributes}>'
        f"<style>{_PAPER}{styles}</style>{inside}</svg>"
    )
    data = base64.b64encode(_NO_XML.sub("\N{REPLACEMENT CHARACTER}", drawing).encode())
    label, width = (
        re.search(rf'\b{name}="([^"]*)"', attributes) for name in ("aria-label", "width")
    )
    wide = f' width="{width[1]}"' if width else ""
    return (
        f'<img alt="{label[1] if label else "drawing"}"{wide} '
        'style="max-width:100%;height:auto;display:block;'
        'color-scheme:var(--rk-drawings,light)" '
        f'src="data:image/svg+xml;base64,{data.decode()}">'
    )
