"""The figures of a result, as they stand in notebooks and reports."""

from __future__ import annotations

import base64
import io
from html import escape
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from markupsafe import Markup

from resilkit.chaos.spans import fault_spans
from resilkit.importing import whole
from resilkit.markup import themed
from resilkit.metrics.event_bands import outage_bands
from resilkit.texts import plain

if TYPE_CHECKING:
    import pandas as pd

    from resilkit.experiment.result import Result
    from resilkit.metrics.plots import Picture

__all__ = ["inline_svg", "overview", "report_figures", "small_figure", "timeline"]

_LARGEST_SVG_BYTES = 1_000_000
_SVG = "http://www.w3.org/2000/svg"
_XLINK = "http://www.w3.org/1999/xlink"
_SINCE = "the load began"
_SMALL = 820
_WIDTHS = {"wide": 1000, "narrow": 430}


def overview(result: Result, **options: Any) -> Picture:
    """Draw the whole run; `options` are those of `resilkit.metrics.plots.overview`."""
    whole("resilkit.metrics.plots")
    from resilkit.metrics.plots import overview as draw

    end = max(result.ran, 1e-3)
    defaults = {
        "memory": _metric(result, "memory_rss"),
        "queue_length": _metric(result, "queue_length"),
        "faults": _bands(result),
        "span": (0.0, end),
        "origin": 0.0,
        "machine": result.backend != "simulation",
        "since": _since(result),
    }
    return draw(result.operations, **{**defaults, **options})


def timeline(result: Result, **options: Any) -> Picture:
    """Draw the events; `options` are those of `resilkit.metrics.plots.timeline_figure`."""
    whole("resilkit.metrics.plots")
    from resilkit.metrics.plots import timeline_figure

    defaults = {
        "faults": fault_spans(result.events),
        "span": (0.0, max(result.ran, 1e-3)),
        "origin": 0.0,
        "since": _since(result),
    }
    return timeline_figure(result.events, **{**defaults, **options})


def _since(result: Result) -> str:
    return f"{_SINCE}, in virtual time" if result.backend == "simulation" else _SINCE


def _bands(result: Result) -> list[tuple[object, ...]]:
    """Return what is shaded: the faults, and nodes that were down though no fault had hit them."""
    return [*fault_spans(result.events), *outage_bands(result.events)]


def _metric(result: Result, name: str) -> pd.DataFrame | None:
    return result.metrics.get(name)


def report_figures(result: Result) -> list[dict[str, object]]:
    """Return the report's figures: markup with a variant for each theme and width, and a caption.

    The page's style sheet shows the one variant that fits; without a script there is no other
    way to keep the labels of a figure readable on a phone.
    """
    variants = []
    for size, width in _WIDTHS.items():
        for theme in ("light", "dark"):
            picture = overview(result, theme=theme, width=width)
            variants.append(_markup(picture, f"{size} {theme}", _words(result)))
    last = " and queue lengths" if result.backend == "simulation" else ", queue lengths and memory"
    caption = (
        "From top to bottom: the faults, operations by how they ended, response times, every "
        f"response time as a heat map{last}. Faults are shaded, each kind in "
        "its colour, and pale where several were in at once."
    )
    # Everything in it went through an XML writer or `escape` below.
    return [{"markup": Markup("".join(variants)), "caption": caption}]  # noqa: S704


def small_figure(result: Result) -> Markup:
    """Return one picture for a notebook's output, light or dark as its page is."""
    drawn = overview(result, heatmap=False, width=_SMALL)
    height = round(_SMALL * drawn.get_figheight() / drawn.get_figwidth())
    return themed(drawn.to_png(scale=1.5), _words(result), width=_SMALL, height=height)


def _words(result: Result) -> str:
    """Return what the picture shows. How the run ended stands beside it, and is not read twice."""
    faults = len(fault_spans(result.events))
    shaded = f", {plain(faults, 'fault')} shaded" if faults else ""
    last = " and queue lengths" if result.backend == "simulation" else ", queue lengths and memory"
    figures = f"throughput, response times{last}"
    return f"The {result.ran:.3g} s of the run: {figures}{shaded}."


def _markup(picture: Picture, classes: str, words: str) -> str:
    text = picture.to_svg()
    if len(text) <= _LARGEST_SVG_BYTES:
        return inline_svg(
            text, classes=classes, prefix=f"{classes.replace(' ', '-')}-", words=words
        )
    data = base64.b64encode(picture.to_png(scale=2.0)).decode()
    return f'<img class="{classes}" alt="{escape(words)}" src="data:image/png;base64,{data}">'


def inline_svg(text: str, *, classes: str, prefix: str, words: str) -> str:
    """Return an SVG document as an element for an HTML page.

    It is read and written again by an XML parser, so it is well formed whatever texts are in it.
    Its ids get a prefix (several figures stand on one page), and its style sheet, which would
    apply to the whole page, becomes attributes.

    Args:
        text: The SVG document.
        classes: The element's classes.
        prefix: What all ids begin with.
        words: What it shows, for those who cannot see it.
    """
    ElementTree.register_namespace("", _SVG)
    ElementTree.register_namespace("xlink", _XLINK)
    document = ElementTree.parse(io.StringIO(text))  # noqa: S314 - matplotlib wrote it just now
    root = document.getroot()
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in {f"{{{_SVG}}}metadata", f"{{{_SVG}}}style"} or (
                child.tag == f"{{{_SVG}}}defs" and not len(child)
            ):
                parent.remove(child)
    for element in root.iter():
        for name, value in list(element.attrib.items()):
            if name == "id":
                element.set(name, f"{prefix}{value}")
            elif value.startswith("#") and name.endswith("href"):
                element.set(name, f"#{prefix}{value[1:]}")
            elif "url(#" in value:
                element.set(name, value.replace("url(#", f"url(#{prefix}"))
    for name in ("width", "height"):
        root.attrib.pop(name, None)  # the view box keeps the proportions at any width
    root.set("class", classes)
    root.set("role", "img")
    root.set("aria-label", words)
    root.set("style", "stroke-linejoin:round;stroke-linecap:butt")
    return ElementTree.tostring(root, encoding="unicode")
