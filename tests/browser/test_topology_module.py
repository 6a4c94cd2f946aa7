"""The front end of the topology panel alone: what it draws, and what it asks the kernel for."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

from resilkit_widgets.still_images import with_images
from resilkit_widgets.still_topology import still_topology
from resilkit_widgets.topology_looks import Shown
from resilkit_widgets.topology_rows import view_of
from tests.browser.modules import ModulePage

Module = Callable[..., ModulePage]
CUT = [["n1<->n2", "both", "", "", ["partition-1"]]]
ONE_CUT = {"cut": 1, "slow": 0, "other": 0, "all": 1}


def nodes(count: int, **changed: dict[str, Any]) -> list[dict[str, Any]]:
    """Return rows of nodes as the kernel sends them; `changed` by name."""
    spots = view_of(count).spots
    return [
        {"name": f"n{n + 1}", "status": "running", "sign": "●", "memory": "25 MiB", "queue": 3}
        | {"starts": 1, "side": -1, **(spots[n]._asdict() if spots else {})}
        | changed.get(f"n{n + 1}", {})
        for n in range(count)
    ]


def shown(module: Module, count: int, **traits: Any) -> ModulePage:
    """Show the panel of a mesh."""
    page = {name: traits.pop(name) for name in ("theme", "width") if name in traits}
    view = view_of(count)
    pairs = [list(pair) for pair in itertools.combinations(range(count), 2)]
    known = {
        "view": {"kind": view.kind, "width": view.width, "height": view.height},
        "nodes": nodes(count),
        "links": pairs if view.kind != "sides" else [],
        "loads": [[0, 0, 0, 0]] * len(pairs),
        "harms": [],
        "harmed": {"cut": 0, "slow": 0, "other": 0, "all": 0},
        "injections": {},
        "base": "",
        "doing": "",
        "refused": "",
    }
    return module("topology", **page, **(known | traits))


def link(made: ModulePage, name: str) -> Any:
    return made.page.locator(f"[data-link='{name}']")


def choose(made: ModulePage, node: str, other: str = "") -> None:
    """Choose from the lists."""
    made.page.get_by_label("Node", exact=True).select_option(node)
    if other:
        made.page.get_by_label("Its link to").select_option(label=other)


def press(made: ModulePage, name: str) -> None:
    made.page.get_by_role("button", name=name, exact=True).click()


def test_a_link_is_as_wide_as_its_load_and_tells_it(module: Module) -> None:
    loads = [[100, 20, 900, 0], [0, 0, 0, 0], [3, 0.5, 10, 0]]
    made = shown(module, 3, loads=loads, base="1–5 ms")
    widths = [
        float(link(made, name).locator(".rk-wire").get_attribute("stroke-width"))
        for name in ("n1<->n2", "n2<->n3", "n1<->n3")
    ]
    assert widths[0] > widths[1] > widths[2] == 1.5
    told = [link(made, name).locator(".rk-load") for name in ("n1<->n2", "n2<->n3", "n1<->n3")]
    words = [each.text_content() for each in told]
    assert words == ["120/s · 1–5 ms", "3.5/s · 1–5 ms", ""]
    made.set("loads", [[0, 0, 0, 0], [0, 2000, 0, 0], [0, 0, 0, 0]])
    made.wait(
        "root.querySelector(\"[data-link='n1<->n3'] .rk-load\").textContent.startsWith('2k/s')"
    )


def test_a_cut_is_dashed_and_has_scissors_and_one_way_has_an_arrow(module: Module) -> None:
    harms = [*CUT, ["n1<->n3", "out", "", "", ["cut-2"]], ["n2<->n3", "in", "", "", ["cut-3"]]]
    made = shown(module, 3, harms=harms, harmed={"cut": 3, "slow": 0, "other": 0, "all": 3})
    for name, arrow in (("n1<->n2", False), ("n1<->n3", True), ("n2<->n3", True)):
        one = link(made, name)
        assert one.locator(".rk-wire").get_attribute("stroke-dasharray") != "none"
        assert one.locator(".rk-scissors").is_visible()
        assert one.locator(".rk-lostway").is_visible() == arrow

    def points_down(name: str) -> bool:
        turn = link(made, name).locator(".rk-lostway").get_attribute("transform")
        degrees = float(turn.partition("rotate(")[2].partition(")")[0]) % 360
        return 0 < degrees < 180

    assert points_down("n1<->n3"), "n1 is at the top, and what it sends is lost"
    made.set("harms", [["n1<->n3", "in", "", "", ["partition-2"]]])
    made.wait("root.querySelectorAll('[data-cut=\"\"]').length === 2")
    assert not points_down("n1<->n3")
    assert not link(made, "n1<->n2").locator(".rk-scissors").is_visible()


def test_those_who_are_apart_have_tints_and_letters(module: Module) -> None:
    rows = nodes(3, n1={"side": 0}, n2={"side": 1}, n3={"side": 1})
    made = shown(module, 3, nodes=rows)
    names = made.page.locator(".rk-name").all_text_contents()
    assert names == ["n1 · A", "n2 · B", "n3 · B"]
    tints = {each.get_attribute("style") for each in made.page.locator(".rk-halo").all()}
    assert len(tints) == 2
    assert made.page.locator(".rk-sides p").all_inner_texts() == ["Side A: n1", "Side B: n2, n3"]
    assert "2 sides apart" in made.page.locator(".rk-summary").inner_text()
    made.set("nodes", nodes(3))
    made.wait("root.querySelectorAll('.rk-sides p').length === 0")
    assert not made.page.locator(".rk-halo").first.is_visible()


def test_a_link_that_is_clicked_can_be_cut_either_way_and_slowed(module: Module) -> None:
    made = shown(module, 3)
    link(made, "n1<->n2").locator(".rk-area").click()
    assert made.page.locator(".rk-chosen").inner_text() == "n1 ↔ n2"
    assert made.page.get_by_label("Its link to").input_value() == "n1<->n2"
    press(made, "✂ Cut")
    press(made, "✂ n1 → n2")
    press(made, "✂ n2 → n1")
    made.page.get_by_label("Hold back for (ms)").fill("12.5")
    made.page.get_by_label("Hold back for (ms)").press("Enter")
    assert made.asked() == [
        {"do": "cut", "link": "n1<->n2"},
        {"do": "cut", "link": "n1->n2"},
        {"do": "cut", "link": "n2->n1"},
        {"do": "slow", "link": "n1<->n2", "ms": 12.5},
    ]


def test_a_node_that_is_clicked_can_be_acted_on(module: Module) -> None:
    made = shown(module, 3)
    made.page.locator("[data-node='n2'] .rk-disc").click()
    for name in ("Kill", "Pause", "Restart", "Isolate"):
        press(made, name)
    asked = [{"do": what, "node": "n2"} for what in ("kill", "pause", "restart", "isolate")]
    assert made.asked() == asked
    assert made.page.get_by_role("button", name="Resume").is_disabled(), "it is not paused"
    made.set("nodes", nodes(3, n2={"status": "paused", "sign": "‖"}))
    made.wait("root.querySelector('.rk-how').textContent === '‖ paused'")
    press(made, "Resume")
    assert made.page.get_by_role("button", name="Pause", exact=True).is_disabled()
    assert made.asked()[-1] == {"do": "resume", "node": "n2"}


def test_what_is_on_a_link_is_told_and_healed(module: Module) -> None:
    harms = [["n1<->n2", "both", "50 ms", "", ["partition-1", "latency-2"]]]
    injections = {"partition-1": ["Partition()", 3], "latency-2": ["Latency()", 1]}
    made = shown(module, 3, harms=harms, harmed=ONE_CUT | {"slow": 1}, injections=injections)
    choose(made, "n1", "n2")
    assert "cut both ways, slowed by 50 ms" in made.page.locator(".rk-how").inner_text()
    told = made.page.locator(".rk-onit li span").all_inner_texts()
    assert told == ["Partition() on 3 links", "Latency()"]
    assert made.page.get_by_role("button", name="✂ Cut").is_disabled()
    made.page.get_by_label("Heal latency-2").click()
    press(made, "Heal these 2")
    press(made, "Heal all")
    assert made.asked() == [
        {"do": "heal", "ids": ["latency-2"]},
        {"do": "heal", "ids": ["partition-1", "latency-2"]},
        {"do": "heal_all"},
    ]
    choose(made, "n3")
    assert made.page.locator(".rk-onit li").count() == 0, "nothing is on the links of n3"
    made.set("harms", [])
    made.set("injections", {})
    made.set("harmed", {"cut": 0, "slow": 0, "other": 0, "all": 0})
    made.wait("root.querySelector('.rk-tools button').disabled")


def test_arrows_move_between_nodes_and_their_links_and_enter_chooses(module: Module) -> None:
    made = shown(module, 4)
    stops = made.page.locator("svg [tabindex='0']")
    assert stops.count() == 1, "one stop for the tabulator, however many links there are"
    stops.focus()

    def at() -> str:
        what = "document.activeElement.dataset.link ?? document.activeElement.dataset.node"
        return str(made.page.evaluate(what))

    seen = [at()]
    for key in ("ArrowRight", "ArrowDown", "ArrowRight", "ArrowLeft", "ArrowUp", "ArrowLeft"):
        made.page.keyboard.press(key)
        seen.append(at())
    assert seen == ["n1", "n2", "n1<->n2", "n2<->n3", "n1<->n2", "n2", "n1"]
    made.page.keyboard.press("ArrowLeft")
    made.page.keyboard.press("Enter")
    assert made.page.locator(".rk-chosen").inner_text() == "n4"
    made.page.keyboard.press("ArrowDown")
    made.page.keyboard.press("Space")
    assert made.page.locator(".rk-chosen").inner_text() == "n1 ↔ n4"
    made.page.keyboard.press("Escape")
    assert made.page.get_by_label("Node", exact=True).input_value() == ""


def test_the_focus_stays_while_the_load_changes(module: Module) -> None:
    made = shown(module, 3)
    link(made, "n1<->n2").focus()
    made.set("loads", [[5, 5, 5, 5]] * 3)
    made.wait("root.querySelector('.rk-load').textContent === '10/s'")
    assert made.page.evaluate("document.activeElement.dataset.link") == "n1<->n2"


def test_nothing_can_be_pressed_while_something_is_done_or_when_all_is_over(module: Module) -> None:
    made = shown(module, 3, harms=CUT, harmed=ONE_CUT, injections={"partition-1": ["P", 1]})
    choose(made, "n1", "n3")
    busy = (
        "[...root.querySelectorAll('button')].every((each) => each.disabled || !each.offsetParent)"
    )
    made.set("doing", "cutting n1<->n2")
    made.wait(busy)
    made.set("doing", "")
    made.wait(f"!({busy})")
    made.set("state", "over")
    made.wait(busy)


def test_a_link_that_another_fault_disturbs_is_drawn_named_and_in_the_legend(
    module: Module,
) -> None:
    injections = {"bandwidth-1": ["bandwidth (bytes per second 5)", 1]}
    harms = [["n1<->n2", "", "", "bandwidth", ["bandwidth-1"]]]
    harmed = {"cut": 0, "slow": 0, "other": 1, "all": 1}
    made = shown(module, 3, harms=harms, harmed=harmed, injections=injections)
    wire, healthy = (link(made, name).locator(".rk-wire") for name in ("n1<->n2", "n2<->n3"))
    style = "each => getComputedStyle(each).stroke"
    assert wire.evaluate(style) != healthy.evaluate(style)
    assert wire.get_attribute("stroke-dasharray") == "14 4 2 4", "seen without its colour"
    assert link(made, "n1<->n2").locator(".rk-load").text_content() == "bandwidth"
    assert "1 disturbed" in made.page.locator(".rk-summary").inner_text()
    legend = made.page.locator(".rk-legend")
    assert "disturbed by another fault" in legend.inner_text()
    sign = legend.locator(".rk-othersign")
    assert sign.evaluate("each => getComputedStyle(each).color") == wire.evaluate(style)
    choose(made, "n1", "n2")
    assert made.page.locator(".rk-how").inner_text() == "disturbed by bandwidth"
    made.set("harms", [["n1<->n2", "both", "", "bandwidth", ["bandwidth-1"]]])
    assert made.page.locator(".rk-how").inner_text() == "cut both ways, disturbed by bandwidth"
    assert wire.get_attribute("stroke-dasharray") == "4 6", "what is lost is seen first"


def test_a_matrix_has_diamonds_where_a_link_is_disturbed(module: Module) -> None:
    harms = [["n1<->n2", "out", "", "loss", ["l"]], ["n1<->n3", "", "", "loss", ["l"]]]
    made = shown(module, 40, harms=harms, harmed={"cut": 1, "slow": 0, "other": 2, "all": 2})
    diamonds = made.page.locator(".rk-cells.rk-other").get_attribute("d")
    assert diamonds.count("M") == 3, "both ways of one link, one of the other"
    assert diamonds.count("l") == 9
    key = made.page.locator(".rk-axis")
    assert key.text_content() == "rows send, columns receive; a cross: lost; a diamond: disturbed"
    made.page.set_viewport_size({"width": 430, "height": 700})
    made.wait("root.querySelector('.rk-axis').textContent === 'rows send, columns receive'")


def test_a_node_that_is_gone_is_chosen_no_more(module: Module) -> None:
    made = shown(module, 3)
    choose(made, "n3", "n1")
    made.page.evaluate(
        "([nodes, links]) => { model.set('nodes', nodes); model.set('links', links); }",
        [nodes(2), [[0, 1]]],
    )
    made.wait("root.querySelectorAll('[data-link]').length === 1")
    assert made.page.get_by_label("Node", exact=True).input_value() == ""
    assert made.page.locator("[data-node]").count() == 2


def test_many_nodes_are_a_matrix_whose_cells_can_be_clicked(module: Module) -> None:
    harms = [["n1<->n2", "both", "", "", ["p"]], ["n1<->n40", "out", "", "", ["p"]]]
    made = shown(module, 40, harms=harms, harmed={"cut": 2, "slow": 0, "other": 0, "all": 2})
    crosses = made.page.locator(".rk-cells.rk-cut").get_attribute("d")
    assert crosses.count("M") == 3, "two ways of one link, one of the other"
    box = made.page.locator("svg").bounding_box()
    scale = box["width"] / 660
    cell = (660 - 74) / 40

    def click(row: int, column: int) -> None:
        x, y = (74 + (column + 0.4) * cell) * scale, (24 + (row + 0.4) * cell) * scale
        made.page.locator("svg").click(position={"x": x, "y": y})

    click(39, 0)
    assert made.page.locator(".rk-chosen").inner_text() == "n1 ↔ n40"
    assert made.page.locator(".rk-how").inner_text() == "what n1 sends is lost"
    click(4, 4)
    assert made.page.locator(".rk-chosen").inner_text() == "n5"
    press(made, "Isolate")
    assert made.asked() == [{"do": "isolate", "node": "n5"}]


def test_of_very_many_nodes_the_sides_and_cuts_are_told_and_any_link_can_be_cut(
    module: Module,
) -> None:
    rows = nodes(120)
    for row in rows:
        row["side"] = int(row["name"] == "n7")
    harms = [[f"n{n}<->n7", "both", "", "", ["p"]] for n in range(1, 7)]
    made = shown(
        module, 120, nodes=rows, harms=harms, harmed={"cut": 119, "slow": 0, "other": 0, "all": 119}
    )
    told = made.page.locator(".rk-sides p").all_inner_texts()
    assert told[1] == "Side B: n7"
    assert told[2] == "n1 ↔ n7: cut both ways"
    assert told[-1] == "… and 113 more links"
    choose(made, "n9", "n7")
    assert made.page.locator(".rk-how").inner_text() == "Its ends are on different sides."
    choose(made, "n9", "n3")
    press(made, "✂ Cut")
    assert made.asked() == [{"do": "cut", "link": "n3<->n9"}]


def test_names_of_nodes_are_only_text(module: Module) -> None:
    hostile = "<img src=x onerror=window.hurt=1>\"'"
    for count in (3, 30, 120):
        rows = nodes(count, n1={"name": hostile, "side": 0}, n2={"side": 1})
        harms = [[f"{hostile}<->n2", "out", "", "", ["p"]]]
        injections = {"p": [hostile, 2]}
        made = shown(module, count, nodes=rows, harms=harms, harmed=ONE_CUT, injections=injections)
        choose(made, hostile, "n2")
        assert made.page.locator(".rk-chosen").inner_text() == f"{hostile} ↔ n2"
        assert made.page.locator("img").count() == 0
        assert made.page.evaluate("window.hurt") is None


@pytest.mark.parametrize("width", [430, 700, 1200])
@pytest.mark.parametrize("count", [5, 12, 24])
def test_names_of_nodes_keep_their_size_however_narrow_it_is(
    module: Module, count: int, width: int
) -> None:
    made = shown(module, count, width=width)
    size = """all => all.map((each) =>
        parseFloat(getComputedStyle(each).fontSize) * each.getScreenCTM().a)"""
    made.wait("root.querySelector('svg').style.getPropertyValue('--rk-units') !== ''")
    assert min(made.page.locator(".rk-name").evaluate_all(size)) > 10.5
    boxes = made.page.locator(".rk-name").evaluate_all(
        "all => all.map((each) => each.getBoundingClientRect()).map((box) => [box.left, box.right])"
    )
    assert min(left for left, _ in boxes) >= 0
    assert max(right for _, right in boxes) <= width


def test_the_picture_that_stays_is_scrolled_where_it_is_narrow(page: Page) -> None:
    view = view_of(5)
    about = {"kind": view.kind, "width": view.width, "height": view.height}
    picture = still_topology(Shown(about, nodes(5), [[0, 1]], [], {}, ""), {})
    page.set_viewport_size({"width": 430, "height": 600})
    page.set_content(f"<!doctype html><body>{with_images(picture)}</body>")
    assert page.locator("img").bounding_box()["width"] == 560
    assert page.locator("figure").evaluate("each => each.scrollWidth > each.clientWidth")
    assert page.evaluate("document.body.scrollWidth <= innerWidth")


def test_a_drawing_that_becomes_narrow_is_drawn_anew(module: Module) -> None:
    made = shown(module, 3, width=1200)
    units = "parseFloat(root.querySelector('svg').style.getPropertyValue('--rk-units'))"
    made.wait(f"{units} === 1")
    assert made.page.locator(".rk-small").first.is_visible()
    made.page.set_viewport_size({"width": 430, "height": 700})
    made.wait(f"{units} > 1.5")
    assert made.page.locator(".rk-small").first.get_attribute("visibility") == "hidden"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("count", [6, 24, 60])
def test_the_panel_fits_a_narrow_page_in_both_themes(
    module: Module, theme: str, count: int
) -> None:
    made = shown(module, count, theme=theme, width=500, harms=CUT, harmed=ONE_CUT)
    choose(made, "n1", "n2")
    assert made.page.evaluate("document.body.scrollWidth <= innerWidth")


def test_a_panel_that_has_not_looked_yet_is_empty_and_then_is_not(module: Module) -> None:
    made = shown(module, 3, view={}, nodes=[], links=[], loads=[])
    assert made.page.locator("[data-node]").count() == 0
    view = view_of(3)
    whole = {
        "view": {"kind": "ring", "width": view.width, "height": view.height},
        "nodes": nodes(3),
        "links": [[0, 1]],
    }
    made.page.evaluate(
        "traits => Object.entries(traits).forEach((each) => model.set(...each))", whole
    )
    made.wait("root.querySelectorAll('[data-node]').length === 3")


def test_a_view_that_ends_leaves_no_listener(module: Module) -> None:
    made = shown(module, 3)
    made.end()
    assert made.page.evaluate("window.model.heard()") == 0
