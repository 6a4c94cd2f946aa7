"""What a run in a simulation tells of itself, saved and compared too."""

from __future__ import annotations

import pickle
import re

import pytest

import resilkit as rk
from resilkit.errors import InvalidArgument
from resilkit.experiment import compare, load
from tests.experiment import synthetic
from tests.reruns.systems import Bank, workload

MACHINE = {
    "memory_growth < 50 %": "memory_rss", "memory_share < 0.9": "memory_rss",
    "gc_pressure <= 0.8": "gc_pressure", "loop_lag < 100 ms": "loop_lag",
}  # fmt: skip


@pytest.fixture(scope="module")
def result():
    scenario = rk.Scenario(
        "a pause",
        [rk.faults.NodePause(at=1.0, duration=0.5, targets="n2")],
        criteria=[*MACHINE, "queue_length < 1000"],
    )
    experiment = rk.Experiment(
        2, system=Bank(), workload=workload(), scenario=scenario, duration=3.0, seed=2
    )
    return experiment.run(backend="simulation", progress=False)


def test_criteria_about_a_machine_are_inconclusive_and_say_why(result):
    rows = result.verdicts.set_index("criterion")
    for criterion, metric in MACHINE.items():
        assert rows.loc[criterion, "verdict"] == "inconclusive"
        assert rows.loc[criterion, "reason"] == (
            f"a simulation does not measure {metric}: its nodes are no processes"
        )
    assert rows.loc["queue_length < 1000", "verdict"] == "pass"


def test_a_metric_that_a_simulated_run_lacks_is_refused_with_the_reason(result, tmp_path):
    for one in (result, load(result.save(tmp_path / "run")), pickle.loads(pickle.dumps(result))):
        with pytest.raises(InvalidArgument, match="a simulation does not measure link_bytes"):
            one.metrics.frame("link_bytes")
        with pytest.raises(InvalidArgument, match="is not in this run"):
            one.metrics.frame("my_own")
        assert len(one.metrics.frame("queue_length"))


def test_a_simulated_cluster_gives_an_empty_frame_and_says_why():
    with rk.Cluster(nodes=2, backend="simulation", seed=1) as cluster:
        cluster.advance(2.0)
        with pytest.warns(UserWarning, match="does not measure link_bytes: its messages are not"):
            assert not len(cluster.metrics.frame("link_bytes"))
        assert len(cluster.metrics.frame("servers"))


def test_figures_of_a_simulated_run_are_in_virtual_time_and_have_no_panel_of_memory(result):
    drawn = result.plot().to_svg()
    drawn = drawn if isinstance(drawn, str) else drawn.decode()
    assert "the load began, in virtual time" in drawn
    assert "Queue length" in drawn
    assert "Memory" not in drawn
    real = synthetic.result().plot().to_svg()
    assert "virtual" not in str(real)
    assert "Memory" in str(real)


def test_the_report_says_that_times_are_virtual_and_what_is_not_measured(result, tmp_path):
    page = result.report(tmp_path / "report.html").read_text("utf-8")
    words = re.sub(r"\s+", " ", page)
    assert "It ran in a simulation: times are virtual" in words
    assert "heat map and queue lengths. Faults are shaded" in words
    assert "queue lengths and memory" not in words
    assert "process 1000" not in words
    assert "memory, processor time and bytes on the wire, is not measured there" in words


def test_a_simulated_run_beside_a_real_one_is_told_not_to_be_comparable(result, tmp_path):
    folder = result.save(tmp_path / "run")
    real = synthetic.result()
    found = compare(folder, real)
    assert found.caution.startswith(
        "the first ran in a simulation, in virtual time, where computing takes none: response "
        "times and rates are not comparable"
    )
    assert "the backends differ: simulation and processes" in found.differences
    assert "not comparable" in repr(found)
    assert "not comparable" in found._repr_html_()
    assert compare(real, folder).caution.startswith("the second ran in a simulation")
    assert "virtual" not in compare(folder, load(folder)).caution
