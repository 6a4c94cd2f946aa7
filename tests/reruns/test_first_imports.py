"""What a worker does before it is ready, so that no seed's time is spent on it."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from resilkit.reruns import sweeping
from resilkit.reruns.first_imports import FIRST
from resilkit.reruns.sweeping import sweep
from tests.reruns.systems import Bank, bank

ONE_RUN = """
import json, sys
import resilkit as rk
from resilkit.reruns.first_imports import import_first
from resilkit.reruns.worker import run_seed
from tests.reruns.systems import bank

faults = rk.faults.Latency(0.01, 0.02, at=0.1, duration=0.2), rk.faults.NodeCrash(at=0.4)
criteria = ["data_consistency >= 1", "p95 <= 1 s", "availability >= 0.5"]
made = bank(scenario=rk.Scenario("bank", faults, criteria=criteria))
import_first()
before = set(sys.modules)
row = run_seed(made, 0, {"backend": "simulation", "schedule": None, "timeout": None})
new = set(sys.modules) - before
own = sorted(name for name in new if name.startswith("resilkit."))
packages = {name.partition(".")[0] for name in before}
others = sorted({name.partition(".")[0] for name in new} - packages)
print(json.dumps([row["error"], own, others]))
"""


def test_a_first_seed_loads_no_module_of_resilkit_and_no_library_any_more():
    done = subprocess.run(
        [sys.executable, "-c", ONE_RUN],
        capture_output=True, text=True, check=False, env={"PYTHONPATH": ":".join(sys.path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == ["", [], []]


def test_a_worker_has_loaded_all_that_before_it_takes_a_seed():
    here, first = os.getpid(), FIRST

    class Hasty(Bank):
        """Is asked what it starts when the seed begins, in the worker."""

        def applications(self, nodes):
            missing = [name for name in first if name not in sys.modules]
            if os.getpid() != here and missing:
                raise RuntimeError(f"not loaded: {missing}")
            return super().applications(nodes)

    found = sweep(bank(system=Hasty()), seeds=2, processes=2, progress=False)
    assert list(found["error"]) == ["", ""]


def test_this_process_loads_all_that_before_its_first_seed(monkeypatch):
    order, real = [], sweeping.run_seed
    monkeypatch.setattr(sweeping, "import_first", lambda: order.append("imports"))

    def run_seed(experiment, seed, where):
        order.append(seed)
        return real(experiment, seed, where)

    monkeypatch.setattr(sweeping, "run_seed", run_seed)
    sweep(bank(), seeds=2, processes=1, progress=False)
    assert order == ["imports", 0, 1]
