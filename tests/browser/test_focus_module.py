"""What has the focus of the keyboard has one ring, whatever it is, in each panel."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.browser import test_chaos_module as chaos
from tests.browser import test_supervision_module as supervision
from tests.browser import test_topology_module as topology
from tests.browser import test_trace_module as trace
from tests.browser import test_verdict_module as verdict
from tests.browser.modules import ModulePage

Module = Callable[..., ModulePage]

RING = {"light": "rgb(0, 114, 178)", "dark": "rgb(86, 180, 233)"}

PANELS: dict[str, Callable[..., ModulePage]] = {
    "chaos": lambda module, **at: chaos.shown(module, injections=[chaos.injection(1)], **at),
    "supervision": lambda module, **at: supervision.shown(module, supervision.team(), **at),
    "topology": lambda module, **at: topology.shown(module, 3, **at),
    "trace": lambda module, **at: trace.live(module, trace.message(1), **at),
    "verdict": lambda module, **at: verdict.shown(
        module, verdict.row(), editable=True, exportable=True, **at
    ),
}

# The ring of a line of a tree is around its own words; that of a drawing is the part's own line.
_SEEN = """() => {
  const at = document.activeElement;
  const own = at.querySelector(":scope > .rk-branch, .rk-disc, .rk-area, .rk-row") ?? at;
  const style = getComputedStyle(own);
  const drawn = own.closest("svg") !== null;
  return [
    `${at.tagName.toLowerCase()} ${at.getAttribute("role") ?? at.type ?? ""}`.trim(),
    drawn ? style.stroke : style.outlineStyle === "solid" ? style.outlineColor : "none",
  ];
}"""


def rings(made: ModulePage) -> dict[str, str]:
    """Go through all that the tab key and the down key reach; return the rings by what it is."""
    reached = "a, button, input, select, textarea, summary, [tabindex]"
    for _ in range(made.page.locator("details:not([open])").count()):
        made.page.locator("details:not([open]) > summary").first.click()
    made.page.locator(".rk-title").click()
    seen = {}
    for _ in range(made.page.locator(reached).count()):
        made.page.keyboard.press("Tab")
        what, ring = made.page.evaluate(_SEEN)
        if what != "body":
            seen[what] = ring
    return seen


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(
    ("panel", "among"),
    [
        ("chaos", {"button tab", "summary", "input text", "input checkbox", "select select-one"}),
        ("supervision", {"li treeitem"}),
        ("topology", {"g button"}),
        ("trace", {"g listitem", "select select-one"}),
        ("verdict", {"textarea textarea", "summary", "button submit"}),
    ],
)
def test_what_has_the_focus_has_the_same_ring(
    module: Module, panel: str, among: set[str], theme: str
) -> None:
    seen = rings(PANELS[panel](module, theme=theme))
    assert among <= seen.keys()
    assert set(seen.values()) == {RING[theme]}, seen


def test_a_ring_is_not_cut_off_at_the_edge_of_the_panel(module: Module) -> None:
    made = PANELS["chaos"](module)
    inject = made.page.get_by_role("button", name="Inject").bounding_box() or {}
    body = made.page.locator(".rk-body").bounding_box() or {}
    assert inject["x"] - body["x"] >= 2
