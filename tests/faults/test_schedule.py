"""When faults strike: at, every, count, random."""

from __future__ import annotations

from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilkit.errors import InvalidArgument
from resilkit.faults import NodePause, schedule
from resilkit.rng import stream


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, [0.0]),
        ({"at": 3.0}, [3.0]),
        ({"at": 10.0}, []),
        ({"every": 4.0}, [4.0, 8.0]),
        ({"every": 5.0}, [5.0]),
        ({"at": 0.0, "every": 4.0}, [0.0, 4.0, 8.0]),
        ({"at": 1.0, "every": 4.0}, [1.0, 5.0, 9.0]),
        ({"at": 1.0, "every": 4.0, "count": 2}, [1.0, 5.0]),
        ({"every": 2.0, "count": 2}, [2.0, 4.0]),
        ({"count": 1}, [0.0]),
    ],
)
def test_moments_of_a_run_of_ten_seconds(fields, expected):
    assert list(schedule(NodePause(**fields), 10.0, stream(1))) == expected


def test_moments_do_not_drift():
    assert list(schedule(NodePause(every=0.1), 20.0, stream(1)))[99] == pytest.approx(
        10.0, abs=1e-12
    )


fields = st.fixed_dictionaries(
    {},
    optional={
        "at": st.none() | st.floats(0, 30),
        "every": st.floats(0.1, 30),
        "random": st.booleans(),
        "count": st.integers(1, 20),
    },
).filter(lambda given: "count" not in given or "every" in given or given.get("random"))


@given(fields=fields, duration=st.floats(0, 60), seed=st.integers(0, 2**31))
def test_moments_are_ordered_within_the_run_at_most_count_and_the_same_by_seed(
    fields, duration, seed
):
    fault = NodePause(**fields)
    moments = list(schedule(fault, duration, stream(seed)))
    assert moments == sorted(moments)
    assert all((fault.at or 0.0) <= moment < duration for moment in moments)
    assert fault.count is None or len(moments) <= fault.count
    assert moments == list(schedule(fault, duration, stream(seed)))


@given(fields=fields, short=st.floats(0, 30), more=st.floats(0, 30), seed=st.integers(0, 2**31))
def test_a_longer_run_begins_like_a_shorter_one(fields, short, more, seed):
    fault = NodePause(**fields)
    if fault.random and fault.every is None:  # moments spread over the whole run: they must differ
        return
    first = list(schedule(fault, short, stream(seed)))
    longer = schedule(fault, short + more, stream(seed))
    assert list(islice(longer, len(first))) == first


def test_random_gaps_have_the_mean_every_and_differ():
    moments = list(schedule(NodePause(every=2.0, random=True), 4000.0, stream(5)))
    assert len(moments) == pytest.approx(2000, rel=0.1)
    gaps = [later - earlier for earlier, later in pairwise(moments)]
    # Of exponential gaps, 63 % are below the mean; of regular ones none or all.
    assert sum(gap < 2.0 for gap in gaps) / len(gaps) == pytest.approx(0.632, abs=0.05)


def test_random_moments_are_as_many_as_count_and_spread_over_the_run():
    moments = list(schedule(NodePause(at=10.0, count=500, random=True), 20.0, stream(5)))
    assert len(moments) == 500
    assert sum(moment < 15.0 for moment in moments) == pytest.approx(250, abs=50)


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"count": 2}, "NodePause.count"),
        ({"count": 0, "every": 1.0}, "NodePause.count"),
        ({"every": 0.0}, "NodePause.every"),
        ({"every": -1.0}, "NodePause.every"),
        ({"at": -1.0}, "NodePause.at"),
        ({"at": float("nan")}, "NodePause.at"),
        ({"duration": 0.0}, "NodePause.duration"),
        ({"duration": float("inf")}, "NodePause.duration"),
        ({"probability": 1.1}, "NodePause.probability"),
        ({"random": 1}, "NodePause.random"),
        ({"at": "5 s"}, "NodePause.at"),
    ],
)
def test_a_schedule_that_means_nothing_is_refused(fields, path):
    with pytest.raises(InvalidArgument, match=f"^{path}: "):
        NodePause(**fields)
