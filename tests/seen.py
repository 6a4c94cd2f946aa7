"""What a reader sees of a display, and whether it can do harm."""

from __future__ import annotations

import base64
import html
import re
from typing import Any
from xml.etree import ElementTree

_IMAGE = re.compile(r"data:image/svg\+xml;base64,([\w+/=]+)")
HOSTILE = "<img src=x onerror=alert(1)>"


def drawings(page: str) -> list[ElementTree.Element]:
    """Return the drawings that are images of a page, each of which must be whole."""
    return [ElementTree.fromstring(base64.b64decode(each)) for each in _IMAGE.findall(page)]  # noqa: S314 - our own


def text_of(page: str) -> str:
    """Return the words of a page, without its style sheet."""
    plain = re.sub(r"<style>.*?</style>|<[^>]+>", " ", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", html.unescape(plain)).strip()


def seen(one: Any) -> str:
    """Return the words of an object's display, which must be harmless and complete."""
    page = str(one._repr_html_())
    for harm in ("<img src=x", "<script", "http://", "https://", "cannot be shown"):
        assert harm not in page, harm
    assert page.count("<style>") == 1
    assert page.startswith('<div class="rk-show">')
    return text_of(page)
