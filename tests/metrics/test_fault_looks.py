"""How kinds of fault look: the same in every picture, and each unlike the others."""

from __future__ import annotations

from typing import Any

import pytest

from resilkit.faults import registered_faults
from resilkit.metrics import fault_looks
from resilkit.metrics.fault_looks import FAULT_COLOURS, FAULT_LOOKS, lean_of, look_of_fault
from resilkit.metrics.plots.lane import looks_of
from resilkit.metrics.plots.style import theme_named

BY_HAND = {"node_down": "node_crash", "node_paused": "node_pause"}
BUILT_IN = {
    name: one for name, one in registered_faults().items() if one.__module__.startswith("resilkit.")
}


def test_every_fault_that_resilkit_has_looks_like_itself_alone() -> None:
    assert set(FAULT_LOOKS) == {*BUILT_IN, *BY_HAND}
    numbers = [FAULT_LOOKS[name] for name in BUILT_IN]
    assert len(set(numbers)) == len(numbers)
    for theme in map(theme_named, ("light", "dark")):
        looks = looks_of(BUILT_IN, theme, strength=0.7)
        assert len({(look.colour, look.hatch) for look in looks.values()}) == len(BUILT_IN)
    leans = {(number % len(FAULT_COLOURS), lean_of(number)) for number in numbers}
    assert len(leans) == len(BUILT_IN), "in panels, where hatches only lean"


def test_a_node_that_somebody_killed_or_paused_looks_as_if_a_fault_had() -> None:
    assert {name: look_of_fault(name) for name in BY_HAND} == {
        name: look_of_fault(kind) for name, kind in BY_HAND.items()
    }


def test_a_fault_of_ones_own_has_a_look_that_hangs_on_its_name_alone_and_is_no_other_s() -> None:
    own = [look_of_fault(name) for name in ("deaf", "blind", "\udcff", "a" * 64)]
    assert own == [look_of_fault(name) for name in ("deaf", "blind", "\udcff", "a" * 64)]
    assert min(own) > max(FAULT_LOOKS.values())
    assert {lean_of(number) for number in own} == {"both"}


@pytest.mark.parametrize("order", [("loss", "node_pause"), ("node_pause", "loss")])
def test_the_order_of_appearance_changes_no_look(order: tuple[str, ...]) -> None:
    found: Any = looks_of(order, theme_named("light"), strength=0.7)
    assert found["loss"].colour == fault_looks.colour_of_fault("loss")
    assert found["node_pause"].colour == fault_looks.colour_of_fault("node_pause")
