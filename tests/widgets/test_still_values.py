"""Axes and values of charts that stay, and the names in them."""

from __future__ import annotations

import pytest

from resilkit_widgets.still_names import cut, name_span
from resilkit_widgets.still_values import StillValues


@pytest.mark.parametrize(
    ("least", "most", "texts"),
    [
        (0.0, 0.0, ["1 ms", "10 ms", "100 ms", "1 s"]),
        (0.00091, 0.0054, ["500 µs", "1 ms", "2 ms", "5 ms", "10 ms"]),
        (0.001, 0.001, ["100 µs", "200 µs", "500 µs", "1 ms"]),
        (0.00091, 2.5, ["1 ms", "10 ms", "100 ms", "1 s"]),
        (1e-12, 5.0, ["10 µs", "100 µs", "1 ms", "10 ms", "100 ms", "1 s"]),
    ],
)
def test_an_axis_of_orders_of_magnitude_has_round_ends_and_ticks_with_units(
    least: float, most: float, texts: list[str]
) -> None:
    axis = StillValues("s", log=True).axis(least, most)
    assert [text for _, text in axis.ticks] == texts
    assert axis.low <= max(least, most / 1e6) or most == 0
    assert axis.high >= most
    assert (axis.share(axis.low), axis.share(axis.high)) == (0.0, pytest.approx(1.0))
    assert axis.share(0.0) == 0.0
    assert axis.share((axis.low * axis.high) ** 0.5) == pytest.approx(0.5)


def test_values_have_units_of_their_own() -> None:
    assert StillValues("bytes", 2.0**-20).shown(24.9) == "24.9 MiB"
    assert StillValues("s").shown(0.0054) == "5.4 ms"
    assert StillValues("messages").shown(12.0) == "12 messages"
    assert StillValues("messages").shown(12.0, short=True) == "12"
    assert StillValues("ok/s").shown(379.2) == "379/s"


def test_a_long_name_keeps_its_beginning_and_its_end() -> None:
    name = "a" * 200 + "-17"
    assert cut(name, 20) == "a" * 12 + "…" + "aaaa-17"
    assert len(cut(name, 20)) == 20
    assert f"<title>{name}</title>" in name_span(name, 20)


def test_a_name_turns_nothing_around_it() -> None:
    shown = name_span("abc\u202edef\u2069\x00\udce9", 20)
    assert shown == "<tspan>\u2068abc\ufffddef\ufffd\ufffd\ufffd\u2069</tspan>"
