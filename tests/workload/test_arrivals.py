from __future__ import annotations

from itertools import count, islice, pairwise, takewhile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilkit.errors import InvalidArgument
from resilkit.rng import stream
from resilkit.workload import arrivals


def _until(made, end, **options):
    return list(takewhile(lambda t: t < end, made.schedule(stream(7), until=end, **options)))


def test_constant_operations_are_evenly_spaced_and_do_not_drift():
    times = list(islice(arrivals.constant(3).schedule(stream(7)), 300_001))
    assert times[:3] == [0, 1 / 3, 2 / 3]
    assert times[-1] == 100_000


def test_stages_go_in_straight_lines_and_hold_the_last_rate():
    made = arrivals.stages([(10, 100), (10, 100), (0, 10)])
    times = _until(made, 30)
    counts = [sum(begin <= t < begin + 5 for t in times) for begin in range(0, 30, 5)]
    assert counts == pytest.approx([125, 375, 500, 500, 50, 50], abs=1)


def test_stages_can_start_from_a_rate():
    assert len(_until(arrivals.stages([(10, 0)], initial=10), 20)) == pytest.approx(50, abs=1)


def test_bursts_come_after_a_calm_and_last_as_long_as_they_should():
    times = _until(arrivals.burst(10, 100, every=10, length=2), 24)
    assert sum(t < 10 for t in times) == 100
    assert sum(10 <= t < 12 for t in times) == 200
    assert sum(12 <= t < 20 for t in times) == 80
    assert sum(20 <= t < 22 for t in times) == 200


@pytest.mark.parametrize(
    ("made", "rates", "most"),
    [
        (arrivals.constant(20), {0: 20, 99: 20}, 20),
        (arrivals.poisson(20), {0: 20, 99: 20}, 20),
        (arrivals.stages([(10, 50), (0, 5)], initial=20), {0: 20, 5: 35, 10: 5, 99: 5}, 50),
        (arrivals.burst(10, 40, every=10, length=2), {9.9: 10, 10: 40, 12: 10, 31: 40}, 40),
        (arrivals.burst(40, 10, every=10, length=2), {0: 40, 11: 10}, 40),
    ],
)
def test_the_rate_at_each_moment_is_known_and_the_highest_of_them(made, rates, most):
    assert {time: made.rate_at(time) for time in rates} == pytest.approx(rates)
    assert made.most == most


def test_a_base_of_nothing_leaves_only_the_bursts():
    times = _until(arrivals.burst(0, 100, every=10, length=1), 30)
    assert len(times) == 200
    assert all(t % 10 < 1 for t in times)


def test_poisson_gaps_are_exponential():
    times = list(islice(arrivals.poisson(100).schedule(stream(7)), 20_000))
    gaps = [right - left for left, right in pairwise(times)]
    mean = sum(gaps) / len(gaps)
    assert mean == pytest.approx(0.01, rel=0.03)
    variance = sum((gap - mean) ** 2 for gap in gaps) / len(gaps)
    assert variance == pytest.approx(0.01**2, rel=0.08)


def test_poisson_stages_follow_the_rate():
    times = _until(arrivals.stages([(10, 400)], gaps="poisson"), 10)
    assert len(times) == pytest.approx(2000, rel=0.1)
    assert sum(t < 5 for t in times) == pytest.approx(500, rel=0.2)


@pytest.mark.parametrize(
    "made",
    [
        arrivals.constant(7),
        arrivals.stages([(3, 20), (0, 5), (4, 0), (1, 9)]),
        arrivals.burst(3, 11, every=2, length=0.5),
    ],
)
@pytest.mark.parametrize("parts", [2, 3])
def test_the_parts_of_even_arrivals_are_just_the_whole(made, parts):
    dealt = [_until(made, 20, part=part, parts=parts) for part in range(parts)]
    assert sorted(t for part in dealt for t in part) == pytest.approx(_until(made, 20))
    assert max(map(len, dealt)) - min(map(len, dealt)) <= 1


def test_the_parts_of_poisson_arrivals_share_the_rate():
    made = arrivals.poisson(300)
    assert len(_until(made, 50, part=1, parts=3)) == pytest.approx(5000, rel=0.05)


def test_a_schedule_can_start_later_be_scaled_and_be_moved():
    made = arrivals.constant(10)
    assert _until(made, 1, start=0.5) == pytest.approx([0.5, 0.6, 0.7, 0.8, 0.9])
    assert _until(made, 1, factor=0.5) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8])
    assert list(islice(made.schedule(stream(7), origin=100), 2)) == [100, 100.1]
    assert _until(made, 1, factor=0) == []


_rates = st.floats(0, 1000)
_steps = st.lists(st.tuples(st.floats(0, 20), _rates), min_size=1, max_size=6).filter(
    lambda steps: any(rate > 0 for _, rate in steps)
)


@given(_steps, _rates, st.floats(0.01, 60))
def test_even_arrivals_are_as_many_as_the_rate_counts_and_in_order(steps, initial, end):
    made = arrivals.stages(steps, initial=initial)
    wanted = made.count(0, end)
    times = list(islice(takewhile(lambda t: t < end, made.schedule(stream(7), until=end)), 80_000))
    assert times == sorted(times)
    assert len(times) == pytest.approx(wanted, abs=1.001)


@given(_steps, st.floats(0, 30), st.floats(0, 30))
def test_counts_add_up(steps, left, right):
    made = arrivals.stages(steps)
    whole = made.count(0, left + right)
    assert made.count(0, left) + made.count(left, left + right) == pytest.approx(whole, abs=1e-6)


def test_closed_users_ramp_in_straight_lines():
    made = arrivals.closed([(10, 50), (10, 50), (5, 0)], think_time=(0.1, 0.2))
    assert [made.active(t) for t in (0, 5, 10, 15, 22.5, 30)] == [0, 25, 50, 50, 25, 0]
    assert made.most == 50
    assert arrivals.closed(5).active(99) == 5


@pytest.mark.parametrize(
    ("path", "make"),
    [
        ("rate", lambda: arrivals.constant(0)),
        ("rate", lambda: arrivals.constant(-1)),
        ("rate", lambda: arrivals.poisson(float("nan"))),
        ("rate", lambda: arrivals.poisson(float("inf"))),
        ("rate", lambda: arrivals.constant(1_000_001)),
        ("rate", lambda: arrivals.poisson(1e308)),
        ("peak", lambda: arrivals.burst(1, 2**70, every=2, length=1)),
        ("steps[0].rate", lambda: arrivals.stages([(1, 1e9)])),
        ("initial", lambda: arrivals.stages([(1, 1)], initial=1e9)),
        ("rate", lambda: arrivals.poisson("many")),
        ("steps", lambda: arrivals.stages([])),
        ("steps", lambda: arrivals.stages([(1, 0)])),
        ("steps", lambda: arrivals.stages(5)),
        ("steps[1]", lambda: arrivals.stages([(1, 5), 3])),
        ("steps[1].rate", lambda: arrivals.stages([(1, 5), (1, -2)])),
        ("steps[0].duration", lambda: arrivals.stages([(-1, 5)])),
        ("gaps", lambda: arrivals.stages([(1, 5)], gaps="random")),
        ("initial", lambda: arrivals.stages([(1, 5)], initial=-1)),
        ("base", lambda: arrivals.burst(-1, 5, every=2, length=1)),
        ("peak", lambda: arrivals.burst(1, 0, every=2, length=1)),
        ("length", lambda: arrivals.burst(1, 5, every=2, length=2)),
        ("every", lambda: arrivals.burst(1, 5, every=0, length=2)),
        ("users", lambda: arrivals.closed(0)),
        ("users", lambda: arrivals.closed(10**9)),
        ("users", lambda: arrivals.closed(10**400)),
        ("users[0].users", lambda: arrivals.closed([(1, 10**9)])),
        ("users", lambda: arrivals.closed(True)),
        ("users", lambda: arrivals.closed([])),
        ("users", lambda: arrivals.closed("all")),
        ("users[0].users", lambda: arrivals.closed([(1, 2.5)])),
        ("think_time", lambda: arrivals.closed(1, think_time=-1)),
        ("think_time[1]", lambda: arrivals.closed(1, think_time=(2, 1))),
        ("think_time", lambda: arrivals.closed(1, think_time=(1, 2, 3))),
    ],
    ids=count(),
)
def test_bad_arrivals_are_refused_with_the_path(path, make):
    with pytest.raises(InvalidArgument) as caught:
        make()
    assert caught.value.path == path


@pytest.mark.parametrize(
    "made",
    [
        arrivals.constant(5),
        arrivals.poisson(5),
        arrivals.stages([(1, 5), (2, 3)], initial=1, gaps="poisson"),
        arrivals.burst(1, 5, every=3, length=1),
        arrivals.closed(5, think_time=(0.1, 0.2)),
        arrivals.closed([(1, 5)]),
    ],
)
def test_a_description_is_read_back(made):
    assert arrivals.parse(made.describe()) == made


@pytest.mark.parametrize(
    ("path", "about"),
    [
        ("load.kind", {"rate": 5}),
        ("load.kind", {"kind": "poison", "rate": 5}),
        ("load.rte", {"kind": "poisson", "rte": 5}),
        ("load.users", {"kind": "poisson", "rate": 5, "users": 3}),
        ("load.rate", {"kind": "poisson"}),
        ("load.rate", {"kind": "poisson", "rate": -5}),
        ("load.steps[0].rate", {"kind": "stages", "steps": [[1, -5]]}),
        ("load", [1]),
    ],
    ids=count(),
)
def test_a_bad_description_is_refused_with_the_path(path, about):
    with pytest.raises(InvalidArgument) as caught:
        arrivals.parse(about, "load")
    assert caught.value.path == path
