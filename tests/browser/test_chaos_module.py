"""The front end of the chaos panel alone: its forms, what is wrong with them, and what is in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from resilkit.faults import registered_faults
from resilkit_widgets.fault_forms import form
from tests.browser.modules import ModulePage

Module = Callable[..., ModulePage]

FORMS = [form(name, kind) for name, kind in registered_faults().items()]
HOSTILE = "<img src=x onerror=window.hurt=1>"


def shown(module: Module, fault: str = "latency", **traits: Any) -> ModulePage:
    """Show the panel with the form of one fault."""
    known = {"faults": FORMS, "problems": {}, "injections": [], "doing": "", "refused": ""}
    made = module("chaos", **known | traits)
    made.page.get_by_label("Fault", exact=True).select_option(fault)
    return made


def injection(number: int, **others: Any) -> dict[str, Any]:
    """Return an injection's row, as the kernel sends it."""
    row = {"id": f"latency-{number}", "what": "latency", "where": "n1", "state": "active"}
    return row | {"strikes": 1} | others


@pytest.mark.parametrize("width", [430, 700])
def test_no_word_of_a_state_is_broken_where_it_is_narrow(module: Module, width: int) -> None:
    what = "latency (low 0.05, high 0.05, targets n1<->n2, for 30, probability 0.25)"
    where = "n1<->n2, n1<->n3, n1<->n4, n2<->n3, n2<->n4, n3<->n4"
    one = injection(1, what=what, when="until healed", where=where)
    made = shown(module, injections=[one], width=width)
    state = made.page.locator(".rk-injections tbody td").nth(3)
    assert state.locator("div").first.bounding_box()["height"] < 25
    longest = "each => each.scrollWidth <= each.clientWidth"
    assert state.evaluate(longest), "its longest word has room"
    assert made.page.locator(".rk-injections").evaluate(longest)
    heal = made.page.get_by_role("button", name="Heal", exact=True).bounding_box()
    assert heal["x"] + heal["width"] <= width


@pytest.mark.parametrize("fault", [form["name"] for form in FORMS])
def test_every_fault_has_a_control_for_each_of_its_fields(module: Module, fault: str) -> None:
    made = shown(module, fault)
    [form] = [each for each in FORMS if each["name"] == fault]
    named = made.page.locator(".rk-fields [name]")
    keys = [named.nth(at).get_attribute("name") for at in range(named.count())]
    assert keys == [
        field["key"] for field in sorted(form["fields"], key=lambda each: not each["own"])
    ]
    assert made.page.locator(".rk-doc").inner_text() == form["doc"]
    assert made.asked()[-1] == {"do": "check", "fault": {fault: {}}}, (
        "what is by default is left out"
    )


def test_what_is_written_is_checked_at_once_and_injected_as_it_stands(module: Module) -> None:
    made = shown(module)
    made.page.get_by_label("low", exact=True).fill("20 ms")
    made.page.get_by_label("high", exact=True).fill("0.2")
    made.page.get_by_text("When, how long and whom").click()
    made.page.get_by_label("targets", exact=True).fill("n1, n2")
    made.page.get_by_label("random", exact=True).check()
    wish = {"latency": {"low": "20 ms", "high": 0.2, "targets": ["n1", "n2"], "random": True}}
    assert made.asked()[-1] == {"do": "check", "fault": wish}
    made.page.get_by_role("button", name="Inject").click()
    assert made.asked()[-1] == {"do": "inject", "fault": wish}


def test_groups_of_a_partition_are_lists(module: Module) -> None:
    made = shown(module, "partition")
    made.page.get_by_label("groups", exact=True).fill("n1 | n2, n3")
    assert made.asked()[-1]["fault"] == {"partition": {"groups": [["n1"], ["n2", "n3"]]}}


def test_what_is_wrong_stands_beside_its_field_and_nothing_is_injected(module: Module) -> None:
    made = shown(module)
    made.page.get_by_label("low", exact=True).fill("-1")
    asked = len(made.asked())
    made.set("problems", {"low": f"must be >= 0 {HOSTILE}"})
    low = made.page.get_by_label("low", exact=True)
    assert low.get_attribute("aria-invalid") == "true"
    assert f"must be >= 0 {HOSTILE}" in made.page.locator(".rk-problem").all_inner_texts()
    assert made.page.get_by_role("button", name="Inject").is_disabled()
    low.press("Enter")
    assert len(made.asked()) == asked
    made.set("problems", {})
    assert low.get_attribute("aria-invalid") == "false"
    assert made.page.get_by_role("button", name="Inject").is_enabled()
    assert made.page.locator("img").count() == 0


def test_an_empty_form_is_no_mistake_yet_but_cannot_be_injected(module: Module) -> None:
    made = shown(module)
    made.set("problems", {"low": "is missing"})
    assert made.page.get_by_label("low", exact=True).get_attribute("aria-invalid") == "false"
    assert made.page.get_by_role("button", name="Inject").is_disabled()


def test_a_problem_of_the_schedule_opens_it(module: Module) -> None:
    made = shown(module, "node_crash")
    every = made.page.get_by_label("every", exact=True)
    made.page.get_by_text("When, how long and whom").click()
    every.fill("0")
    made.page.get_by_text("When, how long and whom").click()
    assert not every.is_visible()
    made.set("problems", {"every": "must be above 0"})
    assert every.is_visible()


def test_faults_that_are_in_are_listed_and_each_can_be_healed(module: Module) -> None:
    made = shown(module, injections=[injection(1), injection(2, what=HOSTILE, state="waiting")])
    rows = made.page.locator("tbody tr")
    assert rows.count() == 2
    assert rows.nth(1).inner_text().split("\t")[0].strip() == HOSTILE
    rows.nth(1).get_by_role("button", name="Heal").click()
    assert made.asked()[-1] == {"do": "heal", "id": "latency-2"}
    made.page.get_by_role("button", name="Heal all").click()
    assert made.asked()[-1] == {"do": "heal_all"}
    made.set("injections", [injection(1, strikes=4)])
    assert rows.count() == 1
    assert "4" in rows.first.inner_text()
    made.set("injections", [])
    assert made.page.get_by_text("No fault is in.").is_visible()
    assert made.page.get_by_role("button", name="Heal all").is_disabled()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [420, 700])
def test_the_panel_fits_its_page_in_both_themes(module: Module, theme: str, width: int) -> None:
    made = shown(module, theme=theme, width=width, injections=[injection(1)])
    assert made.page.evaluate("document.body.scrollWidth <= innerWidth")


def test_a_view_that_ends_leaves_no_listener(module: Module) -> None:
    made = shown(module)
    made.end()
    assert made.page.evaluate("window.model.heard()") == 0
