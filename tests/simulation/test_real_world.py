"""What reaches out of a simulation, and what no simulation can decide, is reported once a place."""

from __future__ import annotations

import _thread
import os
import pickle
import re
import resource
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.random import rand as taken_by_name

from tests.simulation.aside import Aside
from tests.simulation.simulated import Simulated


@pytest.fixture
def simulated() -> Iterator[Simulated]:
    with Simulated().open() as one:
        yield one


def assert_told(simulated: Simulated, *patterns: str) -> None:
    assert len(simulated.told) == len(patterns)
    for pattern, text in zip(patterns, simulated.told, strict=True):
        assert re.fullmatch(pattern, text), text


def in_thread() -> None:
    thread = threading.Thread(target=len, args=("",))
    thread.start()
    thread.join()


THREAD = (
    r"threading\.Thread\.start was used inside the simulation at test_real_world\.py:\d+ in {}: "
    r"a thread runs in real time, and when it runs no seed decides"
)


def test_a_thread_is_reported_once_with_who_started_it(simulated: Simulated) -> None:
    in_thread()
    assert simulated.told == []
    with simulated.step():
        in_thread()
        in_thread()
    assert_told(simulated, THREAD.format("in_thread"))


def test_a_thread_that_the_standard_library_starts_is_its_callers(simulated: Simulated) -> None:
    with simulated.step(), ThreadPoolExecutor(1) as pool:
        assert pool.submit(len, "ab").result(20) == 2
    assert_told(simulated, THREAD.format(r"test_a_thread_that_the_\w+"))


def test_a_socket_is_reported(simulated: Simulated) -> None:
    socket.socket().close()
    with simulated.step():
        socket.socket().close()
    assert_told(simulated, r"socket\.socket was used .*: a socket leads into the real world, .*")


def test_a_process_is_reported_and_runs(simulated: Simulated) -> None:
    with simulated.step():
        assert subprocess.run([sys.executable, "-c", "exit(3)"], check=False).returncode == 3
        assert os.waitstatus_to_exitcode(os.system("exit 4")) == 4  # noqa: S605
    process = r"another process runs in real time, and what it does no seed decides"
    assert_told(
        simulated,
        rf"subprocess\.Popen was used .*: {process}",
        rf"os\.system was used .*: {process}",
    )


def test_a_thread_below_threading_is_reported(simulated: Simulated) -> None:
    done = threading.Event()
    with simulated.step():
        _thread.start_new_thread(done.set, ())
    assert done.wait(20)
    assert_told(simulated, r"_thread\.start_new_thread was used inside the simulation at .*")


def test_devices_of_chance_are_reported_however_they_are_opened(simulated: Simulated) -> None:
    def read() -> None:
        with open("/dev/urandom", "rb") as device:  # noqa: PTH123
            assert len(device.read(4)) == 4
        with open(file=b"/dev//random", mode="rb"):  # noqa: PTH123
            pass
        with Path("/dev/urandom").open("rb"):
            pass
        os.close(os.open("/dev/urandom", os.O_RDONLY))
        os.close(os.open(Path("/dev/random"), os.O_RDONLY))
        with Path(__file__).open() as here, open(os.dup(here.fileno())) as again:  # noqa: PTH123
            assert again.readline()
        with pytest.raises(TypeError):
            open()  # type: ignore[call-overload]  # noqa: PTH123, SIM115

    read()
    assert simulated.told == []
    with simulated.step():
        read()
    why = r"what it gives no seed decides; os\.urandom\(\) is seeded"
    told = [rf"/dev/{name} was used inside .*: {why}" for name in ("urandom", "random") * 2]
    assert_told(simulated, *told[:2], told[0], *told[2:])


def test_open_is_no_method_where_a_class_keeps_it_and_pickles_by_its_name(
    simulated: Simulated,
) -> None:
    class Keeper:
        read_from = open

    with simulated.step():
        with Keeper().read_from(os.devnull) as nothing:
            assert nothing.read() == ""
        for function in (open, os.open):
            assert pickle.loads(pickle.dumps(function)) is function


def test_what_the_machine_does_besides_is_reported(simulated: Simulated) -> None:
    with simulated.step():
        assert len(os.getloadavg()) == 3
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > 0
    assert_told(
        simulated,
        r"os\.getloadavg was used .*: how busy the machine is no seed decides",
        r"resource\.getrusage was used .*: it tells of the process that runs the whole .*",
    )


# numpy -------------------------------------------------------------------------------------------


def test_numpys_global_generator_is_seeded_inside_steps_and_the_machines_outside() -> None:
    def drawn() -> list[float]:
        return [
            np.random.rand(),
            np.random.standard_normal(),
            float(np.random.choice(1000)),
            np.random.sample(),
            np.random.default_rng().random(),
            np.random.RandomState().rand(),
        ]

    def inside(seed: int) -> list[float]:
        found = []
        with Simulated(seed).open() as simulated:
            for _ in range(2):
                drawn()
                with simulated.step():
                    found += drawn()
        assert simulated.told == []
        return found

    assert inside(1) == inside(1)
    assert not set(inside(1)) & set(inside(2))
    np.random.seed(5)
    plain = [np.random.rand(), np.random.standard_normal(), np.random.standard_normal()]
    np.random.seed(5)
    found = [np.random.rand(), np.random.standard_normal()]
    with Simulated().open() as simulated, simulated.step():
        np.random.seed(1)
        first = np.random.rand()
        np.random.standard_normal()
        np.random.seed(1)
        assert np.random.rand() == first
    assert [*found, np.random.standard_normal()] == plain
    np.random.seed()


def test_a_function_of_numpy_that_was_taken_by_name_is_reported(simulated: Simulated) -> None:
    taken_by_name()
    with simulated.step():
        np.random.rand()
    assert simulated.told == []
    for _ in range(2):
        with simulated.step():
            taken_by_name()
    assert_told(simulated, "numpy's global generator was used inside the simulation: .*by name.*")


def test_what_other_threads_draw_from_numpy_is_no_ones_mistake(simulated: Simulated) -> None:
    with Aside() as aside:
        np.random.seed(5)
        plain = [np.random.rand(), np.random.rand()]
        np.random.seed(5)
        with simulated.step():
            assert aside.do(np.random.rand) == plain[0]
            assert np.random.rand() not in plain
        assert np.random.rand() == plain[1]
    assert simulated.told == []
    np.random.seed()


def test_numpy_leaves_no_trace_when_the_last_simulation_is_closed() -> None:
    before = dict(vars(np.random))
    with Simulated().open() as simulated, simulated.step():
        assert np.random.rand is not before["rand"]
    assert [name for name in before if vars(np.random)[name] is not before[name]] == []


def test_a_handler_that_imports_numpy_first_draws_from_the_seed_at_once() -> None:
    script = """if True:
        import sys
        from tests.simulation.simulated import Simulated
        def handle():
            import numpy.random
            from numpy.random import rand
            print(numpy.random.rand(), rand(), numpy.random.default_rng().random())
        with Simulated(7).open() as simulated, simulated.step():
            assert "numpy" not in sys.modules
            handle()
        assert simulated.told == []
        assert [each for each in sys.meta_path if "resilkit" in type(each).__module__] == []
    """
    command = [sys.executable, "-c", script]
    drawn = [subprocess.check_output(command, text=True) for _ in range(2)]
    assert drawn[0] == drawn[1]
    assert len({*drawn[0].split()}) == 3
