"""How a workload shows itself: its mix, and its rate as a picture."""

from __future__ import annotations

import re

import pytest

from resilkit.workload import Operation, Workload, arrivals
from resilkit.workload.display_workload import rate_picture
from tests.seen import HOSTILE, seen


def points(picture: str) -> list[tuple[float, float]]:
    (line,) = re.findall(r'<polyline points="([^"]+)"', picture)
    return [tuple(map(float, pair.split(","))) for pair in line.split()]  # type: ignore[misc]


async def act(user: object) -> None:
    """Do nothing."""


def test_a_workload_shows_the_share_of_each_operation_and_what_it_does() -> None:
    get = Operation.call("counter", "get", weight=1.0, name=HOSTILE)
    workload = Workload([get, Operation("act", act, weight=3.0)], arrivals.poisson(500), users=4)
    text = seen(workload)
    assert f"{HOSTILE} 25 % counter.get 5 s" in text
    assert "act 75 % act(user) –" in text
    assert "open loop: poisson(rate=500)" in text
    assert "1 generator, 4 users" in text


@pytest.mark.parametrize(
    ("given", "label"),
    [
        (arrivals.constant(40), "per second over 10 s: from 40 to 40, at most 40"),
        (arrivals.stages([(8, 100)]), "per second over 9.2 s: from 0 to 100, at most 100"),
        (
            arrivals.burst(10, 90, every=4, length=1),
            "per second over 10 s: from 10 to 10, at most 90",
        ),
        (arrivals.closed([(4, 20)]), "users over 4.6 s: from 0 to 20, at most 20"),
    ],
)
def test_the_picture_tells_the_rate_also_to_those_who_cannot_see_it(given, label) -> None:
    assert f'aria-label="{label}"' in rate_picture(given)


def test_the_line_rises_where_the_rate_does_and_stays_within_the_picture() -> None:
    line = points(rate_picture(arrivals.stages([(10, 100), (0, 400), (5, 400)])))
    heights = [y for _, y in line]
    assert heights == sorted(heights, reverse=True)
    assert len({x for x, y in line if y == min(heights)}) >= 2
    assert all(0 <= x <= 300 and 0 <= y <= 96 for x, y in line)


def test_a_burst_that_comes_very_often_makes_no_endless_picture() -> None:
    often = arrivals.burst(1, 2, every=0.001, length=0.0005)
    assert len(points(rate_picture(often, 3600.0))) < 300
