"""Whatever reads the time inside a step reads virtual time."""

from __future__ import annotations

import datetime
import logging
import os
import time
from collections.abc import Iterator

import pytest

from resilkit import clock
from tests.simulation.simulated import BEGINNING, SOON, Simulated


@pytest.fixture
def simulated() -> Iterator[Simulated]:
    with Simulated().open() as one:
        yield one


def test_every_clock_is_virtual_inside_a_step(simulated: Simulated) -> None:
    simulated.at = 2.5
    with simulated.step():
        assert time.time() == BEGINNING + 2.5
        assert time.time_ns() == int(BEGINNING + 2) * 10**9 + 5 * 10**8
        for name in ("monotonic", "perf_counter", "process_time", "thread_time"):
            assert getattr(time, name)() == 2.5
            assert getattr(time, f"{name}_ns")() == 2_500_000_000
        assert time.clock_gettime(time.CLOCK_REALTIME) == BEGINNING + 2.5
        assert time.clock_gettime(time.CLOCK_MONOTONIC) == 2.5
        assert time.clock_gettime_ns(time.CLOCK_MONOTONIC) == 2_500_000_000
        assert os.times() == (2.5, 0.0, 0.0, 0.0, 2.5)
        assert os.times().user == os.times().elapsed
        simulated.at = 3.0
        assert time.monotonic() == 3.0


def test_every_date_is_virtual_inside_a_step(simulated: Simulated) -> None:
    class Own(datetime.datetime):
        pass

    with simulated.step():
        utc = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)
        assert datetime.datetime.now(datetime.UTC) == utc
        assert datetime.datetime.now(tz=datetime.UTC).tzinfo is datetime.UTC
        assert datetime.datetime.now().astimezone() == utc
        assert datetime.datetime.today().astimezone() == utc
        assert datetime.datetime.utcnow() == utc.replace(tzinfo=None)
        assert datetime.date.today() == utc.astimezone().date()
        assert type(Own.now()) is Own
        assert time.gmtime() == time.gmtime(BEGINNING)
        assert time.localtime() == time.localtime(None) == time.localtime(BEGINNING)
        assert time.ctime() == time.ctime(BEGINNING)
        assert time.asctime() == time.ctime(BEGINNING)
        assert time.strftime("%Y %j") == time.strftime("%Y %j", time.localtime(BEGINNING))


def test_what_is_asked_about_another_moment_is_answered(simulated: Simulated) -> None:
    with simulated.step():
        assert time.gmtime(86_400).tm_yday == 2
        assert time.strftime("%Y", time.gmtime(0)) == "1970"
        assert time.asctime(time.gmtime(0)) == "Thu Jan  1 00:00:00 1970"
        assert datetime.datetime.fromtimestamp(0, datetime.UTC).year == 1970
        with pytest.raises(TypeError):
            time.time(1)  # type: ignore[call-arg]
        with pytest.raises(TypeError):
            datetime.datetime.now("tomorrow")  # type: ignore[arg-type]


def test_outside_a_step_every_clock_is_the_machines(simulated: Simulated) -> None:
    with simulated.step():
        pass
    assert clock.monotonic() - time.monotonic() < SOON
    for wall in (time.time(), time.time_ns() / 1e9, datetime.datetime.now().timestamp()):
        assert wall > BEGINNING + SOON
    assert datetime.datetime.now(datetime.UTC).year > 2020
    assert datetime.datetime.utcnow().year > 2020
    assert datetime.date.today().year > 2020
    assert time.localtime().tm_year > 2020
    assert time.strftime("%Y") > "2020"


def test_a_sleep_blocks_the_node_in_virtual_time(simulated: Simulated) -> None:
    blocks = time.sleep
    with simulated.step():
        blocks(3600)
        blocks(0.5)
        assert time.monotonic() == 3600.5
        for wrong, error in (
            (-1, ValueError),
            (float("nan"), ValueError),
            (float("inf"), OverflowError),
            ("1", TypeError),
        ):
            with pytest.raises(error):
                blocks(wrong)
    assert simulated.at == 3600.5


def test_the_time_of_a_log_record_counts_from_the_beginning_of_the_simulation(
    simulated: Simulated,
) -> None:
    def logged() -> logging.LogRecord:
        return logging.LogRecord("bank", logging.INFO, "bank.py", 1, "%d", (3,), None, func="pay")

    simulated.at = 2.5
    with simulated.step():
        inside = logged()
    outside = logged()
    assert logging.Formatter("%(relativeCreated)d %(created)d").format(inside) == "2500 946684802"
    assert 0 < outside.relativeCreated < SOON * 1000
    assert outside.created > BEGINNING + SOON
    assert (outside.funcName, outside.getMessage()) == ("pay", "3")
