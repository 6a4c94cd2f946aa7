"""In CI, commands tell what they measured, and then that it is not the same each time."""

from __future__ import annotations

import json
import sys

import pytest

from resilkit.experiment import load
from tests.cli.test_commands import run

GUESTS = """\
import resilkit as rk

class Greeter(rk.Server):
    def init(self):
        self.names = list({f"guest {number}" for number in range(20)})

    def greet(self):
        self.names.append(self.names.pop(0))
        return self.names[0]

system = rk.ChildSpec(Greeter, name="greeter")
workload = rk.Workload([rk.Operation.call("greeter", "greet")], arrivals=rk.arrivals.constant(5))
"""


@pytest.fixture
def given(tmp_path, monkeypatch):
    """Be in CI, and have a scenario and a system that greets in no order."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("CI", "true")
    monkeypatch.delenv("RESILKIT_CHECK_DETERMINISM", raising=False)
    (tmp_path / "guests.py").write_text(GUESTS)
    path = tmp_path / "scenario.yaml"
    path.write_text('name: party\nduration: 1 s\ncriteria: ["throughput >= 1 /s"]\n')
    yield [path, "--system", f"{tmp_path / 'guests.py'}:system"]
    sys.modules.pop("guests", None)


def test_a_run_that_differs_is_told_and_saved_before_it_is_refused(given, tmp_path):
    simulated = ["--backend", "simulation", "--seed", 7]
    done = run("run", *given, *simulated, "--save", tmp_path / "kept")
    assert done.returncode == 3
    assert "Passed: the one criterion held." in done.stdout
    assert load(tmp_path / "kept").seed == 7
    last = done.stderr[done.stderr.index("resilkit: ") :]
    assert last.startswith("resilkit: not deterministic: two runs with seed 7")
    assert " = 'guest " in last, "where they differ is told, too"


def test_the_rows_of_a_sweep_that_differs_are_told_before_it_is_refused(given):
    done = run("sweep", *given, "--seeds", 2, "--processes", 1, "--json")
    assert done.returncode == 3
    assert len(json.loads(done.stdout)["rows"]) == 2
    assert "resilkit: not deterministic: two runs with seed 0" in done.stderr
