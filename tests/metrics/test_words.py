"""Numbers in words."""

from __future__ import annotations

import math

import pytest

from resilkit.metrics.words import percent, quantity


@pytest.mark.parametrize(
    ("share", "text"),
    [(1.0, "100 %"), (0.0, "0 %"), (0.999996, "99.9996 %"), (0.000004, "0.0004 %"), (0.5, "50 %")],
)
def test_a_percentage_never_rounds_a_loss_away(share: float, text: str) -> None:
    assert percent(share) == text


def test_quantities_say_their_unit() -> None:
    assert quantity(0.25, "s") == "250 ms"
    assert quantity(math.inf, "s") == "never"
    assert quantity(None, "s") == ""
    assert quantity(3.0, "") == "3"
