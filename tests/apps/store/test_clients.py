"""How clients choose a coordinator, and what they never try again."""

from __future__ import annotations

import asyncio
import pickle
from types import SimpleNamespace

import pytest

import resilkit as rk
from resilkit.apps.store.clients import Get, Put
from resilkit.workload.client import User

NAMES = ("coordinator-n1", "coordinator-n2", "coordinator-n3")
VERSION = (1, "w")


class Coordinators:
    """A client whose calls end as `outcomes` say, by the coordinator's name."""

    def __init__(self, **outcomes):
        self.outcomes = {f"coordinator-{node}": outcome for node, outcome in outcomes.items()}
        self.asked = []

    def whereis(self, name):
        async def answer(*args):
            self.asked.append((name, args))
            outcome = self.outcomes.get(name, VERSION)
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        reference = SimpleNamespace(call=SimpleNamespace(put=answer, get=answer))
        reference.with_timeout = lambda _: reference
        return reference


def user_of(coordinators):
    return User(3, seed=7, client=coordinators, now=lambda: 100.0)


def test_a_put_is_recorded_as_key_version_and_value():
    coordinators = Coordinators()
    key, version, value = asyncio.run(Put(NAMES, 10)(user_of(coordinators)))
    assert coordinators.asked[0][1] == (key, value)
    assert version == VERSION


def test_a_get_of_an_absent_key_is_recorded_with_none():
    absent = ((0, ""), None)
    coordinators = Coordinators(n1=absent, n2=absent, n3=absent)
    assert asyncio.run(Get(NAMES, 1)(user_of(coordinators))) == ("key-0", (0, ""), None)


def test_no_two_puts_write_the_same_value():
    user = user_of(Coordinators())
    put = Put(NAMES, 1)
    assert len({asyncio.run(put(user))[2] for _ in range(5)}) == 5


@pytest.mark.parametrize(
    "error", [rk.Refused("no"), rk.NoProcess("no"), rk.NodeDown(definite=True)]
)
def test_what_had_no_effect_moves_on_to_the_next_coordinator(error):
    coordinators = Coordinators(n1=error, n2=error)
    for _ in range(5):
        asyncio.run(Put(NAMES, 10)(user_of(coordinators)))
    assert coordinators.asked[-1][0] == "coordinator-n3"


def test_when_all_refuse_the_last_refusal_is_the_outcome():
    no = rk.Refused("no")
    coordinators = Coordinators(n1=no, n2=no, n3=no)
    with pytest.raises(rk.Refused):
        asyncio.run(Put(NAMES, 10)(user_of(coordinators)))
    assert sorted(name for name, _ in coordinators.asked) == list(NAMES)


@pytest.mark.parametrize("operation", [Put(NAMES, 10), Get(NAMES, 10)])
@pytest.mark.parametrize("error", [rk.CallTimeout(), rk.NodeDown(), rk.ServerExit()])
def test_what_nobody_knows_is_never_tried_again(operation, error):
    coordinators = Coordinators(n1=error, n2=error, n3=error)
    with pytest.raises(type(error)):
        asyncio.run(operation(user_of(coordinators)))
    assert len(coordinators.asked) == 1


def test_a_coordinator_that_failed_is_asked_last_for_a_while():
    coordinators = Coordinators(n1=rk.Refused("no"))
    now = [100.0]
    user = User(3, seed=7, client=coordinators, now=lambda: now[0])

    async def puts(count):
        for _ in range(count):
            await Put(NAMES, 10)(user)

    asyncio.run(puts(20))
    assert [name for name, _ in coordinators.asked].count("coordinator-n1") == 1
    now[0] += 2.0
    asyncio.run(puts(20))
    assert [name for name, _ in coordinators.asked].count("coordinator-n1") == 2


def test_operations_travel_to_generators():
    assert pickle.loads(pickle.dumps(Put(NAMES, 10))) == Put(NAMES, 10)
