"""The front end of the supervision panel alone: the tree, its keys, its lights and its buttons."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.modules import ModulePage

Module = Callable[..., ModulePage]
HOSTILE = "<img src=x onerror=window.hurt=1>\"'"


def row(id: str, *children: dict[str, Any], **others: Any) -> dict[str, Any]:
    """Return a child's row, as the kernel sends it."""
    kind = "supervisor" if children else "worker"
    known = {
        "key": f'["{id}"]', "id": id, "kind": kind, "class": "Counter", "node": "n1",
        "status": "running", "sign": "●", "restart": "permanent", "restarts": 0, "queue": 0,
        "reason": "", "rule": "one_for_one, 3 in 5 s" if children else "", "silent": False,
        "top": False, "children": list(children),
    }  # fmt: skip
    return known | others


def shown(module: Module, *trees: dict[str, Any], **traits: Any) -> ModulePage:
    """Show the panel with these trees."""
    known = {"trees": list(trees), "given_up": [], "notices": [], "doing": "", "refused": ""}
    return module("supervision", **known | traits)


def team(**leaf: Any) -> dict[str, Any]:
    """Return a supervisor with a supervisor and a child."""
    return row("top", row("inner", row("leaf", **leaf)), row("other"), top=True)


def words(made: ModulePage, id: str) -> str:
    """Return what stands in a child's own line."""
    line = made.page.locator(f"li[data-child='{id}'] > .rk-branch .rk-words")
    return " ".join(line.locator("span").all_inner_texts())


_LOWEST_CONTRAST = """() => {
  const line = document.querySelector("li[data-lit] > .rk-branch");
  for (const one of line.getAnimations()) { one.pause(); one.currentTime = 0; }
  const brush = new OffscreenCanvas(1, 1).getContext("2d");
  const over = (...colours) => {
    for (const each of colours) { brush.fillStyle = each; brush.fillRect(0, 0, 1, 1); }
    return [...brush.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = (parts) => parts
    .map((each) => each / 255)
    .map((each) => (each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4))
    .reduce((sum, each, at) => sum + each * [0.2126, 0.7152, 0.0722][at], 0);
  const paper = getComputedStyle(document.querySelector(".rk-panel")).backgroundColor;
  const ground = [paper, getComputedStyle(line).backgroundColor];
  const lights = [...line.querySelectorAll(".rk-words > :not(:empty)")].map((each) => {
    const both = [light(over(...ground)), light(over(...ground, getComputedStyle(each).color))];
    return (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05);
  });
  return Math.min(...lights);
}"""
"""The lowest contrast of a word of the line that is lit, as lit as it ever gets."""


def focused(made: ModulePage) -> str:
    """Return the child whose line has the focus."""
    return str(made.page.evaluate("document.activeElement.dataset.child"))


def test_the_tree_is_nested_and_each_line_tells_what_there_is_to_know(module: Module) -> None:
    made = shown(module, team(restarts=2, queue=5, reason="ValueError: boom"))
    assert words(made, "leaf").split("  ")[0] == (
        "● running leaf Counter · n1 · permanent ↻ 2 queue 5 last end: ValueError: boom"
    )
    assert "one_for_one, 3 in 5 s · n1" in words(made, "top")
    leaf = made.page.locator("li[data-child='leaf']")
    assert leaf.get_attribute("aria-level") == "3"
    assert made.page.get_by_role("tree").count() == 1
    assert made.page.get_by_role("treeitem").count() == 4


def test_a_button_acts_on_the_child_that_is_chosen(module: Module) -> None:
    made = shown(module, team())
    crash = made.page.get_by_role("button", name="Crash")
    assert crash.is_disabled(), "nobody is chosen"
    made.page.locator("li[data-child='leaf'] .rk-id").click()
    crash.click()
    made.page.get_by_role("button", name="Terminate").click()
    assert made.asked() == [
        {"do": "crash", "key": '["leaf"]'},
        {"do": "terminate", "key": '["leaf"]'},
    ]
    assert made.page.get_by_role("button", name="Restart").is_disabled(), "it runs"


def test_what_has_ended_can_be_started_and_forgotten(module: Module) -> None:
    made = shown(module, team(status="terminated", sign="■", queue=None))
    made.page.locator("li[data-child='leaf'] .rk-id").click()
    assert made.page.get_by_role("button", name="Crash").is_disabled()
    made.page.get_by_role("button", name="Restart").click()
    made.page.get_by_role("button", name="Delete").click()
    assert [each["do"] for each in made.asked()] == ["restart", "delete"]


def test_one_at_the_top_can_only_be_crashed(module: Module) -> None:
    made = shown(module, team())
    made.page.locator("li[data-child='top'] > .rk-branch .rk-id").click()
    enabled = made.page.locator(".rk-actions button:enabled").all_inner_texts()
    assert enabled == ["Crash"]


def test_the_keys_of_a_tree_work(module: Module) -> None:
    made = shown(module, team())
    keyboard = made.page.keyboard
    made.page.locator("li[data-child='top']").focus()
    seen = []
    for key in ("ArrowDown", "ArrowDown", "ArrowDown", "ArrowUp", "Home", "End", "ArrowLeft"):
        keyboard.press(key)
        seen.append(focused(made))
    assert seen == ["inner", "leaf", "other", "leaf", "top", "other", "top"]
    keyboard.press("ArrowLeft")
    assert made.page.locator("li[data-child='top']").get_attribute("aria-expanded") == "false"
    assert not made.page.locator("li[data-child='leaf']").is_visible()
    keyboard.press("ArrowDown")
    assert focused(made) == "top", "what is folded in is left out"
    keyboard.press("Enter")
    assert made.page.locator("li[data-child='leaf']").is_visible()
    assert made.page.locator("li[tabindex='0']").count() == 1


def test_a_restart_is_lit_and_the_line_with_the_focus_stays(module: Module) -> None:
    made = shown(module, team())
    made.page.locator("li[data-child='leaf']").focus()
    made.set("trees", [team(restarts=1)])
    made.wait("root.dataset.lit === '1'")
    assert made.page.locator("li[data-lit]").get_attribute("data-child") == "leaf"
    assert focused(made) == "leaf"
    made.wait("root.querySelector('li[data-lit]') === null")
    made.set("trees", [team(restarts=1, reason="again")])
    assert made.page.locator("li[data-lit]").count() == 0, "no restart, no light"


def test_who_wants_no_motion_sees_a_restart_without_any(module: Module) -> None:
    made = shown(module, team())
    made.page.emulate_media(reduced_motion="reduce")
    made.set("trees", [team(restarts=1)])
    style = "getComputedStyle(document.querySelector('li[data-lit] > .rk-branch'))"
    assert made.page.evaluate(f"{style}.animationName") == "none"
    assert made.page.evaluate(f"{style}.backgroundColor") == "rgba(230, 159, 0, 0.4)"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_words_are_readable_in_the_brightest_light_of_a_restart(module: Module, theme: str) -> None:
    made = shown(module, team(reason="ValueError: boom", queue=2), theme=theme)
    made.set("trees", [team(restarts=1, reason="ValueError: boom", queue=2)])
    assert made.page.evaluate(_LOWEST_CONTRAST) >= 4.5


def test_one_that_gave_up_is_told_under_the_tree(module: Module) -> None:
    told = f"✗ {HOSTILE} gave up on n1 at 2.0 s"
    made = shown(module, team())
    made.set("given_up", [told])
    assert made.page.locator("[role=status] .rk-gave-up").inner_text() == told
    assert made.page.locator("img").count() == 0
    made.set("given_up", [])
    assert made.page.locator(".rk-notice").count() == 0


def test_children_come_go_and_keep_their_order(module: Module) -> None:
    made = shown(module, row("top", row("a"), row("c"), top=True))
    made.page.locator("li[data-child='c']").focus()
    made.set("trees", [row("top", row("a"), row("b"), row("c"), top=True)])
    items = "li[data-child='top'] > ul > li"
    names = [each.get_attribute("data-child") for each in made.page.locator(items).all()]
    assert names == ["a", "b", "c"]
    assert focused(made) == "c"
    made.set("trees", [row("top", row("b"), top=True)])
    assert made.page.get_by_role("treeitem").count() == 2
    assert made.page.get_by_role("button", name="Crash").is_disabled(), "the chosen one is gone"


def test_a_silent_node_is_told_and_nothing_can_be_done_on_it(module: Module) -> None:
    made = shown(module, team(silent=True), notices=["n1 does not answer: it is paused."])
    assert made.page.locator(".rk-notice").inner_text() == "n1 does not answer: it is paused."
    made.page.locator("li[data-child='leaf'] .rk-id").click()
    assert made.page.locator(".rk-actions button:enabled").count() == 0


@pytest.mark.parametrize("width", [700, 1200])
def test_no_line_moves_when_a_node_falls_silent_or_a_child_comes_back(
    module: Module, width: int
) -> None:
    workers = [row(f"counter-{number}") for number in range(3)]
    made = shown(module, row("counters", *workers, top=True), width=width)

    def places() -> list[object]:
        lines = made.page.locator("li, .rk-actions button")
        return [
            (box["x"], box["y"], box["height"])
            for at in range(lines.count())
            if (box := lines.nth(at).bounding_box())
        ]

    before = places()
    made.set("notices", ["n1 does not answer: it is paused."])
    assert made.page.get_by_text("n1 does not answer").is_visible()
    assert places() == before
    ended = {"restarts": 12, "reason": "ServerExit: chaos, as somebody wanted it " * 4}
    for change in (ended, ended | {"status": "restarting", "sign": "↻", "queue": None}):
        made.set("trees", [row("counters", workers[0] | change, *workers[1:], top=True)])
        assert places() == before
    made.page.locator("li[data-child='counter-0']").focus()
    assert places() == before


def test_a_long_name_that_is_chosen_moves_nothing(module: Module) -> None:
    long = row("a-very-long-name-of-a-child-" * 5)
    made = shown(module, row("top", long, row("other"), top=True), width=500)
    other = made.page.locator("li[data-child='other']")
    before = other.bounding_box()
    made.page.locator(f"li[data-child='{long['id']}']").focus()
    assert made.page.locator(".rk-chosen").get_attribute("title") == long["id"]
    assert other.bounding_box() == before


def test_without_supervisors_it_says_how_to_start_one(module: Module) -> None:
    made = shown(module)
    assert made.page.get_by_text("No supervisor runs.").is_visible()
    made.set("trees", [team()])
    assert not made.page.get_by_text("No supervisor runs.").is_visible()


def test_names_and_reasons_are_only_text(module: Module) -> None:
    made = shown(module, row("top", row(HOSTILE, reason=HOSTILE), top=True))
    assert made.page.locator(".rk-id").all_inner_texts()[1] == HOSTILE
    assert made.page.locator("img").count() == 0
    assert made.page.evaluate("window.hurt") is None


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_panel_fits_a_narrow_page_in_both_themes(module: Module, theme: str) -> None:
    long = row("a-very-long-name-of-a-child-" * 3, reason="an endless story " * 20)
    made = shown(module, row("all", long, team(restarts=3), top=True), theme=theme, width=500)
    assert made.page.evaluate("document.body.scrollWidth <= innerWidth")


def test_a_view_that_ends_leaves_no_listener(module: Module) -> None:
    made = shown(module, team())
    made.end()
    assert made.page.evaluate("window.model.heard()") == 0
