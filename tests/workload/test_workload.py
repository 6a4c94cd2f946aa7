from __future__ import annotations

import pickle
import subprocess
import sys
from itertools import count
from typing import Any

import pytest

from resilkit.errors import InvalidArgument
from resilkit.workload import Operation, User, Workload, arrivals


async def nothing(user):
    pass


ONE = [Operation("nothing", nothing)]


def test_a_workload_says_which_loop_it_is():
    assert Workload(ONE, arrivals.poisson(5)).loop == "open"
    assert Workload(ONE, arrivals.closed(5)).loop == "closed"
    assert Workload(ONE, arrivals.closed(5)).plan(1, 1.0)[0].loop == "closed"


@pytest.mark.parametrize(
    ("path", "make"),
    [
        ("operations", lambda: Workload([], arrivals.poisson(5))),
        ("operations", lambda: Workload(ONE[0], arrivals.poisson(5))),
        ("operations", lambda: Workload(None, arrivals.poisson(5))),
        ("operations[1]", lambda: Workload([*ONE, nothing], arrivals.poisson(5))),
        ("operations[1].name", lambda: Workload(ONE * 2, arrivals.poisson(5))),
        ("operations", lambda: Workload([Operation("a", nothing, weight=0)], arrivals.poisson(5))),
        ("arrivals", lambda: Workload(ONE, 500)),
        ("arrivals", lambda: Workload(ONE, None)),
        ("generators", lambda: Workload(ONE, arrivals.poisson(5), generators=0)),
        ("generators", lambda: Workload(ONE, arrivals.poisson(5), generators=1.5)),
        ("generators", lambda: Workload(ONE, arrivals.closed(2), generators=3)),
        ("users", lambda: Workload(ONE, arrivals.closed(2), users=2)),
        ("users", lambda: Workload(ONE, arrivals.poisson(5), users=2, generators=3)),
        ("users", lambda: Workload(ONE, arrivals.poisson(5), users=10**12)),
        ("max_in_flight", lambda: Workload(ONE, arrivals.poisson(5), max_in_flight=10**400)),
        ("max_in_flight", lambda: Workload(ONE, arrivals.poisson(5), max_in_flight=0)),
        ("drain", lambda: Workload(ONE, arrivals.poisson(5), drain=-1)),
        ("duration", lambda: Workload(ONE, arrivals.poisson(5)).plan(1, 0)),
        ("seed", lambda: Workload(ONE, arrivals.poisson(5)).plan("x", 1)),
    ],
    ids=count(),
)
def test_a_bad_workload_is_refused_with_the_path(path, make):
    with pytest.raises(InvalidArgument) as caught:
        make()
    assert caught.value.path == path


def test_the_plans_share_users_and_room_and_leave_out_what_weighs_nothing():
    operations = [*ONE, Operation("never", nothing, weight=0)]
    workload = Workload(operations, arrivals.constant(30), users=7, generators=3, max_in_flight=100)
    plans = workload.plan(seed=5, duration=2)
    assert [plan.generator for plan in plans] == ["g1", "g2", "g3"]
    assert [plan.users for plan in plans] == [(0, 3, 6), (1, 4), (2, 5)]
    assert {plan.max_in_flight for plan in plans} == {34}
    assert [operation.name for operation in plans[0].operations] == ["nothing"]


def test_an_open_loop_has_one_user_a_generator_unless_told_otherwise():
    assert Workload(ONE, arrivals.poisson(5), generators=2).users == 2


def test_a_plan_travels():
    workload = Workload([Operation.call("bank", "move", 1)], arrivals.closed(5))
    [plan] = workload.plan(1, 1.0)
    assert pickle.loads(pickle.dumps(plan)) == plan


def test_a_workload_describes_itself_as_plain_data():
    about = Workload(ONE, arrivals.closed(5)).describe()
    assert about["loop"] == "closed"
    assert about["arrivals"] == {"kind": "closed", "users": 5, "think_time": 0.0}
    assert about["operations"] == [{"name": "nothing", "weight": 1.0, "function": "nothing"}]


def test_a_workload_shows_what_is_done_and_when():
    made = [Operation(f"op{number}", nothing, weight=number) for number in range(8)]
    shown = repr(Workload(made[:3], arrivals.burst(0, 50, every=2, length=0.5), generators=2))
    assert shown == (
        "<Workload op0 0 %, op1 33.3 %, op2 66.7 %; open loop, "
        "burst(base=0, peak=50, every=2, length=0.5, gaps='even'), 2 generators>"
    )
    ramp = arrivals.stages([(number + 1, 5) for number in range(100)])
    shown = repr(Workload(made, ramp, users=9))
    assert "op5 17.9 %, 2 more; open loop, stages(steps=[[1.0, 5.0]" in shown
    assert shown.endswith("9 users>")
    assert len(shown) < 300
    assert "closed loop, closed(users=3, think_time=0)" in repr(Workload(made, arrivals.closed(3)))


def test_a_generator_can_import_it_without_the_heavy_libraries():
    code = (
        "import sys, resilkit.workload, resilkit.history;"
        "heavy = ('numpy', 'pandas', 'scipy', 'matplotlib', 'hypothesis', 'psutil');"
        "print([module for module in heavy if module in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", [None, 3, "", "x" * 256, "a\0n2"])
def test_a_user_looks_up_nothing_that_can_be_no_name(name: Any) -> None:
    class Client:
        def whereis(self, name: str, /) -> Any:
            raise AssertionError(name)

    with pytest.raises(InvalidArgument, match=r"name: must be a name, got .*1 to 255 characters"):
        User(0, client=Client()).whereis(name)
