"""The form of the topology panel that slows a link, alone: what it says while somebody writes."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from resilkit_widgets.topology_rows import view_of
from tests.browser.modules import ModulePage

Module = Callable[..., ModulePage]


def shown(module: Module) -> ModulePage:
    """Show the panel of three nodes, with a link chosen."""
    view = view_of(3)
    row = {"status": "running", "sign": "●", "memory": "", "queue": 0, "starts": 1, "side": -1}
    made = module(
        "topology",
        view={"kind": view.kind, "width": view.width, "height": view.height},
        nodes=[row | {"name": f"n{n + 1}"} | view.spots[n]._asdict() for n in range(3)],
        links=[list(pair) for pair in itertools.combinations(range(3), 2)],
        loads=[], harms=[], harmed={"cut": 0, "slow": 0, "other": 0, "all": 0}, injections={},
        base="", doing="", refused="",
    )  # fmt: skip
    made.page.get_by_label("Node", exact=True).select_option("n1")
    made.page.get_by_label("Its link to").select_option(label="n2")
    return made


@pytest.mark.parametrize("written", ["0", "600001", "", "-5"])
def test_a_delay_that_makes_no_sense_is_told_while_it_is_written(
    module: Module, written: str
) -> None:
    made = shown(module)
    field = made.page.get_by_label("Hold back for (ms)")
    slow = made.page.get_by_role("button", name="Slow", exact=True)
    field.fill(written)
    told = made.page.locator(".rk-wrong")
    assert told.inner_text() == "✗ Hold back for (ms): must be from 0.1 to 600,000"
    assert slow.is_disabled()
    made.set("doing", "something")
    made.set("doing", "")
    made.wait("root.querySelector('.rk-actions button:enabled')")
    assert slow.is_disabled(), "still"
    field.fill("2.5")
    assert not told.is_visible()
    slow.click()
    assert made.asked() == [{"do": "slow", "link": "n1<->n2", "ms": 2.5}]
