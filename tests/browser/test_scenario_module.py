"""Scenarios in the chaos panel's front end alone: writing one, its plan, and runs that go on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import resilkit as rk
from resilkit.chaos import named
from resilkit.faults import registered_faults
from resilkit.metrics.fault_looks import lean_of
from resilkit_widgets.fault_forms import form
from resilkit_widgets.scenario_part import library, plan_shown
from tests.browser.modules import ModulePage

Module = Callable[..., ModulePage]

HOSTILE = "<img src=x onerror=window.hurt=1>"
CRASHES = named("progressive node failures")
FORMS = [form(name, kind) for name, kind in registered_faults().items()]


def plan(scenario: rk.Scenario = CRASHES) -> dict[str, Any]:
    return plan_shown(scenario, 30.0, 7)


def draft(**others: Any) -> dict[str, Any]:
    answer = {"timeline": plan(), "problem": "", "place": "", "line": None}
    return answer | {"yaml": CRASHES.to_yaml(), "seed": "7"} | others


def run(elapsed: float, *states: dict[str, Any], **others: Any) -> dict[str, Any]:
    """Return a run, as the kernel sends it; `states` are those of the first lane's strikes."""
    made = plan()
    for strike, state in zip(made["lanes"][0]["strikes"], states, strict=False):
        strike.update(state)
    about = {"id": "1.0", "by": "code", "at": 12.3, "elapsed": elapsed, "state": "running"}
    return made | about | others


def shown(module: Module, **traits: Any) -> ModulePage:
    """Show the panel with the part of scenarios."""
    known: dict[str, Any] = {"faults": FORMS, "problems": {}, "injections": [], "doing": ""}
    known |= {"refused": "", "library": library(), "draft": draft(), "runs": [], "places": {}}
    known |= {"lacking": {}} | traits
    made = module("chaos", **known)
    made.page.get_by_role("tab", name="Scenario").click()
    if known["draft"]["timeline"] is not None:
        made.wait("root.querySelector('.rk-plan svg')")
    return made


def drafts(made: ModulePage) -> list[dict[str, Any]]:
    asked = [each for each in made.asked() if each["do"] == "draft"]
    return [{key: each[key] for key in each if key != "number"} for each in asked]


def answer(made: ModulePage, **others: Any) -> None:
    """Answer the last question that the form has asked."""
    asked = [each["number"] for each in made.asked() if each["do"] == "draft"]
    made.set("draft", draft(**others) | {"number": asked[-1] if asked else 0})


def bars(made: ModulePage, part: str, state: str) -> list[dict[str, float]]:
    """Return where the strikes of a state are drawn, what has happened last."""
    found = made.page.locator(f".{part} .rk-strike[data-state='{state}'] rect")
    boxes = [found.nth(at).bounding_box() for at in range(found.count())]
    return [dict(box) for box in boxes if box is not None]


def test_the_form_asks_for_a_plan_with_each_change(module: Module) -> None:
    made = shown(module)
    assert drafts(made) == [], "the kernel has drafted the first one"
    made.page.get_by_label("Intensity").select_option("high")
    made.page.get_by_label("Duration").fill("1 min")
    made.page.get_by_label("Seed").fill("9")
    made.page.get_by_role("combobox", name="Scenario").select_option(
        "memory pressure with partitions"
    )
    assert drafts(made)[-1] == {
        "do": "draft", "name": "memory pressure with partitions", "intensity": "high",
        "duration": "1 min", "seed": "9",
    }  # fmt: skip
    made.page.get_by_role("button", name="Start").click()
    assert made.asked()[-1] == drafts(made)[-1] | {"do": "start"}


def test_the_plan_is_drawn_before_it_starts_to_the_scale_of_its_axis(module: Module) -> None:
    made = shown(module)
    assert made.page.get_by_text("Plan: 4 strikes in 30 s, seed 7").is_visible()
    first, second, third, all_along = bars(made, "rk-plan", "planned")
    assert second["x"] - first["x"] == pytest.approx(third["x"] - second["x"], abs=1.0)
    assert all_along["width"] == pytest.approx(10 * first["width"], rel=0.05), "30 s against 3 s"
    assert made.page.locator(".rk-plan .rk-cursor").get_attribute("visibility") == "hidden"
    words = made.page.locator(".rk-plan svg").text_content() or ""
    assert "seconds since the scenario began" in words


def test_what_is_wrong_with_the_yaml_stands_below_it_with_its_line(module: Module) -> None:
    made = shown(module)
    made.page.get_by_role("button", name="Edit as YAML").click()
    text = made.page.get_by_label("Scenario as YAML")
    assert text.input_value() == CRASHES.to_yaml()
    assert drafts(made)[-1]["yaml"] == CRASHES.to_yaml()
    assert made.page.get_by_label("Intensity").is_disabled()
    text.fill("name: x\nfaults:\n  - latency: {low: -1}\n")
    asked = len(made.asked())
    told = f"faults[0].latency.low: must be >= 0 {HOSTILE}"
    answer(made, timeline=None, problem=told, place="yaml", line=3)
    assert made.page.get_by_text(f"✗ line 3: {told}").is_visible()
    assert text.get_attribute("aria-invalid") == "true"
    assert made.page.get_by_role("button", name="Start").is_disabled()
    assert made.page.locator("img").count() == 0
    made.page.get_by_role("button", name="Go to line 3").click()
    marked = "t => t.value.slice(t.selectionStart, t.selectionEnd)"
    assert text.evaluate(marked) == "  - latency: {low: -1}"
    assert len(made.asked()) == asked
    answer(made)
    assert text.get_attribute("aria-invalid") == "false"
    assert made.page.get_by_role("button", name="Start").is_enabled()
    assert not made.page.locator(".rk-goto").is_visible()


def test_what_is_wrong_with_a_field_is_told_with_its_name(module: Module) -> None:
    made = shown(module)
    answer(made, timeline=None, problem="is no duration", place="duration")
    assert made.page.get_by_text("✗ duration: is no duration").is_visible()
    assert made.page.get_by_label("Duration").get_attribute("aria-invalid") == "true"
    assert made.page.get_by_label("Seed").get_attribute("aria-invalid") == "false"


def test_start_and_what_heals_stay_in_their_place_whatever_is_told(module: Module) -> None:
    row = {"id": "latency-1", "what": "latency", "of": "", "where": "n1", "strikes": 1}
    going = run(3.0)
    made = shown(module, injections=[row | {"state": "active"}], runs=[going])

    def place(name: str) -> object:
        return made.page.get_by_role("button", name=name, exact=True).bounding_box()

    start, heal = place("Start"), place("Heal")
    made.set("runs", [run(30.0, state="over")])
    assert (place("Start"), place("Heal")) == (start, heal)
    assert made.page.get_by_role("button", name="Stop").count() == 0
    answer(made, timeline=None, problem="is no duration", place="duration")
    assert made.page.get_by_text("✗ duration: is no duration").is_visible()
    assert place("Start") == start


def test_while_one_runs_another_cannot_be_started(module: Module) -> None:
    made = shown(module)
    made.set("runs", [run(3.0)])
    assert made.page.get_by_role("button", name="Start").is_disabled()
    assert made.page.get_by_text("A scenario runs on this cluster").is_visible()
    made.set("runs", [run(30.0, state="over")])
    assert made.page.get_by_role("button", name="Start").is_enabled()


def test_the_cursor_runs_between_what_the_kernel_says_and_active_strikes_grow(
    module: Module,
) -> None:
    active = {"state": "active", "began": 6.0, "ended": None, "where": "n1", "why": ""}
    made = shown(module, runs=[run(8.0, active)])
    at = "Number(root.querySelector('.rk-run .rk-timeline').dataset.at)"
    made.wait(f"{at} > 8")
    before = bars(made, "rk-run", "active")[-1]["width"]
    made.wait(f"{at} > 9")
    assert bars(made, "rk-run", "active")[-1]["width"] > before
    # A kernel that is not heard of any more may have ended: nobody knows how it goes on.
    made.wait(f"{at} === 10.5")
    made.set("runs", [run(20.0, active | {"state": "healed", "ended": 9.0}, state="stopped")])
    assert made.page.locator(".rk-run .rk-timeline").get_attribute("data-at") == "20.00"
    _, happened = bars(made, "rk-run", "healed")
    assert happened["width"] == pytest.approx(before * 3 / 2, rel=0.5)


def test_what_is_over_when_it_has_struck_has_no_bar_and_no_time_of_healing(module: Module) -> None:
    struck = {"state": "struck", "began": 6.0, "ended": None, "where": "c", "why": ""}
    made = shown(module, runs=[run(25.0, struck)])
    assert bars(made, "rk-run", "struck")[-1]["width"] < 10
    title = made.page.locator(".rk-run .rk-strike title").first.text_content() or ""
    assert "struck at 6.00 s" in title
    assert "healed" not in title
    assert "✓ struck" in (made.page.locator(".rk-run tbody").text_content() or "")


def test_what_has_happened_is_told_by_signs_and_words_as_well(module: Module) -> None:
    failed = {"state": "failed", "began": 6.0, "ended": None, "where": HOSTILE, "why": HOSTILE}
    left = {"state": "left out", "began": None, "ended": None, "where": "", "why": "it ended"}
    made = shown(module, runs=[run(14.0, failed, left, state="stopped", name=HOSTILE)])
    marks = made.page.locator(".rk-run .rk-strike")
    assert marks.nth(0).locator("text").text_content() == "✗"
    assert marks.nth(1).locator("text").text_content() == "–"
    assert HOSTILE in (marks.nth(0).locator("title").text_content() or "")
    made.page.get_by_text("Strikes as a table").click()
    rows = made.page.locator(".rk-run tbody tr")
    cells = {rows.nth(at).inner_text().split("\t")[-1] for at in range(rows.count())}
    assert cells == {f"✗ failed: {HOSTILE}", "– left out: it ended", "… planned"}
    assert made.page.get_by_text(f"{HOSTILE}: stopped after 14 s of 30 s, seed 7").is_visible()
    assert made.page.locator("img").count() == 0


def test_runs_of_others_are_shown_whichever_part_is_open_and_can_be_stopped(
    module: Module,
) -> None:
    made = shown(module, runs=[run(3.0, id="2.0", by="experiment"), run(3.0)])
    made.page.get_by_role("tab", name="One fault").click()
    stops = made.page.get_by_role("button", name="Stop")
    assert stops.count() == 2
    assert made.page.get_by_text("experiment: progressive node failures").is_visible()
    stops.nth(0).click()
    assert made.asked()[-1] == {"do": "stop", "id": "2.0"}
    made.set("runs", [run(30.0, state="over")])
    assert made.page.locator(".rk-run").count() == 1
    assert stops.count() == 0


def test_all_can_be_done_with_the_keyboard(module: Module) -> None:
    made = shown(module)
    tab = made.page.get_by_role("tab", name="Scenario")
    tab.focus()
    tab.press("ArrowLeft")
    assert made.page.get_by_label("Fault", exact=True).is_visible()
    made.page.get_by_role("tab", name="One fault").press("ArrowRight")
    assert tab.get_attribute("aria-selected") == "true"
    made.page.keyboard.press("Tab")
    assert made.page.get_by_role("combobox", name="Scenario").evaluate(
        "e => e === document.activeElement"
    )
    made.page.get_by_label("Seed").press("Enter")
    assert made.asked()[-1]["do"] == "start"


def test_hatches_have_the_colours_and_sides_of_the_bands_in_charts(module: Module) -> None:
    made = shown(module, runs=[run(3.0)], draft=draft(timeline=None))
    paths = made.page.locator(".rk-run pattern path")
    assert [paths.nth(at).get_attribute("stroke") for at in range(2)] == ["#d55e00", "#56b4e9"]
    assert len({paths.nth(at).get_attribute("d") for at in range(2)}) == 2
    numbers = (2, 10, 18)  # of one colour
    alike = run(3.0, lanes=[run(3.0)["lanes"][0] | {"colour": number} for number in numbers])
    made.set("runs", [alike])
    made.wait("root.querySelectorAll('.rk-run pattern').length === 3")
    leans = [paths.nth(at).get_attribute("d") for at in range(3)]
    assert len(set(leans)) == 3
    right, left = "M-1 1", "M-1 8"
    sides = [{"right": [right], "left": [left], "both": [right, left]}[lean_of(n)] for n in numbers]
    assert [[each for each in (right, left) if each in (d or "")] for d in leans] == sides
    made.page.evaluate("document.body.dataset.jpThemeLight = 'false'")
    made.wait("root.querySelector('.rk-run text').getAttribute('fill') === '#9aa4ae'")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [420, 700, 1200])
def test_timelines_fit_their_page(module: Module, theme: str, width: int) -> None:
    made = shown(module, theme=theme, width=width, runs=[run(3.0)])
    made.wait(f"root.querySelector('.rk-run svg').clientWidth > {width} * 0.8")
    assert made.page.evaluate("document.body.scrollWidth <= innerWidth")


def test_faults_that_do_not_work_here_are_marked_with_the_reason(module: Module) -> None:
    made = shown(module)
    made.page.get_by_role("tab", name="One fault").click()
    choice = made.page.get_by_label("Fault", exact=True)
    choice.select_option("memory")
    asked = len(drafts(made))
    made.set("lacking", {"memory": f"rlimits: {HOSTILE}"})
    assert made.page.get_by_text(f"Does not work on this machine: rlimits: {HOSTILE}").is_visible()
    assert made.page.get_by_role("button", name="Inject").is_disabled()
    texts = choice.locator("option").all_inner_texts()
    assert [each for each in texts if each.startswith("✗")] == ["✗ memory, not on this machine"]
    assert len(drafts(made)) == asked + 1, "the scenario is looked at again"
    choice.select_option("latency")
    assert made.page.get_by_role("button", name="Inject").is_enabled()
    assert made.page.locator("img").count() == 0


def test_targets_are_offered_by_the_names_of_the_cluster(module: Module) -> None:
    made = shown(module)
    made.page.get_by_role("tab", name="One fault").click()

    def offered(fault: str, key: str) -> list[str]:
        made.page.get_by_label("Fault", exact=True).select_option(fault)
        field = made.page.locator(f".rk-fields [name='{key}']")
        return list(field.evaluate("e => [...e.list.options].map((each) => each.value)"))

    assert offered("node_crash", "targets") == ["one", "all", "minority", "majority", "none"]
    names = {"nodes": ["n1"], "links": ["n1<->n2"], "servers": [HOSTILE], "supervisors": ["sup"]}
    made.set("places", names)
    assert offered("node_crash", "targets")[5:] == ["n1"]
    assert offered("latency", "targets")[5:] == ["n1", "n1<->n2"]
    assert offered("server_crash", "targets")[5:] == [HOSTILE, "sup"]
    assert offered("supervisor_children", "supervisor") == ["sup"]
    assert offered("partition", "groups") == ["n1"]


def test_what_is_to_come_of_a_fault_that_is_in_stands_beside_it(module: Module) -> None:
    row = {"id": "latency-1", "what": "latency", "of": HOSTILE, "where": "n1", "strikes": 2}
    row |= {"state": "active", "when": "heals in 3 s", "trouble": "node n1 is killed"}
    made = shown(module, injections=[row])
    told = made.page.locator(".rk-injections").inner_text()
    for part in (f"of {HOSTILE}", "● active", "heals in 3 s", "the last strike failed: node"):
        assert part in told
    made.set("injections", [row | {"when": "heals in 2 s", "trouble": "", "of": ""}])
    told = made.page.locator(".rk-injections").inner_text()
    assert "heals in 2 s" in told
    assert "✗" not in told


def test_a_view_that_ends_leaves_no_listener(module: Module) -> None:
    made = shown(module, runs=[run(3.0)])
    made.end()
    assert made.page.evaluate("window.model.heard()") == 0


def test_an_answer_that_comes_too_late_is_not_shown(module: Module) -> None:
    made = shown(module)
    made.page.get_by_label("Seed").fill("8")
    assert made.page.get_by_role("button", name="Start").is_enabled(), "of the last answer"
    made.page.get_by_label("Seed").fill("x")
    answer(made, timeline=None, problem="is no seed", place="seed")
    made.set("draft", draft())  # what was asked first, while a cell was busy
    assert made.page.get_by_text("✗ seed: is no seed").is_visible()
    assert made.page.get_by_role("button", name="Start").is_disabled()


def test_a_view_that_opens_later_asks_for_a_plan_of_its_own(module: Module) -> None:
    made = module(
        "chaos", faults=FORMS, problems={}, injections=[], doing="", refused="", runs=[],
        library=library(), draft=draft(number=12, problem="of another view"), places={}, lacking={},
    )  # fmt: skip
    assert drafts(made)[-1]["name"] == CRASHES.name
    made.page.get_by_role("tab", name="Scenario").click()
    assert made.page.get_by_text("of another view").count() == 0
