"""The front end of the cluster panel alone: what it shows, and what it asks the kernel for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from resilkit_widgets.sample_systems import NO_SYSTEM, OFFERED, SAMPLES
from tests.browser.modules import ModulePage

Module = Callable[..., ModulePage]


def row(name: str, status: str = "running", **others: Any) -> dict[str, Any]:
    """Return a node's row, as the kernel sends it."""
    known = {"sign": "●", "pid": 42, "memory": "25 MiB", "queue": 3, "starts": 1}
    return known | {"name": name, "status": status} | others


def shown(module: Module, *names: str, **traits: Any) -> ModulePage:
    """Show the panel of a cluster with these nodes."""
    known = {"nodes": [row(name) for name in names], "doing": "", "refused": "", "seed": "7"}
    known |= {"systems": OFFERED, "hint": ""}
    return module("cluster", **known | traits)


def texts(made: ModulePage, name: str) -> list[str]:
    """Return what stands in the row of a node."""
    return made.page.locator(f"tr[data-node='{name}'] td").all_inner_texts()[1:]


def test_each_node_has_its_row_and_what_is_not_known_a_dash(module: Module) -> None:
    made = shown(module)
    made.set("nodes", [row("n1"), row("n2", "killed", sign="✗", pid=None, memory="", queue=None)])
    assert texts(made, "n1") == ["n1", "● running", "42", "25 MiB", "3", "1"]
    assert texts(made, "n2") == ["n2", "✗ killed", "–", "–", "–", "1"]
    made.set("nodes", [row("n2", starts=2)])
    assert made.page.locator("tr[data-node='n1']").count() == 0
    assert texts(made, "n2")[-1] == "2"


def test_a_closed_cluster_is_told_in_words_and_nothing_of_it_is_green(module: Module) -> None:
    made = shown(module, "n1")
    told = made.page.get_by_text("The cluster is closed")
    assert told.is_hidden()
    green = made.page.locator("tr[data-node='n1'] td").nth(2)
    style = "each => getComputedStyle(each).color"
    before = green.evaluate(style)
    made.set("nodes", [row("n1", "closed", sign="■")])
    made.set("closed", True)
    made.set("state", "over")
    assert told.is_visible()
    assert texts(made, "n1") == ["n1", "■ closed", "42", "25 MiB", "3", "1"], "as it was last seen"
    assert green.evaluate(style) != before
    assert made.page.get_by_text("Choose nodes to act on them.").count() == 0


def test_a_lost_kernel_is_told_until_it_is_heard_from_again(module: Module) -> None:
    made = shown(module, "n1")
    lost = made.page.get_by_text("The kernel of this panel has ended")
    assert lost.is_hidden()
    end = "() => { window.model.set('sent', 1); window.model.happens('comm_live_update'); }"
    made.page.evaluate(end)
    made.wait("root.dataset.updates === '1'")  # what it showed last is acknowledged, to nobody
    assert made.get("acknowledged") == 1
    assert lost.is_visible()
    made.set("sent", 2)
    assert lost.is_hidden()


@pytest.mark.parametrize(("width", "columns"), [(430, 5), (700, 7), (1200, 7)])
def test_no_column_is_cut_off_and_those_that_say_less_go(
    module: Module, width: int, columns: int
) -> None:
    made = shown(module, "n1", "node-of-the-database", width=width)
    heads = made.page.locator("th:visible")
    assert heads.count() == columns
    last = heads.last.bounding_box()
    assert last["x"] + last["width"] <= width
    assert made.page.locator(".rk-nodes").evaluate("each => each.scrollWidth <= each.clientWidth")
    assert texts(made, "n1")[1] == "● running"
    status = made.page.locator("tr[data-node='n1'] td").nth(2)
    assert status.get_attribute("title") == "pid 42, starts 1"
    assert made.page.locator("tr[data-node='n1']").bounding_box()["height"] < 40


def test_a_button_acts_on_the_nodes_that_are_chosen(module: Module) -> None:
    made = shown(module, "n1", "n2", "n3")
    kill = made.page.get_by_role("button", name="Kill")
    assert kill.is_disabled(), "nobody is chosen"
    made.page.get_by_label("choose n2").check()
    kill.click()
    assert made.asked() == [{"do": "kill", "nodes": ["n2"]}]
    made.page.get_by_label("choose all nodes").check()
    for name in ("Pause", "Resume", "Restart"):
        made.page.get_by_role("button", name=name).press("Enter")
    assert [each["do"] for each in made.asked()[1:]] == ["pause", "resume", "restart"]
    assert sorted(made.asked()[-1]["nodes"]) == ["n1", "n2", "n3"]


def test_a_node_that_is_gone_is_not_chosen_any_more(module: Module) -> None:
    made = shown(module, "n1", "n2")
    made.page.get_by_label("choose all nodes").check()
    made.set("nodes", [row("n1")])
    made.page.get_by_role("button", name="Kill").click()
    assert made.asked() == [{"do": "kill", "nodes": ["n1"]}]


def test_nothing_can_be_pressed_while_something_is_done(module: Module) -> None:
    made = shown(module, "n1")
    made.page.get_by_label("choose n1").check()
    made.set("doing", "restarting n1")
    assert made.page.get_by_role("button", name="Restart").is_disabled()
    assert made.page.get_by_role("status").inner_text() == "restarting n1 …"
    made.set("doing", "")
    assert made.page.get_by_role("button", name="Restart").is_enabled()


def test_what_was_refused_stands_under_the_panel(module: Module) -> None:
    made = shown(module, "n1")
    assert made.page.get_by_role("alert").count() == 0
    made.set("refused", "StartFailed: <b>no</b>")
    assert made.page.get_by_role("alert").inner_text() == "StartFailed: <b>no</b>"


def test_without_a_cluster_there_is_a_form_that_launches_one(module: Module) -> None:
    made = shown(module)
    assert not made.page.locator("table").is_visible()
    made.page.get_by_label("Nodes", exact=True).fill("5")
    made.page.get_by_label("Topology").select_option("ring")
    made.page.get_by_role("button", name="Launch").click()
    made.page.get_by_label("Seed").fill("11")
    made.page.get_by_role("button", name="Launch").click()
    wish = {"do": "launch", "nodes": 5, "topology": "ring", "load": True}
    wish["system"] = next(iter(SAMPLES))
    assert made.asked() == [wish | {"seed": None}, wish | {"seed": 11}]
    made.set("nodes", [row("n1")])
    assert made.page.locator("table").is_visible()
    assert not made.page.get_by_role("button", name="Launch").is_visible()


def test_the_form_says_what_each_system_is_and_starts_its_load_or_not(module: Module) -> None:
    made = shown(module)
    launch = made.page.get_by_role("button", name="Launch")
    system, load = made.page.get_by_label("System"), made.page.get_by_label("Start its load")
    assert made.page.get_by_text(OFFERED[0]["about"]).is_visible()
    system.select_option("replicated store")
    assert made.page.get_by_text(SAMPLES["replicated store"].about).is_visible()
    load.uncheck()
    launch.click()
    load.check()
    launch.click()
    system.select_option(NO_SYSTEM)
    assert not load.is_visible()
    launch.click()
    assert [(each["system"], each["load"]) for each in made.asked()] == [
        ("replicated store", False), ("replicated store", True), ("none", False),
    ]  # fmt: skip


def test_a_cluster_without_servers_says_what_to_type_next(module: Module) -> None:
    made = shown(module, "n1", hint='lab.cluster.start(MyServer, name="mine")')
    told = made.page.get_by_text("Nothing runs on it yet.")
    assert "lab.cluster.start(MyServer" in told.inner_text()
    made.set("hint", "")
    assert not told.is_visible()


@pytest.mark.parametrize("nodes", ["0", "65", "-1", "1.5", ""])
def test_a_number_of_nodes_that_makes_no_sense_is_told_while_it_is_written(
    module: Module, nodes: str
) -> None:
    made = shown(module)
    field = made.page.get_by_label("Nodes", exact=True)
    launch = made.page.get_by_role("button", name="Launch")
    wrong = made.page.locator(".rk-wrong")
    assert not wrong.is_visible()
    field.fill(nodes)
    assert wrong.inner_text() == "✗ Nodes: must be a whole number from 1 to 64"
    assert field.get_attribute("aria-invalid") == "true"
    assert launch.is_disabled()
    made.set("doing", "something")
    made.set("doing", "")
    assert launch.is_disabled(), "still"
    field.press("Enter")
    assert made.asked() == []
    field.fill("4")
    assert not wrong.is_visible()
    assert field.get_attribute("aria-invalid") == "false"
    launch.click()
    assert [each["nodes"] for each in made.asked()] == [4]


def test_all_that_is_wrong_with_the_form_is_told_and_an_empty_seed_is_not(module: Module) -> None:
    made = shown(module)
    made.page.get_by_label("Nodes", exact=True).fill("0")
    made.page.get_by_label("Seed").fill("-2")
    told = made.page.locator(".rk-wrong").inner_text().splitlines()
    assert [line.partition(":")[0] for line in told] == ["✗ Nodes", "✗ Seed"]
    assert "or empty for a random one" in told[1]
    made.page.get_by_label("Seed").fill("")
    assert made.page.locator(".rk-wrong").inner_text().startswith("✗ Nodes")
    made.page.get_by_label("Nodes", exact=True).fill("1")
    made.page.get_by_label("Seed").fill("9007199254740993")
    assert made.page.get_by_role("button", name="Launch").is_disabled(), "a browser would round it"


def test_names_of_nodes_are_only_text(module: Module) -> None:
    hostile = "<img src=x onerror=window.hurt=1>\"'"
    made = shown(module)
    made.set("nodes", [row(hostile)])
    assert made.page.locator("tbody td").all_inner_texts()[1] == hostile
    assert made.page.locator("img").count() == 0


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_panel_fits_a_narrow_page_in_both_themes(module: Module, theme: str) -> None:
    made = shown(module, *(f"n{number}" for number in range(1, 9)), theme=theme, width=500)
    assert made.page.evaluate("document.body.scrollWidth <= innerWidth")


def test_a_view_that_ends_leaves_no_listener(module: Module) -> None:
    made = shown(module, "n1")
    made.end()
    assert made.page.evaluate("window.model.heard()") == 0
