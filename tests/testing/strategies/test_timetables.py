"""When faults strike: within the run, healed when they must be, and the least is at once."""

from __future__ import annotations

from typing import Any

import pytest

from resilkit import faults
from resilkit.chaos.fitting import check_moments
from resilkit.errors import InvalidArgument
from resilkit.faults import schedule
from resilkit.rng import stream
from resilkit.testing import strategies as rst
from tests.testing.strategies.drawing import drawn, least


@pytest.mark.parametrize("duration", [0.1, 1.0, 7.3, 3600.0])
def test_every_strike_comes_before_the_end_of_the_run(duration: float) -> None:
    for table in drawn(rst.timetables(duration=duration), examples=150):
        fault = faults.NodePause(**table)
        check_moments(fault, duration, "fault")
        moments = list(schedule(fault, duration, stream(7)))
        assert len(moments) == table.get("count", 1)
        assert moments[-1] < 0.99 * duration


@pytest.mark.parametrize("quiet", [0.5, 2.0, 9.8])
def test_all_has_healed_when_it_is_to_be_quiet(quiet: float) -> None:
    for table in drawn(rst.timetables(quiet=quiet), examples=150):
        last = table["at"] + table.get("every", 0.0) * (table.get("count", 1) - 1)
        assert last + table["duration"] <= 10.0 - quiet + 1e-9


def test_a_strike_heals_before_the_next() -> None:
    again = [table for table in drawn(rst.timetables(), examples=150) if "every" in table]
    assert {table["count"] for table in again} == {2, 3}
    assert all(table["duration"] <= table["every"] for table in again)


def test_one_strike_alone_may_last_to_the_end() -> None:
    found = drawn(rst.timetables(max_repeats=1), examples=100)
    assert {"duration" in table for table in found} == {True, False}
    assert not any("every" in table for table in found)


def test_moments_have_no_digits_that_nobody_wrote() -> None:
    for table in drawn(rst.timetables(duration=7.0)):
        assert len(repr(table["at"])) <= 4


def test_it_shrinks_to_one_strike_at_once() -> None:
    assert least(rst.timetables()) == {"at": 0.0}
    assert least(rst.timetables(), lambda table: table.get("count", 0) > 2) == {
        "at": 0.0, "every": 0.1, "count": 3, "duration": 0.1
    }  # fmt: skip


BAD: dict[str, dict[str, Any]] = {
    "duration": {"duration": 0.05},
    "quiet": {"duration": 1.0, "quiet": 1.0},
    "max_repeats": {"max_repeats": 0},
}


@pytest.mark.parametrize("path", BAD)
def test_a_bad_option_is_refused_where_it_is_written(path: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        rst.timetables(**BAD[path])
    assert refused.value.path == path
    assert refused.value.allowed
