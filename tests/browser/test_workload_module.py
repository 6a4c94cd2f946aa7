"""The front end of the workload panel alone: what it shows, and what it asks the kernel for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from resilkit_widgets.workload_form import FORMS, OPTIONS
from tests.browser.modules import ModulePage

Module = Callable[..., ModulePage]

HOSTILE = "<img src=x onerror=window.hurt=1>"


def operation(number: int, **others: Any) -> dict[str, Any]:
    """Return an operation's row, as the kernel sends it."""
    row = {"id": str(number), "name": f"op{number}", "what": f"desk.op{number}()", "weight": "1"}
    return row | {"own": True} | others


def load(number: int = 1, **others: Any) -> dict[str, Any]:
    """Return a load's row, as the kernel sends it."""
    lever = {
        "kind": "rate", "unit": "operations/s", "value": 100, "most": 500, "step": 1, "limit": 1e6,
    }  # fmt: skip
    row = {
        "id": number, "state": "running", "sign": "▶", "words": "running for 3.0 s", "lever": lever,
        "what": "get 100 %; open loop, poisson(rate=100)", "errors": [], "kinds": 0,
        "incomplete": "",
        "figures": [
            {"name": "ok/s", "text": "99", "over": "last second"},
            {"name": "p95", "text": "12 ms", "over": "last second"},
        ],
    }  # fmt: skip
    return row | others


def shown(module: Module, **traits: Any) -> ModulePage:
    """Show the panel with two operations."""
    known = {
        "forms": FORMS, "options": OPTIONS, "operations": [operation(0), operation(1)],
        "first": {"kind": "poisson", "fields": {"rate": "250"}, "options": {"generators": "2"}},
        "servers": {"desk": ["add", "get"], "other": []}, "problems": {}, "loads": [],
        "doing": "", "refused": "",
    }  # fmt: skip
    return module("workload", **known | traits)


def form(made: ModulePage) -> dict[str, Any]:
    """Return the form that was checked last."""
    checks = [each["form"] for each in made.asked() if each["do"] == "check"]
    return dict(checks[-1])


@pytest.mark.parametrize("kind", [each["kind"] for each in FORMS])
def test_every_kind_of_arrivals_has_its_fields_with_units(module: Module, kind: str) -> None:
    made = shown(module)
    made.page.get_by_label("Arrivals", exact=True).select_option(kind)
    [about] = [each for each in FORMS if each["kind"] == kind]
    place = made.page.locator(".rk-fields").first
    named = place.locator("[name]")
    keys = [named.nth(at).get_attribute("name") for at in range(named.count())]
    assert keys == [field["key"] for field in about["fields"]]
    labels = place.locator("label").all_inner_texts()
    for field, label in zip(about["fields"], labels, strict=True):
        assert field["unit"] in label
    assert made.page.locator(".rk-doc").inner_text() == about["doc"]
    assert form(made)["kind"] == kind


def test_the_form_begins_as_it_is_told_and_sends_what_somebody_writes(module: Module) -> None:
    made = shown(module)
    assert form(made) == {
        "kind": "poisson",
        "fields": {"rate": "250"},
        "weights": {"0": "1", "1": "1"},
        "options": {"duration": "", "users": "", "generators": "2", "seed": ""},
    }
    made.page.get_by_label("rate", exact=True).fill("1e3")
    made.page.get_by_label("weight of op1").fill("0.25")
    made.page.get_by_text("How long, and who sends it").click()
    made.page.get_by_label("duration", exact=True).fill("30 s")
    made.page.get_by_label("rate", exact=True).press("Enter")
    asked = made.asked()[-1]
    assert asked["do"] == "start"
    assert asked["form"] == form(made)
    assert asked["form"]["fields"] == {"rate": "1e3"}
    assert asked["form"]["weights"] == {"0": "1", "1": "0.25"}
    assert asked["form"]["options"]["duration"] == "30 s"


def test_a_closed_loop_has_its_users_once(module: Module) -> None:
    made = shown(module)
    made.page.get_by_text("How long, and who sends it").click()
    users = made.page.locator(".rk-more").get_by_label("users")
    users.fill("7")
    assert form(made)["options"]["users"] == "7"
    made.page.get_by_label("Arrivals", exact=True).select_option("closed")
    assert not users.is_visible()
    assert form(made)["options"]["users"] == ""


def test_what_is_wrong_stands_beside_its_field_and_nothing_is_started(module: Module) -> None:
    made = shown(module)
    rate = made.page.get_by_label("rate", exact=True)
    rate.fill("quick")
    made.set("problems", {"arrivals.rate": f"must be a number {HOSTILE}", "weights.1": "no"})
    assert rate.get_attribute("aria-invalid") == "true"
    assert f"must be a number {HOSTILE}" in made.page.locator(".rk-problem").all_inner_texts()
    assert made.page.get_by_label("weight of op1").get_attribute("aria-invalid") == "true"
    start = made.page.get_by_role("button", name="Start")
    assert start.is_disabled()
    rate.press("Enter")
    assert {each["do"] for each in made.asked()} == {"check"}
    made.set("problems", {"options.seed": "is no seed"})
    assert made.page.get_by_label("seed", exact=True).is_visible(), "its section has opened"
    made.set("problems", {})
    assert start.is_enabled()
    assert rate.get_attribute("aria-invalid") == "false"
    assert made.page.locator("img").count() == 0


def test_what_is_still_to_be_done_is_a_hint_and_an_error_only_after_a_try(module: Module) -> None:
    made = shown(module, operations=[], problems={"operations": "add a call to a server first"})
    hint, wrong = made.page.locator(".rk-hint"), made.page.locator("form > .rk-problem")
    assert (hint.inner_text(), wrong.inner_text()) == ("Add a call to a server first.", "")
    made.set("loads", [load()])
    assert (hint.inner_text(), wrong.inner_text()) == ("Add a call to a server first.", "")
    made.page.get_by_role("button", name="Start").click()
    assert (hint.inner_text(), wrong.inner_text()) == ("", "add a call to a server first")
    assert {each["do"] for each in made.asked()} == {"check"}
    made.page.keyboard.type("desk")
    assert made.page.get_by_label("Server", exact=True).input_value() == "desk"
    made.set("problems", {})
    made.set("problems", {"operations": "add a call to a server first"})
    assert (hint.inner_text(), wrong.inner_text()) == ("Add a call to a server first.", "")


def test_a_start_right_after_the_first_call_was_added_is_not_held_up_by_what_was_said_before(
    module: Module,
) -> None:
    made = shown(module, problems={"operations": "add a call to a server first"})
    made.page.get_by_role("button", name="Start").click()
    assert made.asked()[-1]["do"] == "start", "the kernel knows the operations, and refuses"
    assert made.page.locator("form > .rk-problem").inner_text() == ""


@pytest.mark.parametrize(("width", "rows"), [(430, 2), (620, 2), (660, 2), (760, 1), (1200, 1)])
def test_no_figure_stands_alone_on_a_row(module: Module, width: int, rows: int) -> None:
    names = ("intended/s", "ok/s", "errors/s", "p95 of ok", "waiting > 1 s", "operations", "not ok")
    figures = [{"name": name, "text": "1,234", "over": "last second"} for name in names]
    made = shown(module, width=width, loads=[load(figures=figures)])
    tops = made.page.locator(".rk-figures > div").evaluate_all(
        "all => all.map((each) => Math.round(each.getBoundingClientRect().top))"
    )
    assert len(set(tops)) == rows
    assert min(tops.count(top) for top in tops) >= 3
    assert made.page.evaluate("document.body.scrollWidth <= innerWidth")


def test_calls_are_put_together_and_taken_off_again(module: Module) -> None:
    made = shown(module)
    add = made.page.get_by_role("button", name="Add")
    assert add.is_disabled()
    server = made.page.get_by_label("Server", exact=True)
    offered = "input => [...input.list.options].map((each) => each.value)"
    assert server.evaluate(offered) == ["desk", "other"]
    server.fill("desk")
    assert made.page.get_by_label("Method", exact=True).evaluate(offered) == ["add", "get"]
    made.page.get_by_label("Method", exact=True).fill("add")
    made.page.get_by_label("Arguments", exact=True).fill("1, by=2")
    made.page.get_by_label("Arguments", exact=True).press("Enter")
    wish = {"do": "add", "server": "desk", "method": "add", "arguments": "1, by=2"}
    assert made.asked()[-1] == wish, "and the load is not started"
    add.click()
    assert made.asked()[-1] == wish
    made.page.get_by_label("weight of op0").fill("5")
    made.set("operations", [operation(0), operation(1), operation(2, name=HOSTILE, own=False)])
    assert form(made)["weights"] == {"0": "5", "1": "1", "2": "1"}, "what was written stays"
    assert made.page.locator("img").count() == 0
    made.page.get_by_role("button", name="Remove").click()
    assert made.asked()[-1] == {"do": "remove", "id": "2"}
    made.set("operations", [operation(1)])
    assert form(made)["weights"] == {"1": "1"}


def test_loads_are_shown_the_newest_first_and_each_can_be_stopped(module: Module) -> None:
    errors = [{"text": HOSTILE, "count": "12"}]
    over = load(1, state="over", sign="■", words="over after 9.0 s", lever=None)
    made = shown(module, loads=[over, load(2, errors=errors, kinds=3)])
    cards = made.page.locator("article")
    assert [cards.nth(at).get_attribute("data-load") for at in range(2)] == ["2", "1"]
    assert "▶ running for 3.0 s" in cards.nth(0).inner_text()
    assert cards.nth(0).locator("[data-figure='p95']").inner_text().split("\n") == [
        "p95", "12 ms", "last second",
    ]  # fmt: skip
    assert f"12 × {HOSTILE}" in cards.nth(0).inner_text()
    assert "… and 2 more kinds of error" in cards.nth(0).inner_text()
    assert cards.nth(0).locator("[data-figure='p95'] .rk-value").inner_text() == "12 ms"
    assert not made.page.get_by_text("No load runs.").is_visible()
    stops = made.page.get_by_role("button", name="Stop")
    assert stops.count() == 1, "one that is over has none"
    stops.click()
    assert made.asked()[-1] == {"do": "stop", "id": 2}
    made.set("loads", [load(2, state="stopping", lever=None, words="stopping", figures=[])])
    assert cards.count() == 1
    assert not cards.locator(".rk-lever").is_visible()
    assert made.page.locator("img").count() == 0
    made.set("loads", [])
    assert made.page.get_by_text("No load runs.").is_visible()


def sets(made: ModulePage) -> list[float]:
    """Return the values that a lever has asked for."""
    return [each["value"] for each in made.asked() if each["do"] == "set"]


def test_a_slider_moves_the_rate_ten_times_a_second_at_most_and_ends_where_it_ends(
    module: Module,
) -> None:
    made = shown(module, loads=[load()])
    slider = made.page.get_by_role("slider")
    number = made.page.get_by_role("spinbutton")
    assert (slider.input_value(), number.input_value()) == ("100", "100")
    slider.evaluate(
        """async (slider) => {
          for (let value = 101; value <= 400; value += 1) {
            slider.value = String(value);
            slider.dispatchEvent(new Event("input", { bubbles: true }));
            if (value % 10 === 0) await new Promise(requestAnimationFrame);
          }
        }"""
    )
    made.wait("window.asked.at(-1).value === 400")
    assert number.input_value() == "400"
    assert 1 <= len(sets(made)) <= 12
    made.set("loads", [load()])
    assert slider.input_value() == "400", "the kernel has not heard of it yet"


def test_a_slider_is_moved_by_keys_and_follows_what_code_does(module: Module) -> None:
    made = shown(module, loads=[load()])
    moved = load()
    moved["lever"] = moved["lever"] | {"value": 321}
    made.set("loads", [moved])
    slider = made.page.get_by_role("slider")
    assert slider.input_value() == "321"
    slider.press("ArrowRight")
    made.wait("window.asked.at(-1).value === 322")


def test_a_number_counts_when_it_is_written(module: Module) -> None:
    made = shown(module, loads=[load()])
    number = made.page.get_by_role("spinbutton")
    number.fill("750")
    assert sets(made) == []
    number.press("Enter")
    made.wait("window.asked.at(-1).value === 750")
    assert made.page.get_by_role("slider").input_value() == "500", "it goes no further"
    number.fill("-5")
    number.press("Enter")
    number.fill("")
    number.press("Enter")
    assert sets(made) == [750]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [420, 700, 1200])
def test_the_panel_fits_its_page_in_both_themes(module: Module, theme: str, width: int) -> None:
    long = [operation(0, name="x" * 60, what="y" * 120), operation(1, own=False)]
    figures = [{"name": f"figure {each}", "text": "1,234,567"} for each in range(8)]
    errors = [{"text": "z" * 160, "count": "1,000"}]
    made = shown(
        module, theme=theme, width=width, operations=long,
        loads=[load(figures=figures, errors=errors, what="w" * 300)],
    )  # fmt: skip
    assert made.page.evaluate("document.body.scrollWidth <= innerWidth")


def test_a_view_that_ends_leaves_no_listener(module: Module) -> None:
    made = shown(module, loads=[load()])
    made.end()
    assert made.page.evaluate("window.model.heard()") == 0


def test_what_is_missing_is_asked_again_when_the_first_server_runs(module: Module) -> None:
    made = shown(module)
    made.wait("(window.asked ?? []).length > 0")
    before = len(made.asked())
    made.set("servers", {"desk": ["add"]})
    assert [each["do"] for each in made.asked()[before:]] == ["check"]
