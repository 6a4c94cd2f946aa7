"""`import resilkit` is cheap and starts nothing; what a node loads is cheaper still."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

import resilkit as rk
from resilkit import faults
from resilkit.workload.load import start_load
from tests.cluster.servers import Counter

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "resilkit"

# What a node, or a first cell, must not wait for or pay memory for.
HEAVY = {
    "IPython", "hypothesis", "ipywidgets", "jinja2", "matplotlib", "multiprocess", "numpy",
    "pandas", "psutil", "pyarrow", "rich", "scipy", "tqdm", "typer", "yaml",
}  # fmt: skip

# The packages that node processes, generators and the launcher load.
LIGHT = ("telemetry", "history", "runtime", "network", "faults", "metrics", "cluster", "workload")

MEASURE = """
import json, os, sys, threading, time
def descriptors():
    return len(os.listdir("/proc/self/fd")) if os.path.exists("/proc/self/fd") else 0
before, opened = set(sys.modules), descriptors()
spent = time.process_time()
for name in sys.argv[1:]:
    __import__(name)
spent = time.process_time() - spent
print(json.dumps({
    "seconds": spent,
    "loaded": sorted({name.partition(".")[0] for name in set(sys.modules) - before}),
    "threads": threading.active_count(),
    "opened": descriptors() - opened,
}))
"""


def importing(*modules: str) -> dict[str, object]:
    command = [sys.executable, "-c", MEASURE, *modules]
    made = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return json.loads(made.stdout)


def modules_of(package: str) -> list[str]:
    found = sorted((PACKAGE / package).glob("**/*.py"))
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in found]
    return [name.removesuffix(".__init__") for name in names if not name.endswith("__main__")]


def test_importing_resilkit_takes_at_most_a_tenth_of_a_second() -> None:
    # Processor time: on a busy machine the wall clock measures the neighbours.
    spent = [importing("resilkit")["seconds"] for _ in range(5)]
    assert statistics.median(spent) <= 0.1, f"seconds: {spent}"


def test_importing_resilkit_loads_nothing_heavy() -> None:
    assert HEAVY & set(importing("resilkit")["loaded"]) == set()


def test_importing_resilkit_starts_nothing() -> None:
    found = importing("resilkit")
    assert found["threads"] == 1
    assert found["opened"] == 0


@pytest.mark.parametrize("package", LIGHT)
def test_importing_a_package_that_nodes_use_loads_nothing_heavy(package: str) -> None:
    assert HEAVY & set(importing(f"resilkit.{package}")["loaded"]) == set()


@pytest.mark.parametrize("package", ["telemetry", "runtime", "network", "faults"])
def test_no_module_that_a_node_loads_loads_anything_heavy(package: str) -> None:
    modules = modules_of(package)
    assert modules
    assert HEAVY & set(importing(*modules)["loaded"]) == set()


def test_a_running_node_has_loaded_nothing_heavy_whatever_it_was_used_for() -> None:
    with rk.Cluster(nodes=2, seed=4) as cluster:
        counters = [cluster.start(Counter, name=f"on-{node}", node=node) for node in cluster.nodes]
        assert [HEAVY & counter.call.loaded() for counter in counters] == [set(), set()]
        adding = rk.Operation.call("on-n1", "increment")
        workload = rk.Workload([adding], arrivals=rk.arrivals.constant(200))
        load = start_load(cluster, workload, duration=0.3)
        for fault in (
            faults.Latency(0.001, 0.002),
            faults.Partition("one"),
            faults.OpenFiles(0.3, targets="all"),
            faults.Memory(0.3, limit_bytes=1 << 28, targets="all"),
            faults.ServerCrash(method="boom", targets="on-n1"),
        ):
            cluster.inject(fault).heal()
        assert load.wait(20.0)
        for counter in counters:
            counter.call.keep("key", "value")
        assert len(cluster.health()) == 2
        assert [HEAVY & counter.call.loaded() for counter in counters] == [set(), set()]
        cluster.nodes["n2"].restart()
        assert counters[1].call.kept("key") == "value"
        assert HEAVY & counters[1].call.loaded() == set()


def test_a_node_loads_nothing_when_the_first_faults_come() -> None:
    # It would stop meanwhile, and all that it serves with it: the fault would be blamed.
    class Inspector(rk.Server):  # here, to travel by value: this module imports the faults
        def loaded(self) -> list[str]:
            import sys

            return sorted(name for name in sys.modules if name.startswith("resilkit."))

    with rk.Cluster(nodes=2, seed=7) as cluster:
        inspector = cluster.start(Inspector, name="inspector", node="n1")
        before = inspector.call.loaded()
        for fault in (
            faults.Latency(0.001, 0.002),
            faults.Partition("halves"),
            faults.Memory(0.01),
            faults.ServerCrash(after_calls=10**6, targets="inspector"),
        ):
            with cluster.inject(fault):
                assert inspector.call.loaded() == before, fault
