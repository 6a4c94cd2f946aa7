"""Faults that a simulation cannot carry out are refused before anything starts."""

from __future__ import annotations

import pytest

import resilkit as rk
from resilkit.chaos import capabilities
from resilkit.errors import InvalidArgument
from resilkit.faults import registered_faults
from tests.reruns.systems import Bank, workload

PRESSURES = [rk.faults.Memory(share=0.5), rk.faults.CPU(0.5), rk.faults.OpenFiles(share=0.5)]


def looks(*_arguments, **_options):
    pytest.fail("it was looked at")


def broken_by(fault):
    scenario = rk.Scenario("pressed", [rk.faults.NodePause(at=0.1, duration=0.1), fault])
    return rk.Experiment(
        2, system=Bank(), workload=workload(), scenario=scenario, duration=1.0, seed=1
    )


@pytest.mark.parametrize("fault", PRESSURES, ids=lambda fault: fault.fault_name)
def test_a_run_with_pressure_on_a_machine_is_refused_whole(fault, monkeypatch):
    monkeypatch.setattr("resilkit.experiment.execution.execute", looks)
    with pytest.raises(InvalidArgument, match="is not for the simulation") as caught:
        broken_by(fault).run(backend="simulation")
    assert caught.value.path == "scenario.faults[1]"
    assert "'processes'" in caught.value.allowed
    with pytest.raises(InvalidArgument, match=r"experiment\.scenario\.faults\[1\]"):
        rk.sweep(broken_by(fault), seeds=2, progress=False)


@pytest.mark.parametrize("fault", PRESSURES, ids=lambda fault: fault.fault_name)
def test_a_simulated_cluster_takes_no_pressure_on_a_machine(fault):
    with rk.Cluster(nodes=2, backend="simulation", seed=1) as cluster:
        with pytest.raises(InvalidArgument, match="fault: is not for the simulation"):
            cluster.inject(fault)
        scenario = rk.Scenario("pressed", [fault], duration=2.0)
        with pytest.raises(InvalidArgument, match=r"faults\[0\]: is not for the simulation"):
            scenario.start(cluster)
        experiment = broken_by(fault)
        with pytest.raises(InvalidArgument, match="is not for the simulation"):
            experiment.run(cluster=cluster)
        assert not list(cluster.events.frame().query("kind == 'fault'").index)


def test_whether_a_machine_can_signal_does_not_matter_to_a_simulation(monkeypatch):
    monkeypatch.setattr("resilkit.chaos.fitting._check_machine", looks)
    scenario = rk.Scenario("paused", [rk.faults.NodePause(at=0.1, duration=0.1)], duration=1.0)
    with rk.Cluster(nodes=2, backend="simulation", seed=1) as cluster:
        with scenario.start(cluster) as running:
            running.wait()
        assert running.strikes[0].state == "healed"


def test_the_capabilities_tell_which_faults_a_simulation_carries_out():
    rows = {row.name: row for row in capabilities()}
    lacking = {name for name, row in rows.items() if row.simulated is False}
    assert lacking == {"cpu", "memory", "open_files"}
    assert all(rows[name].simulated for name in registered_faults().keys() - lacking)
    assert rows["fork"].simulated is None
    frame = capabilities().frame()
    assert set(frame[frame["simulated"] == False]["name"]) == lacking  # noqa: E712 - a column
    assert "in a simulation" in capabilities()._repr_html_()
