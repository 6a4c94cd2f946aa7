from __future__ import annotations

import asyncio
import functools
from itertools import count

import pytest

from resilkit.errors import InvalidArgument
from resilkit.workload import CallMethod, Operation, User, values
from tests.workload.fakes import FakeClient


async def deposit(user):
    return user.index


class Bank:
    def __init__(self):
        self.seen = []

    def move(self, *args, **kwargs):
        self.seen.append((args, kwargs))
        return "moved"


def _do(operation, user):
    return asyncio.run(operation.function(user))


def test_a_call_finds_the_server_by_its_name_every_time():
    old, new = Bank(), Bank()
    client = FakeClient(bank=old)
    operation = Operation.call("bank", "move", 1)
    user = User(0, client=client)
    assert _do(operation, user) == "moved"
    client.servers["bank"] = new
    _do(operation, user)
    assert (len(old.seen), len(new.seen)) == (1, 1)


def test_arguments_that_are_callable_are_called_with_the_user():
    bank = Bank()
    operation = Operation.call(
        lambda user: f"bank-{user.index % 2}",
        "move",
        lambda user: user.index,
        7,
        by=lambda user: user.state.setdefault("by", 5),
    )
    _do(operation, User(3, client=FakeClient(**{"bank-1": bank})))
    assert bank.seen == [((3, 7), {"by": 5})]


def test_a_call_hands_its_timeout_to_the_reference():
    seen = []

    class Client:
        def whereis(self, name):
            return self

        def with_timeout(self, timeout):
            seen.append(timeout)
            return FakeClient(bank=Bank()).whereis("bank")

    _do(Operation.call("bank", "move", timeout=0.5), User(0, client=Client()))
    _do(Operation.call("bank", "move", timeout=None), User(0, client=Client()))
    assert seen == [0.5, None]


def test_the_name_is_the_methods_unless_told_otherwise():
    assert Operation.call("bank", "move").name == "move"
    assert Operation.call("bank", "move", name="transfer").name == "transfer"


@pytest.mark.parametrize("weight", [-0.1, float("nan"), float("inf"), "1", None, True])
def test_a_bad_weight_is_refused(weight):
    with pytest.raises(InvalidArgument, match="weight"):
        Operation("deposit", deposit, weight=weight)


@pytest.mark.parametrize("name", ["", " x", "a[b]", "line\nbreak", "x" * 65, 3, None])
def test_a_bad_name_is_refused(name):
    with pytest.raises(InvalidArgument, match="name: is no name"):
        Operation(name, deposit)


def test_a_function_that_blocks_is_refused():
    with pytest.raises(InvalidArgument, match="function: must be async"):
        Operation("deposit", lambda user: user.index)
    with pytest.raises(InvalidArgument, match="function: must be callable"):
        Operation("deposit", "deposit")


def test_partials_and_objects_with_an_async_call_are_async():
    class Deposit:
        async def __call__(self, user):
            return "called"

    async def add(amount, user):
        return amount

    assert _do(Operation("a", Deposit()), User(0)) == "called"
    assert _do(Operation("b", functools.partial(add, 7)), User(0)) == 7


@pytest.mark.parametrize(
    ("path", "arguments", "options"),
    [
        ("target", ("", "move"), {}),
        ("target", (3, "move"), {}),
        ("target", ("\0", "move"), {}),
        ("target", ("\ud800", "move"), {}),
        ("target", ("a\nb", "move"), {}),
        ("target", ("x" * 10_000, "move"), {}),
        ("method", ("bank", "_private"), {}),
        ("method", ("bank", "not a name"), {}),
        ("method", ("bank", 3), {}),
        ("timeout", ("bank", "move"), {"timeout": 0}),
        ("timeout", ("bank", "move"), {"timeout": float("nan")}),
    ],
    ids=count(),
)
def test_a_bad_call_is_refused(path, arguments, options):
    with pytest.raises(InvalidArgument) as caught:
        Operation.call(*arguments, **options)
    assert caught.value.path == path


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("target", {"target": 3}),
        ("method", {"method": "_private"}),
        ("args", {"args": [1]}),
        ("kwargs", {"kwargs": {"by": 1}}),
        ("kwargs", {"kwargs": (("by",),)}),
        ("timeout", {"timeout": -1}),
        ("timeout", {"timeout": float("inf")}),
    ],
    ids=count(),
)
def test_a_bad_call_that_is_made_by_itself_is_refused_too(path, fields):
    with pytest.raises(InvalidArgument) as caught:
        CallMethod(**{"target": "bank", "method": "move", **fields})
    assert caught.value.path == path


def test_an_operation_describes_itself_as_plain_data():
    assert Operation.call("bank", "move", weight=2).describe() == {
        "name": "move",
        "weight": 2.0,
        "target": "bank",
        "method": "move",
        "timeout": 5.0,
    }
    assert Operation("deposit", deposit).describe()["function"] == "deposit"


def test_a_user_draws_the_same_numbers_wherever_it_lives():
    assert (
        User(3, seed=7, generator="g1").rng.random() == User(3, seed=7, generator="g9").rng.random()
    )
    assert User(3, seed=7).rng.random() != User(3, seed=8).rng.random()


def test_a_user_outside_a_generator_says_that_it_has_no_client():
    with pytest.raises(LookupError, match="no client"):
        User(0).whereis("bank")


def test_values_are_drawn_from_the_users_own_stream():
    user, again = User(1, seed=7), User(1, seed=7)
    for draw in (
        values.choice("abc"),
        values.integer(1, 1000),
        values.number(0, 1),
        values.key(100),
        values.key(100, skew=1.0),
    ):
        assert draw(user) == draw(again)
    assert {values.integer(1, 3)(user) for _ in range(100)} == {1, 2, 3}


def test_a_skewed_key_is_drawn_in_proportion():
    user = User(0, seed=7)
    drawn = [values.key(3, prefix="", skew=1.0)(user) for _ in range(6000)]
    shares = [drawn.count(str(i)) / 6000 for i in range(3)]
    assert shares == pytest.approx([6 / 11, 3 / 11, 2 / 11], abs=0.03)


def test_serials_never_repeat_in_a_workload():
    users = [User(0), User(1), User(11)]
    drawn = [values.serial()(user) for user in users for _ in range(12)]
    assert len(set(drawn)) == len(drawn)


@pytest.mark.parametrize(
    "make",
    [
        lambda: values.choice([]),
        lambda: values.choice(3),
        lambda: values.key(10**9),
        lambda: values.key(3, prefix=None),
        lambda: values.serial(3),
        lambda: values.integer(3, 2),
        lambda: values.number(3, 2),
        lambda: values.key(0),
        lambda: values.key(3, skew=-1),
    ],
    ids=count(),
)
def test_bad_values_are_refused(make):
    with pytest.raises(InvalidArgument):
        make()
