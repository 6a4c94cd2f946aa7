"""When a threshold is raised and when it is over, sample by sample."""

from __future__ import annotations

import math
from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from resilkit.metrics import Crossings, Threshold

ABOVE = Threshold.parse("queue_length > 10")


def fed(
    crossings: Crossings, samples: Iterable[tuple[float, float]], server: str = "a"
) -> list[tuple[str, float]]:
    """Feed samples of one line; return what they changed and when."""
    found = [crossings.feed(time, "n1", server, value) for time, value in samples]
    return [(each.event, each.time) for each in found if each is not None]


def test_it_is_raised_once_and_over_once() -> None:
    samples = enumerate([1, 20, 30, 20, 5, 5, 40, 3])
    expected = [("raised", 1.0), ("over", 4.0), ("raised", 6.0), ("over", 7.0)]
    assert fed(Crossings(ABOVE), samples) == expected


def test_with_a_hold_only_what_lasts_is_raised() -> None:
    samples = list(enumerate([20, 20, 5, 20, 20, 20, 20, 5]))
    assert fed(Crossings(ABOVE, hold=3.0), samples) == [("raised", 6.0), ("over", 7.0)]
    assert fed(Crossings(ABOVE, hold=3.5), samples) == []


def test_each_line_has_a_hold_of_its_own() -> None:
    crossings = Crossings(ABOVE, hold=1.0)
    assert fed(crossings, [(0.0, 20)], "a") == []
    assert fed(crossings, [(1.0, 20)], "b") == []
    assert fed(crossings, [(1.0, 20)], "a") == [("raised", 1.0)]
    assert [(each.server, each.since) for each in crossings.standing] == [("a", 0.0)]


def test_samples_that_are_missing_begin_the_hold_anew_and_end_nothing() -> None:
    crossings = Crossings(ABOVE, hold=2.0, gap=1.5)
    assert fed(crossings, [(0.0, 20), (5.0, 20), (6.0, 20)]) == []
    assert fed(crossings, [(7.0, 20), (20.0, 20), (21.0, 1)]) == [("raised", 7.0), ("over", 21.0)]


def test_nan_says_nothing_and_neither_does_a_sample_that_comes_late() -> None:
    samples = [(0.0, 20), (1.0, math.nan), (2.0, 20), (1.5, 1), (3.0, 1)]
    assert fed(Crossings(ABOVE, hold=2.0), samples) == [("raised", 2.0), ("over", 3.0)]


def test_what_is_over_tells_since_when_and_how_far_it_was_out() -> None:
    below = Crossings(Threshold.parse("cpu < 1"))
    found = [below.feed(time, "n1", "", value) for time, value in enumerate([0.5, 0.2, 0.7, 1.5])]
    raised, over = (each for each in found if each is not None)
    assert (raised.value, raised.since, raised.worst, raised.why) == (0.5, 0.0, 0.5, "")
    assert (over.value, over.since, over.worst, over.why) == (1.5, 0.0, 0.2, "back")


def test_lines_that_it_is_not_about_are_left_alone() -> None:
    crossings = Crossings(Threshold.parse("queue_length[a] > 1"))
    assert crossings.feed(0.0, "n1", "b", 99) is None
    assert crossings.standing == []


def test_lines_that_go_are_over_where_they_were_raised() -> None:
    crossings = Crossings(ABOVE)
    held = Crossings(ABOVE, hold=9.0)
    for one in (crossings, held):
        fed(one, [(0.0, 20)], "a")
        fed(one, [(0.0, 30)], "b")
    [ended] = crossings.end(2.0, "gone", lambda _, server: server == "b")
    assert (ended.event, ended.time, ended.server, ended.why) == ("over", 2.0, "b", "gone")
    assert [each.server for each in crossings.standing] == ["a"]
    assert held.end(2.0, "gone") == []
    assert fed(held, [(9.5, 20)], "a") == [], "it was forgotten"


@given(st.lists(st.integers(0, 20), max_size=40), st.integers(0, 5))
def test_raised_and_over_take_turns_and_a_raise_has_held(values: list[int], hold: int) -> None:
    crossings = Crossings(ABOVE, hold=float(hold))
    found = fed(crossings, enumerate(values))
    assert [event for event, _ in found] == (["raised", "over"] * len(found))[: len(found)]
    for event, time in found:
        if event == "raised":
            assert all(value > 10 for value in values[int(time) - hold : int(time) + 1])
