"""Loads that are lists: exactly these operations, at their instants, with what they draw."""

from __future__ import annotations

import asyncio
from itertools import count

import pytest

import resilkit as rk
from resilkit.errors import InvalidArgument
from resilkit.workload import Operation, Workload, arrivals
from resilkit.workload.draws import NotedDraws, Redraws, noted_draws
from resilkit.workload.due import due
from resilkit.workload.pace import Pace
from tests.workload.fakes import FakeClient, run

START = 1001.0


async def draw(user):
    return user.rng.randrange(1_000_000), user.rng.random()


# `run` is on a virtual_loop: a sleep costs nothing, and ends when it says.
async def wait(user):
    await asyncio.sleep(0.3)


async def count_up(user):
    user.state["number"] = user.state.get("number", 0) + 1
    return user.state["number"]


def workload(entries, *, loop="open", **more):
    operations = [Operation("draw", draw), Operation("wait", wait), Operation("count", count_up)]
    return Workload(operations, arrivals.explicit(entries, loop=loop), **more)


def rows(history):
    ordered = sorted(history, key=lambda row: (row.intended, row.user))
    return [(round(row.intended - START, 6), row.operation, row.user) for row in ordered]


def test_each_operation_is_sent_at_its_instant_for_its_user():
    history, [report] = run(workload([(0.7, "count", 1), (0.2, "draw"), (0.7, "wait", 2)]))
    assert rows(history) == [(0.2, "draw", 0), (0.7, "count", 1), (0.7, "wait", 2)]
    assert {row.status for row in history} == {"ok"}
    assert (report.intended, report.sent, report.loop) == (3, 3, "open")


def test_an_operation_that_waits_keeps_no_other_back_in_an_open_list():
    history, _ = run(workload([(0.1, "wait"), (0.2, "count")]))
    assert [row.operation for row in history] == ["count", "wait"]
    assert all(row.sent == row.intended for row in history)


def test_a_user_of_a_closed_list_does_one_at_a_time_and_counts_from_the_sending():
    entries = [(0.1, "wait"), (0.2, "count"), (0.2, "count", 1), (0.25, "count")]
    history, [report] = run(workload(entries, loop="closed"))
    assert rows(history) == [
        (0.1, "wait", 0), (0.2, "count", 1), (0.4, "count", 0), (0.4, "count", 0),
    ]  # fmt: skip
    assert report.loop == "closed"


def test_users_have_their_own_state_and_it_lasts():
    history, _ = run(workload([(0.1, "count"), (0.2, "count", 1), (0.3, "count")]))
    assert [row.value for row in history] == [1, 1, 2]


def test_without_draws_a_user_draws_as_in_any_load():
    history, _ = run(workload([(0.1, "draw", 3), (0.2, "draw", 3)]), seed=7)
    rng = rk.User(3, seed=7).rng
    expected = [(rng.randrange(1_000_000), rng.random()) for _ in range(2)]
    assert [row.value for row in history] == expected


def test_a_number_draws_the_same_for_every_user_and_seed():
    one, _ = run(workload([(0.1, "draw", 0, 5), (0.2, "draw", 1, 6)]), seed=7)
    other, _ = run(workload([(0.1, "draw", 4, 5), (0.2, "draw", 0, 6)]), seed=8)
    assert [row.value for row in one] == [row.value for row in other]
    assert one[0].value != one[1].value


def test_what_was_drawn_is_drawn_again_whatever_was_left_out():
    entries = [(0.1, "draw"), (0.2, "draw"), (0.3, "draw", 1)]
    with noted_draws() as notes:
        history, _ = run(workload(entries))
    values = [row.value for row in history]
    assert sorted(notes) == [0, 1, 2]
    left = [(*entries[1], 0, tuple(notes[1])), (0.3, "draw", 9, tuple(notes[2]))]
    again, _ = run(workload(left), seed=99)
    assert [row.value for row in again] == values[1:]


def test_draws_that_are_used_up_go_on_with_a_stream():
    rng = Redraws((0.25,))
    assert [rng.random(), rng.random()] == [0.25, Redraws(0).random()]


def test_other_draws_than_those_that_are_given_end_them():
    rng = Redraws((0.25, 0.5))
    assert rng.getrandbits(8) == Redraws(0).getrandbits(8)
    assert rng.random() not in {0.25, 0.5}
    assert Redraws((300,)).getrandbits(8) == Redraws(0).getrandbits(8)


def test_all_kinds_of_draws_come_again():
    def drawn_from(rng):
        items = list(range(50))
        rng.shuffle(items)
        return [
            items, rng.sample(range(100), 5), rng.gauss(0, 1), rng.expovariate(2.0),
            rng.choices("abc", k=4), rng.uniform(1, 2), rng.randbytes(5), rng.choice([1, 2, 3]),
        ]  # fmt: skip

    plain, notes = drawn_from(rk.User(0, seed=3).rng), []
    assert drawn_from(NotedDraws.of(rk.User(0, seed=3).rng, notes)) == plain
    assert drawn_from(Redraws(tuple(notes))) == plain


def test_generators_share_the_list_by_user():
    made = workload([(0.1, "count", user) for user in range(5)], generators=2)
    history, _ = run(made)
    assert sorted((row.generator, row.user) for row in history) == [
        ("g1", 0), ("g1", 2), ("g1", 4), ("g2", 1), ("g2", 3),
    ]  # fmt: skip
    assert made.users == 5


def test_nothing_is_sent_after_the_end_or_a_stop():
    def during(engine, loop):
        loop.call_at(START + 0.5, engine.stop)

    entries = [(0.1, "count"), (0.6, "count"), (1.5, "count")]
    assert [row[0] for row in rows(run(workload(entries))[0])] == [0.1, 0.6]
    assert [row[0] for row in rows(run(workload(entries), during=during)[0])] == [0.1]


def test_what_has_no_room_is_dropped():
    history, [report] = run(workload([(0.1, "wait"), (0.1, "wait", 1)], max_in_flight=1))
    assert sorted(row.status for row in history) == ["fail", "ok"]
    assert report.dropped == 1


def test_what_has_not_ended_when_the_drain_is_over_is_unknown():
    history, [report] = run(workload([(0.9, "wait")], drain=0.0))
    assert [row.status for row in history] == ["info"]
    assert report.unfinished == 1


def test_an_empty_list_is_a_load_that_does_nothing():
    history, [report] = run(workload([]))
    assert (len(history), report.intended) == (0, 0)


def test_weights_have_no_say():
    operations = [Operation("a", count_up, weight=0.0), Operation("b", count_up)]
    history, _ = run(Workload(operations, arrivals.explicit([(0.1, "a")])))
    assert rows(history) == [(0.1, "a", 0)]


def test_a_closed_list_drops_what_waits_when_it_is_stopped():
    def during(engine, loop):
        loop.call_at(START + 0.25, engine.stop)

    history, _ = run(workload([(0.1, "wait"), (0.2, "count")], loop="closed"), during=during)
    assert [row.operation for row in history] == ["wait"]


def test_what_a_killed_generator_was_to_do_follows_from_the_list():
    made = workload([(0.1, "draw"), (0.2, "count", 1), (0.9, "wait")], generators=2)
    first, second = made.plan(7, 0.8)
    assert list(due(first, origin=START)) == [(START + 0.1, 0, 0)]
    assert list(due(second, origin=START)) == [(START + 0.2, 2, 1)]


def test_a_list_has_no_rate_to_change():
    with pytest.raises(InvalidArgument, match="it is a list"):
        Pace(arrivals.explicit([(0.5, "a")])).checked(2.0)


def test_the_rate_of_a_list_is_that_of_its_stretches():
    made = arrivals.explicit([(number / 10, "a") for number in range(100)])
    assert made.count(0, 10) == 100
    assert made.count(2.0, 3.0) == 10
    assert made.rate_at(5.0) == pytest.approx(10, abs=4)
    assert made.rate_at(20.0) == 0
    counted = sum((end - begin) * rate for begin, end, rate, _ in made.segments() if rate)
    assert counted == pytest.approx(100)


def test_a_list_reads_as_code_and_is_read_back():
    made = arrivals.explicit(
        [(0.5, "put", 0, 3), (0.25, "get"), (1, "get", 2, (0.5, 7))], loop="closed"
    )
    assert arrivals.parse(made.describe()) == made
    assert [repr(one) for one in made.listed] == [
        "Due(0.25, 'get')",
        "Due(0.5, 'put', 0, 3)",
        "Due(1.0, 'get', 2, (0.5, 7))",
    ]


@pytest.mark.parametrize(
    ("path", "make"),
    [
        ("due", lambda: arrivals.explicit(5)),
        ("due", lambda: arrivals.explicit("ab")),
        ("due[1]", lambda: arrivals.explicit([(0.5, "a"), 3])),
        ("due[0]", lambda: arrivals.explicit([(0.5,)])),
        ("due[0]", lambda: arrivals.explicit([(0.5, "a", 0, 0, 0)])),
        ("due[0].time", lambda: arrivals.explicit([(-1, "a")])),
        ("due[0].operation", lambda: arrivals.explicit([(1, 2)])),
        ("due[0].user", lambda: arrivals.explicit([(1, "a", -1)])),
        ("due[0].draws", lambda: arrivals.explicit([(1, "a", 0, -1)])),
        ("due[0].draws[1]", lambda: arrivals.explicit([(1, "a", 0, (0.5, 1.5))])),
        ("due[0].draws[0]", lambda: arrivals.explicit([(1, "a", 0, (-1,))])),
        ("loop", lambda: arrivals.explicit([(1, "a")], loop="half")),
        ("arrivals.due[1].operation", lambda: workload([(0, "draw"), (1, "drw")])),
        ("users", lambda: workload([(0, "draw", 3)], users=2)),
    ],
    ids=count(),
)
def test_a_bad_list_is_refused_with_the_path(path, make):
    with pytest.raises(InvalidArgument) as caught:
        make()
    assert caught.value.path == path


def test_a_list_shows_how_much_of_what_there_is():
    made = workload([(0.1, "draw"), (0.2, "draw"), (0.3, "count"), (0.4, "draw")])
    assert (
        repr(made)
        == "<Workload draw 75 %, wait 0 %, count 25 %; open loop, explicit(4 operations)>"
    )
    assert "explicit(4 operations)" in made._repr_html_()


def test_a_named_call_finds_its_server():
    class Server:
        def get(self):
            return 5

    made = Workload([Operation.call("one", "get")], arrivals.explicit([(0.5, "get")]))
    history, _ = run(made, client=FakeClient(one=Server()))
    assert history[0].value == 5
