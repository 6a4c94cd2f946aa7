"""Where charts that stay end."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from resilkit_widgets.still_end import still_end

LOAD = (10.0, 40.0)


def end(
    load: tuple[float, float] | None,
    faults: Sequence[float] = (),
    others: Sequence[float] = (),
    newest: float = 500.0,
) -> float:
    return still_end(load, faults=faults, others=others, newest=newest, window=60.0, after=3.0)


@pytest.mark.parametrize(
    ("happened", "expected"),
    [
        ({}, 43.0),
        ({"newest": 41.0}, 41.0),
        ({"faults": [20.0], "others": [30.0]}, 43.0),
        ({"faults": [20.0], "others": [52.0]}, 55.0),
        ({"faults": [20.0], "others": [300.0]}, 43.0),
        ({"faults": [20.0, 300.0]}, 303.0),
        ({"faults": [20.0, 300.0], "others": [310.0, 490.0]}, 313.0),
    ],
    ids=[
        "a little after the load", "no later than what is known", "faults within it",
        "what ended later and fits", "what ended so late that the load would be lost",
        "a fault that came later", "and its own end",
    ],
)  # fmt: skip
def test_a_picture_that_stays_ends_after_the_last_load_or_a_fault_that_came_later(
    happened: dict[str, object], expected: float
) -> None:
    assert end(LOAD, **happened) == expected  # type: ignore[arg-type]


def test_without_a_load_it_ends_after_the_last_fault_or_with_the_newest_sample() -> None:
    assert end(None) == end(None, others=[7.0]) == 500.0
    assert end(None, faults=[20.0, 90.0], others=[95.0]) == 98.0


def test_of_a_load_longer_than_the_window_the_end_is_shown() -> None:
    assert end((10.0, 400.0), faults=[20.0], others=[401.0]) == 403.0
