"""The front end of the panel of verdicts alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.modules import ModulePage

Module = Callable[..., ModulePage]
HOSTILE = '<img src=x onerror="window.hacked = 1">'


def row(kind: str = "inconclusive", **others: Any) -> dict[str, Any]:
    """Return a criterion's row, as the kernel sends it."""
    sign, word = {"pass": ("✓", "pass"), "fail": ("✗", "fail")}.get(kind, ("…", "not yet"))
    known = {"criterion": "p95 <= 500 ms", "measured": "12 ms", "interval": "11 ms to 13 ms"}
    return {"kind": kind, "sign": sign, "word": word, "n": 1234, "reason": ""} | known | others


def shown(module: Module, *rows: dict[str, Any], **traits: Any) -> ModulePage:
    """Show the panel with these criteria."""
    known = {
        "rows": list(rows), "progress": {}, "outcome": {}, "criteria": "p95 <= 500 ms",
        "editable": False, "startable": False, "stoppable": False, "exportable": False,
        "problem": "", "exported": [], "doing": "", "refused": "",
    }  # fmt: skip
    return module("verdict", **known | traits)


def test_a_criterion_shows_how_it_stands_and_keeps_its_place(module: Module) -> None:
    made = shown(module, row(), row("pass", criterion="availability >= 99 %"))
    cells = made.page.locator("tbody tr").first.locator("td")
    assert cells.all_inner_texts() == [
        "… not yet", "p95 <= 500 ms", "12 ms", "11 ms to 13 ms", "1,234", "",
    ]  # fmt: skip
    made.page.evaluate("() => { document.querySelector('tbody tr').dataset.seen = 'yes'; }")
    made.set("rows", [row("fail", reason="too slow")])
    assert made.page.locator("tbody tr").count() == 1
    assert made.page.locator("tbody tr").get_attribute("data-seen") == "yes"
    assert cells.all_inner_texts()[0] == "✗ fail"


def test_progress_is_a_bar_with_what_is_left_in_words(module: Module) -> None:
    made = shown(module, row(), progress={
        "text": "under load", "elapsed": 4.2, "total": 10, "rate": 512.3, "availability": 0.9876,
        "waiting": 3,
    })  # fmt: skip
    bar = made.page.get_by_label("Seconds of load")
    assert (bar.get_attribute("max"), bar.get_attribute("value")) == ("10", "4.2")
    words = made.page.locator(".rk-progress").inner_text()
    for part in ("under load", "4.2 of 10 s", "6 s left", "512 operations/s", "98.76 % good",
                 "3 waiting"):  # fmt: skip
        assert part in words
    made.set("progress", {"text": "under load", "elapsed": 4.2, "total": None})
    assert bar.is_hidden(), "nobody knows the end"
    made.set("progress", {})
    assert made.page.locator(".rk-progress").is_hidden()


def test_an_experiment_is_run_and_stopped_by_its_buttons(module: Module) -> None:
    made = shown(module, row(), startable=True)
    run, stop = (made.page.get_by_role("button", name=name) for name in ("Run", "Stop"))
    assert stop.is_disabled()
    place = stop.bounding_box()
    run.press("Enter")
    made.set("doing", "running")
    assert run.is_disabled()
    made.set("stoppable", True)
    assert stop.bounding_box() == place, "it does not come where Run has just been pressed"
    stop.click()
    assert made.asked() == [{"do": "run"}, {"do": "stop"}]
    made.set("outcome", {"kind": "fail", "sign": "✗", "sentence": "Failed: two did not hold."})
    expect(made.page.get_by_role("status").filter(has_text="✗ Failed")).to_be_visible()


def test_criteria_are_checked_while_one_writes_and_not_taken_from_under_the_hands(
    module: Module,
) -> None:
    made = shown(module, row(), editable=True)
    made.page.get_by_text("Change the criteria").click()
    text = made.page.get_by_label("Criteria, one a line")
    assert text.input_value() == "p95 <= 500 ms"
    text.fill("p95 < pony")
    assert made.asked()[-1] == {"do": "check", "criteria": "p95 < pony"}
    made.set("problem", "criteria[0]: is no amount")
    made.set("criteria", "mean <= 1 s")
    assert text.input_value() == "p95 < pony"
    judge = made.page.get_by_role("button", name="Judge by these")
    assert judge.is_disabled()
    assert text.get_attribute("aria-invalid") == "true"
    text.fill("p95 < 1 s")
    made.set("problem", "")
    judge.click()
    assert made.asked()[-1] == {"do": "judge", "criteria": "p95 < 1 s"}


def test_exports_are_offered_when_there_is_something_and_say_where_they_are(
    module: Module,
) -> None:
    made = shown(module, row())
    html = made.page.get_by_role("button", name="Export HTML")
    assert html.is_disabled()
    assert "nothing to export" in str(html.get_attribute("title"))
    made.set("exportable", True)
    made.page.get_by_label("path for Export HTML").fill(" here.html ")
    html.click()
    made.page.get_by_role("button", name="Export Parquet").click()
    assert made.asked() == [
        {"do": "export", "as": "html", "path": "here.html"},
        {"do": "export", "as": "parquet", "path": "run"},
    ]
    made.set("exported", ["/tmp/here.html"])
    assert "Written: /tmp/here.html" in made.page.locator(".rk-panel").inner_text()


@pytest.mark.parametrize("width", [430, 700, 1200])
def test_nothing_that_can_be_pressed_moves_while_a_load_is_judged(
    module: Module, width: int
) -> None:
    made = shown(module, row(), row("pass"), editable=True, width=width)
    panel = made.page.locator(".rk-panel")

    def places() -> list[object]:
        pressed = panel.locator("button:visible, summary, input:visible")
        return [pressed.nth(at).bounding_box() for at in range(pressed.count())]

    def height() -> float:
        return (panel.bounding_box() or {"height": 0.0})["height"]

    before = places()
    assert len(before) == 6, "Stop, two paths and exports, and the criteria"
    made.set("exportable", True)
    made.set("stoppable", True)
    made.set("progress", {"text": "under load", "elapsed": 4.2, "total": 10, "rate": 512.3})
    made.set("rows", [row("fail", reason="no window after the fault is whole " * 4), row("pass")])
    assert places() == before
    high = height()
    made.set("rows", [row("pass"), row("pass")])
    made.set("progress", {"text": "under load"})
    assert (places(), height()) == (before, high), "what is below does not go up and down either"
    made.set("outcome", {"kind": "pass", "sign": "✓", "sentence": "All criteria held. " * 20})
    made.set("exported", ["/tmp/here.html"])
    assert places() == before
    made.set("outcome", {})
    made.set("progress", {})
    made.set("rows", [row("pass", criterion="mean < 1 s")])
    assert height() < high, "other criteria have a height of their own"


def test_where_it_is_narrow_the_reason_is_under_the_criterion_and_nothing_is_cut_off(
    module: Module,
) -> None:
    reason = "the load has not recovered yet: no window after the fault is whole"
    made = shown(module, row("fail", reason=reason), row("pass"), width=430)
    line = made.page.locator("tbody tr").first
    criterion, measured, why = (line.locator("td").nth(at) for at in (1, 2, 5))
    places = [each.bounding_box() for each in (criterion, measured, why)]
    assert places[2]["x"] == places[0]["x"]
    assert places[2]["y"] >= places[0]["y"] + places[0]["height"]
    assert line.bounding_box()["height"] < 90
    assert places[1]["x"] + places[1]["width"] <= 430
    assert measured.get_attribute("title") == "95 % interval: 11 ms to 13 ms, n: 1,234"
    scroll = made.page.locator(".rk-scroll")
    assert scroll.evaluate("each => each.scrollWidth <= each.clientWidth")
    assert made.page.get_by_role("cell", name="12 ms").count() == 2, "it is a table still"
    made.page.set_viewport_size({"width": 1200, "height": 700})
    assert why.bounding_box()["y"] == criterion.bounding_box()["y"]
    assert scroll.evaluate("each => each.scrollWidth <= each.clientWidth")


@pytest.mark.parametrize("width", [430, 700, 1200])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_names_are_text_and_nothing_is_wider_than_the_page(
    module: Module, theme: str, width: int
) -> None:
    made = shown(
        module, row(criterion=f"p95[{HOSTILE}] <= 500 ms", reason=HOSTILE * 5), row("pass"),
        row("fail"), theme=theme, width=width, editable=True, exportable=True, startable=True,
        progress={"text": HOSTILE, "elapsed": 4.2, "total": 10},
        outcome={"kind": "pass", "sign": "✓", "sentence": HOSTILE}, exported=["/long" * 40],
    )  # fmt: skip
    assert made.page.evaluate("window.hacked") is None
    assert made.page.locator("img").count() == 0
    assert made.page.evaluate("document.body.scrollWidth <= innerWidth")


def test_a_closed_view_leaves_no_listener(module: Module) -> None:
    made = shown(module, row())
    made.end()
    assert made.page.evaluate("window.model.heard()") == 0


def test_an_export_waits_for_another_and_not_for_a_run_of_which_nobody_knows_how_long_it_takes(
    module: Module,
) -> None:
    made = shown(module, row(), exportable=True, doing="writing report.html")
    button = made.page.get_by_role("button", name="Export Parquet")
    button.click()
    assert made.asked() == [{"do": "export", "as": "parquet", "path": "run"}]
    made.set("doing", "running")
    assert button.is_disabled()
