"""The front end of the trace panel alone: a diagram that grows, and what stands under it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from resilkit.metrics.sequence import OUTSIDE
from resilkit_widgets.trace_panel import _GROUPS, looks
from tests.browser.modules import ModulePage

Module = Callable[..., ModulePage]

HOSTILE = "<img src=x onerror=window.hurt=1>"
SERVERS = [{"node": "n1", "names": ["client", "ledger"]}, {"node": "n2", "names": ["bank"]}]


def message(number: int, kind: str = "call", **others: Any) -> dict[str, Any]:
    """Return a message's row, as the kernel sends it."""
    row = {"id": number, "time": number / 1000, "kind": kind, "sender": "client"}
    row |= {"receiver": "bank", "text": f"pay({number})", "payload": str(number), "answers": None}
    return row | others


def shown(module: Module, **traits: Any) -> ModulePage:
    known = {
        "servers": SERVERS, "server": "", "tracing": False, "run": 0, "groups": list(_GROUPS),
        "paused": False, "messages": [], "order": [], "told": "", "outside": "",
        "looks": looks(), "doing": "", "refused": "",
    }  # fmt: skip
    return module("trace", **known | traits)


def live(module: Module, *messages: dict[str, Any], **traits: Any) -> ModulePage:
    known = {"server": "bank", "tracing": True, "run": 1, "messages": list(messages)}
    return shown(module, **known | {"told": f"{len(messages)} messages"} | traits)


def place(made: ModulePage, number: int) -> float:
    """Return how far down a message stands in the page."""
    return float(
        made.page.evaluate(
            "id => document.querySelector(`[data-id='${id}']`).getBoundingClientRect().top", number
        )
    )


def test_a_server_is_chosen_by_node_and_started_and_stopped(module: Module) -> None:
    made = shown(module)
    groups = made.page.locator("optgroup")
    assert [groups.nth(at).get_attribute("label") for at in range(2)] == ["n1", "n2"]
    made.page.get_by_label("Server").select_option("bank")
    made.page.get_by_role("button", name="Start").click()
    assert made.asked() == [{"do": "start", "server": "bank"}]
    made.set("server", "bank")
    made.set("tracing", True)
    made.page.get_by_role("button", name="Stop").click()
    assert made.asked()[-1] == {"do": "stop"}
    made.page.get_by_label("Server").select_option("client")
    assert made.asked()[-1] == {"do": "start", "server": "client"}, "at once, while it traces"


def test_without_a_server_there_is_nothing_to_start_and_it_says_what_to_do(module: Module) -> None:
    made = shown(module, servers=[])
    assert made.page.get_by_role("button", name="Start").is_disabled()
    assert "Choose a server" in made.page.locator(".rk-none").inner_text()
    made.set("servers", SERVERS)
    assert made.page.get_by_role("button", name="Start").is_enabled()
    assert not made.page.locator(".rk-sequence").is_visible()


def test_a_server_that_is_away_for_a_moment_stays_chosen(module: Module) -> None:
    made = shown(module)
    choice = made.page.get_by_label("Server")
    choice.select_option("ledger")
    made.set("servers", [{"node": "n1", "names": ["another"]}])
    assert choice.input_value() == "ledger"
    assert choice.locator("option:checked").inner_text() == "ledger (not running)"
    made.set("servers", [{"node": "n1", "names": ["another", "ledger"]}])
    assert choice.input_value() == "ledger"
    assert choice.locator("option").all_inner_texts() == ["another", "ledger"]


def test_what_is_chosen_stays_so_when_servers_come_and_go(module: Module) -> None:
    made = shown(module)
    made.page.get_by_label("Server").select_option("ledger")
    made.set("servers", [{"node": "n1", "names": ["another", "ledger"]}])
    assert made.page.get_by_label("Server").input_value() == "ledger"


def test_arrows_go_from_sender_to_receiver_and_time_goes_down(module: Module) -> None:
    made = live(
        module, message(1), message(2, "cast", sender="bank", receiver="ledger"),
        message(3, "reply", sender="bank", receiver="client", answers=1),
        message(4, "error", sender="bank", receiver="client"),
    )  # fmt: skip
    names = made.page.locator(".rk-names .rk-name > title")
    assert names.all_text_contents() == ["client", "bank", "ledger"]
    tops = [place(made, number) for number in range(1, 5)]
    assert tops == sorted(tops)
    ends = made.page.evaluate(
        "() => [...document.querySelectorAll('[data-id] line')].map((each) => "
        "['x1', 'x2', 'stroke-dasharray', 'stroke'].map((name) => each.getAttribute(name)))"
    )
    (call, cast, reply, error) = ends
    assert float(call[0]) < float(call[1]) < float(cast[1])
    assert float(reply[0]) > float(reply[1])
    assert [end[2] for end in ends] == [None, None, "5 3", "5 3"]
    assert call[3] == reply[3] != error[3]


def test_a_server_that_ends_has_a_mark_and_a_dotted_line_until_it_starts(module: Module) -> None:
    made = live(
        module, message(1), message(2, "ended", sender="bank", receiver="", text="ended: boom"),
        message(3, "started", sender="bank", receiver="", text="started: Bank"), message(4),
        message(5, "timer", sender="bank", receiver="bank", text="◷ 'audit'"),
    )  # fmt: skip
    assert made.page.locator(".rk-gone").count() == 1
    assert made.page.locator("[data-kind=started] circle").count() == 1
    assert made.page.locator("[data-kind=ended] path").count() == 1
    assert "ended: boom" in made.page.locator("[data-kind=ended]").text_content()


def test_the_newest_is_seen_unless_somebody_has_scrolled_up(module: Module) -> None:
    made = live(module, *[message(number) for number in range(1, 60)])
    bottom = (
        "root.querySelector('.rk-sequence').scrollTop + "
        "root.querySelector('.rk-sequence').clientHeight >= "
        "root.querySelector('.rk-sequence').scrollHeight - 1"
    )
    made.wait(bottom)
    made.set("messages", [message(number) for number in range(1, 80)])
    made.wait(bottom)
    made.page.evaluate("() => { document.querySelector('.rk-sequence').scrollTop = 100; }")
    made.set("messages", [message(number) for number in range(1, 99)])
    assert made.page.evaluate("() => document.querySelector('.rk-sequence').scrollTop") == 100
    assert made.page.locator("[data-id]").count() == 98


def test_what_is_pointed_at_is_told_in_full_with_its_answer(module: Module) -> None:
    made = live(
        module, message(1, text=f"pay({'x' * 150})"),
        message(5, "reply", sender="bank", receiver="client", text="True", payload="True",
                answers=1),
    )  # fmt: skip
    made.page.locator("[data-id='1']").hover()
    told = made.page.locator(".rk-detail").inner_text()
    assert "client → bank" in told
    assert "x" * 150 in told
    assert "answered after 4.00 ms: True" in told
    assert made.page.locator(".rk-same").get_attribute("data-id") == "5"
    made.page.locator("[data-id='5']").hover()
    assert f"after 4.00 ms, to pay({'x' * 150})" in made.page.locator(".rk-detail").inner_text()


def test_the_keyboard_reaches_every_message(module: Module) -> None:
    made = live(module, *[message(number) for number in range(1, 40)])
    made.page.locator("[data-id='39']").focus()
    for key, chosen in (("ArrowUp", 38), ("ArrowUp", 37), ("ArrowDown", 38), ("Home", 1)):
        made.page.keyboard.press(key)
        assert made.page.locator(".rk-chosen").get_attribute("data-id") == str(chosen)
        assert f"pay({chosen})" in made.page.locator(".rk-detail").inner_text()
    assert made.page.locator("[data-id][tabindex='0']").count() == 1
    made.set("messages", [message(number) for number in range(1, 45)])
    focused = made.page.evaluate("() => document.activeElement.getAttribute('data-id')")
    assert focused == "1", "new messages do not take the focus away"
    made.page.keyboard.press("End")
    assert made.page.locator(".rk-chosen").get_attribute("data-id") == "44"


def test_kinds_are_hidden_at_once_and_asked_for_in_the_kernel(module: Module) -> None:
    made = live(module, message(1), message(2, "cast"), message(3, "timer", receiver="client"))
    casts = made.page.get_by_role("button", name="Casts")
    assert casts.get_attribute("aria-pressed") == "true"
    casts.click()
    assert made.asked()[-1] == {"do": "filter", "groups": ["calls", "infos", "signals"]}
    made.set("groups", ["calls"])
    assert made.page.locator("[data-id]").count() == 1
    assert made.page.get_by_role("button", name="Calls").is_disabled(), "the last one stays"
    made.set("groups", ["signals"])
    assert "No messages yet" in made.page.locator(".rk-none").inner_text()


def test_those_who_have_no_room_share_a_line(module: Module) -> None:
    many = [message(number, sender=f"user-{number}") for number in range(1, 30)]
    made = live(module, *many, width=700)
    names = made.page.locator(".rk-names .rk-name > title").all_text_contents()
    assert "bank" in names
    assert names[-1] == f"({30 - len(names) + 1} others)"
    made.page.set_viewport_size({"width": 1300, "height": 700})
    made.wait(f"root.querySelectorAll('.rk-names .rk-name').length > {len(names)}")


def test_what_came_too_fast_is_told(module: Module) -> None:
    made = live(module, message(1), told="1,234 messages, of which 1,000 came too fast")
    counted = made.page.locator(".rk-counted")
    assert counted.inner_text() == "1,234 messages, of which 1,000 came too fast"
    made.set("told", "")
    assert not counted.is_visible()


def test_lifelines_stand_in_the_order_of_the_kernel_and_a_new_name_behind(module: Module) -> None:
    made = live(module, message(1), message(2, sender="new"), order=["bank", "gone", "client"])
    names = made.page.locator(".rk-names .rk-name > title")
    assert names.all_text_contents() == ["bank", "client", "new"]
    made.set("order", ["new", "client", "bank"])
    assert names.all_text_contents() == ["new", "client", "bank"]


def test_a_name_from_outside_of_the_nodes_is_explained_below_and_where_it_stands(
    module: Module,
) -> None:
    made = live(module, message(1, sender="@g1"))
    below = made.page.locator(".rk-outside")
    assert not below.is_visible()
    made.set("outside", OUTSIDE)
    assert below.inner_text() == OUTSIDE
    names = made.page.locator(".rk-names .rk-name > title")
    assert names.all_text_contents() == [f"@g1\n{OUTSIDE}", "bank"]
    made.set("groups", ["casts"])
    assert not below.is_visible(), "without a diagram there is nothing to explain"


def test_a_pause_is_told_to_the_kernel(module: Module) -> None:
    made = live(module, message(1))
    made.page.get_by_role("button", name="Pause").click()
    assert made.get("paused") is True
    assert made.page.get_by_role("button", name="Go on").get_attribute("aria-pressed") == "true"


def test_hostile_names_and_payloads_are_text(module: Module) -> None:
    made = live(
        module, message(1, sender=HOSTILE, text=HOSTILE, payload=HOSTILE), server=HOSTILE,
        servers=[{"node": HOSTILE, "names": [HOSTILE]}], refused=HOSTILE,
    )  # fmt: skip
    made.page.locator("[data-id='1']").hover()
    assert HOSTILE in made.page.locator(".rk-detail").inner_text()
    assert made.page.locator("img").count() == 0
    assert made.page.evaluate("() => window.hurt === undefined")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [420, 700, 1200])
def test_the_panel_fits_its_page_in_both_themes(module: Module, theme: str, width: int) -> None:
    rows = [message(number, text="x" * 200, sender=f"user-{number % 9}") for number in range(1, 40)]
    rows.append(message(50, "ended", sender="bank", receiver="", text="y" * 200))
    made = live(module, *rows, theme=theme, width=width)
    assert made.page.evaluate("document.body.scrollWidth <= innerWidth")
    beyond = made.page.evaluate(
        "() => { const edge = document.querySelector('.rk-steps').getBoundingClientRect();"
        "return [...document.querySelectorAll('.rk-steps text')].filter((each) =>"
        "each.getBoundingClientRect().right > edge.right + 1).length; }"
    )
    assert beyond == 0
    colours = made.page.evaluate(
        "() => [...new Set([...document.querySelectorAll('[data-id] line')].map((each) =>"
        "each.getAttribute('stroke')))]"
    )
    assert colours == [{"light": "#0072b2", "dark": "#56b4e9"}[theme]]


def test_a_view_that_ends_leaves_no_listener(module: Module) -> None:
    made = live(module, message(1))
    made.end()
    assert made.page.evaluate("window.model.heard()") == 0
