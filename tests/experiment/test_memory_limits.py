"""Which limit on memory a run is judged by."""

from __future__ import annotations

import resource

import psutil
import pytest

import resilkit as rk
from resilkit.cluster.limits import Limits
from resilkit.cluster.specs import NodeSpec
from resilkit.experiment import memory_limits
from resilkit.experiment.memory_limits import control_group_limit, limits_of
from tests.experiment.runs import experiment, scenario

MIB = 1 << 20


@pytest.fixture
def unlimited(monkeypatch):
    """A machine that hands nothing down."""
    monkeypatch.setattr(memory_limits, "control_group_limit", lambda: None)
    monkeypatch.setattr(resource, "getrlimit", lambda _: (resource.RLIM_INFINITY,) * 2)


@pytest.mark.usefixtures("unlimited")
def test_nodes_without_a_limit_share_the_machine_or_the_control_group(monkeypatch):
    spec = rk.ClusterSpec(nodes=2)
    assert limits_of(spec) == psutil.virtual_memory().total
    monkeypatch.setattr(memory_limits, "control_group_limit", lambda: 100 * MIB)
    assert limits_of(spec) == 100 * MIB


@pytest.mark.usefixtures("unlimited")
def test_a_limit_of_one_node_counts_though_others_have_none(monkeypatch):
    spec = rk.ClusterSpec(
        nodes=[NodeSpec("tight", limits=Limits(memory_bytes=128 * MIB)), NodeSpec("free")]
    )
    total = psutil.virtual_memory().total
    assert limits_of(spec) == {"tight": 128 * MIB, "free": total}
    monkeypatch.setattr(resource, "getrlimit", lambda _: (200 * MIB, resource.RLIM_INFINITY))
    assert limits_of(spec) == {"tight": 128 * MIB, "free": 200 * MIB}
    monkeypatch.setattr(resource, "getrlimit", lambda _: (100 * MIB, resource.RLIM_INFINITY))
    assert limits_of(spec) == {"tight": 100 * MIB, "free": 100 * MIB}


def write(root, path, text):
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_the_lowest_limit_of_the_control_groups_counts(tmp_path):
    assert control_group_limit(tmp_path) is None
    write(tmp_path, "proc/self/cgroup", "4:memory:/a/b\n3:cpu:/c\n0::/d/e\n")
    write(tmp_path, "sys/fs/cgroup/memory/a/b/memory.limit_in_bytes", "9223372036854771712\n")
    write(tmp_path, "sys/fs/cgroup/d/e/memory.max", "max\n")
    assert control_group_limit(tmp_path) is None
    write(tmp_path, "sys/fs/cgroup/memory/memory.limit_in_bytes", "3000\n")
    assert control_group_limit(tmp_path) == 3000
    write(tmp_path, "sys/fs/cgroup/d/memory.max", "2000\n")
    assert control_group_limit(tmp_path) == 2000
    write(tmp_path, "sys/fs/cgroup/c/memory.max", "1000\n")
    assert control_group_limit(tmp_path) == 2000


def test_a_criterion_on_memory_fails_under_the_fault_that_fills_it():
    plan = scenario(
        rk.faults.Memory(0.9, limit_bytes=400 * MIB, at=0.3, targets="n2"),
        criteria=["memory_share <= 60 %", "memory_share[n1] <= 60 %"],
    )
    result = experiment(scenario=plan, duration=4.0).run(progress=False)
    assert result.verdicts["verdict"].tolist() == ["fail", "pass"]
    assert "on n2, of the 400 MiB that a memory fault left it" in result.verdicts["reason"][0]


def test_a_pressure_that_still_rises_when_the_run_ends_was_in_and_is_judged_by_its_own_limit():
    plan = scenario(
        rk.faults.Memory(0.9, limit_bytes=400 * MIB, ramp=4.0, at=0.3, targets="n2"),
        criteria=["memory_share <= 20 %", "recovery_time <= 5 s"],
    )
    result = experiment(scenario=plan, duration=2.5).run(progress=False)
    share, recovery = result.verdicts["verdict"], result.verdicts["reason"][1]
    assert share[0] == "fail"
    assert "on n2, of the 400 MiB that a memory fault left it" in result.verdicts["reason"][0]
    assert "no fault was injected" not in recovery
    (problem,) = (each for each in result.problems if "memory" in each)
    assert problem.startswith("memory at 0.3 s was less than was asked: memory reached")
    assert "90 % was asked: it was healed after " in problem
