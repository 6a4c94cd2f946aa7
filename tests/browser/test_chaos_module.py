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
    assert "4" in rows.first.inner_text()
    made.set("injections", [])
    assert made.page.get_by_role("button", name="Heal all").is_disabled()


def heals(made: ModulePage) -> list[dict[str, float]]:
    """Return where the buttons are that heal one fault."""
    buttons = made.page.get_by_role("button", name="Heal", exact=True)
    return [buttons.nth(at).bounding_box() or {} for at in range(buttons.count())]


@pytest.mark.parametrize("width", [430, 700, 1200])
def test_no_heal_button_moves_when_a_fault_above_it_heals_or_something_is_told(
    module: Module, width: int
) -> None:
    first, second, third = (injection(number, words="active") for number in (1, 2, 3))
    made = shown(module, injections=[first, second, third], width=width)
    before = heals(made)
    longer = {"when": "until healed, strikes again in 12 s", "where": "n1, n2, n3"}
    made.set("injections", [first | longer, second | {"trouble": "node n2 is down"}, third])
    assert heals(made) == before
    assert made.page.get_by_text("the last strike failed: node n2 is down").is_visible()
    made.set("injections", [second, third])
    assert heals(made) == before[1:]
    gone = made.page.locator("tbody tr").first
    assert "✓ healed" in gone.inner_text()
    made.set("injections", [second, third, injection(4)])
    assert heals(made)[:2] == before[1:]


def test_the_row_of_what_has_healed_goes_when_nobody_is_at_the_table(module: Module) -> None:
    made = shown(module, clock=True, injections=[injection(1), injection(2)])
    rows = made.page.locator(".rk-injections tbody tr")
    rows.nth(1).hover()
    made.set("ended", {"latency-1": {"words": "✗ not taken back", "why": f"n1 {HOSTILE}"}})
    made.set("injections", [injection(2)])
    made.page.clock.run_for(60_000)
    assert rows.count() == 2, "the pointer is in the table"
    assert f"✗ not taken back\nn1 {HOSTILE}" in rows.first.inner_text()
    made.page.get_by_label("Fault", exact=True).hover()
    made.page.clock.run_for(1_000)
    assert rows.count() == 1
    made.set("injections", [])
    made.page.clock.run_for(3_000)
    assert rows.count() == 1
    made.page.clock.run_for(5_000)
    assert made.page.get_by_text("No fault is in.").is_visible()


def test_the_row_of_a_fault_that_has_ended_says_all_as_it_was_at_the_end(module: Module) -> None:
    made = shown(module, injections=[injection(1, strikes=2, where="n3")])
    ended = {"words": "✓ struck 3 times, over", "why": "", "strikes": 3}
    ended |= {"where": "n1, n3 and 1 more", "places": HOSTILE}
    made.set("ended", {"latency-1": ended})
    made.set("injections", [])
    cells = made.page.locator(".rk-injections tbody td")
    assert cells.nth(1).inner_text() == "n1, n3 and 1 more"
    assert cells.nth(1).get_attribute("title") == HOSTILE
    assert cells.nth(2).inner_text() == "3"
    assert cells.nth(3).inner_text() == "✓ struck 3 times, over"


def test_who_heals_with_the_keyboard_does_not_come_to_another_button_by_itself(
    module: Module,
) -> None:
    made = shown(module, clock=True, injections=[injection(1), injection(2)])
    made.page.get_by_role("button", name="Heal", exact=True).first.press("Enter")
    made.set("injections", [injection(2)])
    asked = made.asked()
    made.page.clock.run_for(60_000)
    made.page.keyboard.press("Enter")
    assert made.asked() == asked
    assert made.page.locator(":focus").get_attribute("data-injection") == "latency-1"


def test_a_table_that_is_looked_at_for_long_grows_no_further_than_so(module: Module) -> None:
    made = shown(module, clock=True, injections=[injection(0)])
    rows = made.page.locator(".rk-injections tbody tr")
    rows.first.hover()
    for number in range(1, 60):
        made.set("injections", [injection(number)])
    assert rows.count() == 20


def test_it_opens_on_a_fault_that_needs_nothing(module: Module) -> None:
    made = module("chaos", faults=FORMS, problems={}, injections=[], doing="", refused="")
    assert made.page.get_by_label("Fault", exact=True).input_value() == "node_crash"
    assert made.page.get_by_role("button", name="Inject").is_enabled()
    assert made.page.locator(".rk-why").inner_text() == ""
    assert made.page.get_by_text("* needed").is_hidden()
    others = [form for form in FORMS if form["name"] in ("bandwidth", "node_pause")]
    made = module("chaos", faults=others, problems={}, injections=[], doing="", refused="")
    assert made.page.get_by_label("Fault", exact=True).input_value() == "node_pause"


def test_under_the_button_stands_what_is_missing_and_nothing_moves_for_it(module: Module) -> None:
    made = shown(module, injections=[injection(1)])
    made.set("problems", {"low": "is missing"})
    why = made.page.locator(".rk-why")
    assert why.inner_text() == "low and high are needed"
    assert made.page.get_by_text("* needed").is_visible()
    before = heals(made), made.page.get_by_role("button", name="Inject").bounding_box()
    made.page.get_by_label("low", exact=True).fill("1")
    assert why.inner_text() == "high is needed"
    made.page.get_by_label("high", exact=True).fill("2")
    made.set("problems", {})
    assert why.inner_text() == ""
    assert (heals(made), made.page.get_by_role("button", name="Inject").bounding_box()) == before
    made.set("problems", {"fraction": "must be at most 1"})
    assert why.inner_text() == "fraction is not right yet: see what stands there"
    made.set("lacking", {"latency": "no such thing here"})
    assert why.inner_text() == "✗ Does not work on this machine: no such thing here"
    made.set("lacking", {})
    made.set("problems", {"": f"ValueError: {HOSTILE}"})
    assert why.inner_text() == f"ValueError: {HOSTILE}"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [420, 700])
def test_the_panel_fits_its_page_in_both_themes(module: Module, theme: str, width: int) -> None:
    made = shown(module, theme=theme, width=width, injections=[injection(1)])
    assert made.page.evaluate("document.body.scrollWidth <= innerWidth")


def test_a_view_that_ends_leaves_no_listener(module: Module) -> None:
    made = shown(module)
    made.end()
    assert made.page.evaluate("window.model.heard()") == 0
