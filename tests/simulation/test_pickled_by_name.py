"""What was taken by name before a simulation was open (``from time import time``) still pickles."""

from __future__ import annotations

import copyreg
import os
import pickle
import pkgutil
import subprocess
import sys
import textwrap
from pathlib import Path
from types import BuiltinFunctionType
from typing import Any

import cloudpickle
import pytest

from tests.simulation.simulated import Simulated

NAMES = ["time:time", "time:monotonic", "time:sleep", "os:urandom", "os:getpid", "os:kill"]
OTHERS = [len, os.getcwd]


def standing() -> list[Any]:
    return [pkgutil.resolve_name(name) for name in NAMES]


REAL = standing()


@pytest.mark.parametrize("module", [pickle, cloudpickle])
def test_it_comes_back_as_what_stands_there_then(module: Any) -> None:
    with Simulated().open() as simulated, simulated.step():
        virtual, within = standing(), module.dumps(REAL)
        assert not set(virtual) & set(REAL)
        assert pickle.loads(within) == virtual
        assert pickle.loads(module.dumps(OTHERS)) == OTHERS
        assert pickle.loads(module.dumps([1].count))(1) == 1
    assert pickle.loads(within) == REAL


def test_another_process_reads_it_without_the_simulator() -> None:
    with Simulated().open():
        data = pickle.dumps(REAL)
    code = "import pickle, sys; print(pickle.load(sys.stdin.buffer), 'resilkit' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], input=data, capture_output=True, check=True)
    assert told.stdout.decode().strip() == f"{REAL} False"


def test_nothing_is_left_of_it_when_the_last_simulation_is_closed() -> None:
    before = copyreg.dispatch_table.get(BuiltinFunctionType)
    with Simulated().open(), Simulated().open():
        assert BuiltinFunctionType in copyreg.dispatch_table
    assert copyreg.dispatch_table.get(BuiltinFunctionType) is before


SCRIPT = """
    import warnings
    from time import time
    import resilkit as rk

    warnings.simplefilter("ignore")  # that the clock was taken by name, which is told

    class Clock(rk.Server):
        def read(self):
            return time() > 0

    with rk.Cluster(2, backend="simulation", seed=1) as cluster:
        clock = cluster.start(Clock, name="clock")
        cluster.nodes["n1"].kill()
        cluster.advance(3)
        cluster.nodes["n1"].restart()
        print(cluster.whereis("clock").call.read())
"""


def test_a_node_starts_again_with_a_server_of_a_script_that_took_a_clock_by_name(
    tmp_path: Path,
) -> None:
    script = tmp_path / "clock.py"
    script.write_text(textwrap.dedent(SCRIPT))
    told = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert (told.stdout, told.stderr) == ("True\n", "")
