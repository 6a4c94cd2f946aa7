"""Inside a step all time and chance are the simulation's; elsewhere they are the machine's."""

from __future__ import annotations

import datetime
import os
import pickle
import random
import signal
import threading
import time
import uuid
from collections.abc import Iterator
from random import choice
from typing import Any

import cloudpickle
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resilkit import clock
from resilkit.simulation import interception as module
from tests.simulation.aside import Aside
from tests.simulation.drawing import drawn_by_name, draws
from tests.simulation.simulated import BEGINNING, SOON, Simulated


@pytest.fixture
def simulated() -> Iterator[Simulated]:
    with Simulated().open() as one:
        yield one
    assert module._users == 0


# Who sees it -------------------------------------------------------------------------------------


@pytest.fixture
def aside() -> Iterator[Aside]:
    with Aside() as one:
        yield one


def test_other_threads_have_the_machines_time_and_chance(
    simulated: Simulated, aside: Aside
) -> None:
    def drawn() -> list[Any]:
        state = random.getstate()
        first = [random.random(), random.gauss(0, 1), random.gauss(0, 1), choice(range(1000))]
        random.setstate(state)
        again = [random.random(), random.gauss(0, 1), random.gauss(0, 1), choice(range(1000))]
        assert again == first
        return first

    random.seed(5)
    plain = [drawn(), drawn()]
    with Simulated().step():
        undisturbed = draws()
    random.seed(6)
    with simulated.step():
        aside.do(lambda: random.seed(5))
        assert aside.do(drawn) == plain[0]
        assert aside.do(time.time) > BEGINNING + SOON
        assert aside.do(lambda: datetime.datetime.now(datetime.UTC)).year > 2020
        assert aside.do(time.localtime).tm_year > 2020
        assert aside.do(uuid.getnode) != simulated.host
        assert draws() == undisturbed
    assert drawn() == plain[1]
    assert simulated.told == []
    random.seed()


def test_a_step_of_another_thread_waits_for_the_end_of_this_one(
    simulated: Simulated, aside: Aside
) -> None:
    other = Simulated()
    other.at = 9.0

    def there() -> float:
        with other.step():
            return time.monotonic()

    with simulated.step():
        aside.start(there)
        assert not aside.done.acquire(timeout=0.2)  # as long as it takes to see nothing
        assert time.monotonic() == 0.0
    assert aside.done.acquire(timeout=20)
    assert aside.result == 9.0


def test_steps_nest_in_each_other_and_in_those_of_another_simulation(simulated: Simulated) -> None:
    def drawn(*, nested: bool) -> list[float]:
        one, other, found = Simulated(1), Simulated(2), []
        other.at = 5.0
        with one.step():
            found.append(random.random())
            if nested:
                with one.step():
                    assert time.monotonic() == 0.0
                with other.step(), one.step(), other.step():
                    assert time.monotonic() == 5.0
                    random.random()
            found.append(random.random())
            assert time.monotonic() == 0.0
        assert time.time() > BEGINNING + SOON
        return found

    assert drawn(nested=True) == drawn(nested=False)


def test_an_error_in_a_step_leaves_the_machine_its_own(simulated: Simulated) -> None:
    random.seed(5)
    plain = random.random()
    random.seed(5)
    for error in (ZeroDivisionError, KeyboardInterrupt, GeneratorExit):
        with pytest.raises(error), simulated.step():
            random.random()
            raise error
    assert random.random() == plain
    assert time.time() > BEGINNING + SOON
    simulated.leave()
    simulated.leave_all()
    assert time.time() > BEGINNING + SOON


def test_interrupts_at_any_moment_leave_the_machine_its_own(
    simulated: Simulated, aside: Aside
) -> None:
    class Interrupted(BaseException):
        pass

    def interrupt(*_: object) -> None:
        raise Interrupted

    def in_steps() -> None:
        try:
            for _ in range(1000):
                try:
                    simulated.enter()
                    random.random()
                finally:
                    simulated.leave()
        finally:
            simulated.leave_all()

    random.seed(5)
    before, interrupted = signal.signal(signal.SIGALRM, interrupt), 0
    try:
        for number in range(300):
            try:
                signal.setitimer(signal.ITIMER_REAL, 1e-5 * (number % 50 + 1))
                in_steps()
                signal.setitimer(signal.ITIMER_REAL, 0)
            except Interrupted:
                interrupted += 1
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
            assert module.STATE.by is None
            assert module.STATE.thread == 0
    finally:
        signal.signal(signal.SIGALRM, before)
    assert interrupted > 200
    assert random.random() == random.Random(5).random()
    assert aside.do(lambda: simulated.enter() or time.monotonic()) == 0.0
    aside.do(simulated.leave)
    random.seed()


# What stands in the modules ----------------------------------------------------------------------


def standing() -> dict[str, Any]:
    found = {f"time.{name}": value for name, value in vars(time).items()}
    found |= {f"random.{name}": value for name, value in vars(random).items()}
    found |= {f"os.{name}": value for name, value in vars(os).items()}
    found |= {f"uuid.{name}": value for name, value in vars(uuid).items() if name[:5] != "_last"}
    found |= {f"datetime.{name}": value for name, value in vars(datetime.datetime).items()}
    found |= {f"Thread.{name}": value for name, value in vars(threading.Thread).items()}
    found |= {f"Random.{name}": value for name, value in vars(random.Random).items()}
    return found


def test_the_last_one_who_uninstalls_puts_everything_back() -> None:
    before = standing()
    one, other = Simulated(), Simulated()
    one.install()
    other.install()
    with one.step():
        draws()
    one.uninstall()
    with other.step():
        assert time.monotonic() == 0.0
    other.uninstall()
    after = standing()
    assert [name for name in before if before[name] is not after[name]] == []
    assert type(random._inst) is random.Random  # type: ignore[attr-defined]


def test_what_somebody_else_puts_there_meanwhile_stays_until_he_takes_it_back() -> None:
    one, plain = Simulated(), time.time
    one.install()
    ours, time.time = time.time, lambda: 5.0
    one.uninstall()
    try:
        assert time.time() == 5.0
    finally:
        time.time = ours
    assert time.time() > BEGINNING + SOON
    one.install()
    with one.step():
        assert time.time() == BEGINNING
    one.uninstall()
    time.time = plain


@pytest.mark.parametrize("dumps", [pickle.dumps, cloudpickle.dumps], ids=["pickle", "cloudpickle"])
@pytest.mark.parametrize(
    "name", ["time.time", "time.sleep", "os.urandom", "random.random", "random.seed", "uuid.uuid4"]
)
def test_a_replaced_function_is_pickled_as_the_one_of_its_module(
    simulated: Simulated, dumps: Any, name: str
) -> None:
    owner, _, function = name.partition(".")
    found = {"time": time, "os": os, "random": random, "uuid": uuid}[owner]
    data = dumps(getattr(found, function))
    assert len(data) < 100
    assert pickle.loads(data) is getattr(found, function)


def test_a_method_of_the_hidden_generator_is_pickled_with_a_plain_copy(
    simulated: Simulated,
) -> None:
    copy = pickle.loads(pickle.dumps(random.choice))
    assert type(copy.__self__) is random.Random
    assert copy.__self__.getstate() == random.getstate()


@given(st.randoms(use_true_random=False), st.integers(0, 9))
def test_hypothesis_draws_and_measures_beside_it(drawn: random.Random, number: int) -> None:
    with Simulated(number).open() as one, one.step():
        assert time.monotonic() == 0.0
        inside = random.random()
    with Simulated(number).open() as again, again.step():
        assert drawn_by_name() == inside
    assert 0 <= drawn.random() < 1


def test_a_step_costs_little(simulated: Simulated) -> None:
    def batch() -> float:
        began = clock.monotonic()
        for _ in range(1000):
            simulated.enter()
            simulated.leave()
        return (clock.monotonic() - began) / 1000

    # A few microseconds; the least of many, since others are busy on the machine too.
    assert min(batch() for _ in range(30)) < 15e-6
