"""What a result says of the simulation that it comes from."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest

import resilkit as rk
from resilkit.cli.output import result_document
from resilkit.errors import TrialFailed


class Counter(rk.Server):
    def init(self) -> None:
        self.value = 0

    def increment(self) -> int:
        self.value += 1
        return self.value


@pytest.fixture(scope="module")
def experiment() -> rk.Experiment:
    workload = rk.Workload(
        [rk.Operation.call("counter", "increment")], rk.arrivals.poisson(rate=50)
    )
    return rk.Experiment(
        2, system=rk.ChildSpec(Counter, name="counter"), workload=workload, duration=1.0, seed=7
    )


@pytest.fixture(scope="module")
def result(experiment: rk.Experiment) -> rk.Result:
    return experiment.run("simulation", schedule="fifo", record=True, progress=False)


def test_a_result_says_on_what_it_ran(experiment: rk.Experiment, result: rk.Result) -> None:
    assert (result.backend, result.schedule) == ("simulation", "fifo")
    assert len(result.fingerprint) == 16
    assert result.ground == "simulation, schedule fifo, virtual time"
    assert repr(result).endswith("seed 7, simulation, schedule fifo, virtual time>")
    assert "in a simulation, schedule fifo, virtual time" in result._repr_html_()
    assert "experiment.run('simulation', schedule='fifo')" in result.how_to_rerun()
    assert result_document(result)["fingerprint"] == result.fingerprint
    plain = experiment.run("simulation", progress=False)
    assert (plain.schedule, plain.trace) == ("random", None)
    assert plain.fingerprint != result.fingerprint


def test_a_recorded_run_has_its_trace_and_the_next_one_has_the_same(
    experiment: rk.Experiment, result: rk.Result
) -> None:
    again = experiment.run("simulation", schedule="fifo", record=True, progress=False)
    assert result.trace is not None
    assert again.trace == result.trace
    assert again.trace.digest == result.trace.digest
    assert again.fingerprint == result.fingerprint
    calls = [line.text for line in result.trace if "counter.increment()" in line.text]
    assert len(calls) == len(result.history)
    assert pickle.loads(pickle.dumps(result)).trace == result.trace


def test_a_saved_run_keeps_it(result: rk.Result, tmp_path: Path) -> None:
    result.save(tmp_path / "run")
    loaded = rk.load(tmp_path / "run")
    assert (loaded.backend, loaded.schedule, loaded.fingerprint, loaded.trace) == (
        "simulation", "fifo", result.fingerprint, None,
    )  # fmt: skip


def test_a_run_that_was_saved_before_there_were_simulations_ran_on_processes(
    result: rk.Result, tmp_path: Path
) -> None:
    result.save(tmp_path / "run")
    file = tmp_path / "run" / "manifest.json"
    manifest = json.loads(file.read_text())
    for name in ("backend", "schedule", "fingerprint"):
        del manifest[name]
    file.write_text(json.dumps(manifest))
    loaded = rk.load(tmp_path / "run")
    assert (loaded.backend, loaded.schedule, loaded.fingerprint, loaded.ground) == (
        "processes", "", "", "",
    )  # fmt: skip


def test_a_report_says_that_its_times_are_virtual(result: rk.Result, tmp_path: Path) -> None:
    page = result.report(tmp_path / "report.html").read_text()
    assert "simulation, schedule fifo, virtual time" in page
    assert "times are virtual" in page
    assert result.fingerprint in page
    assert "stay the machine&#39;s own" not in page


def test_a_given_cluster_has_its_own_backend(experiment: rk.Experiment) -> None:
    with rk.Cluster(nodes=2, backend="simulation", seed=7) as cluster:
        for options, path in (
            ({"backend": "simulation"}, "backend"),
            ({"backend": "simulation", "schedule": "fifo"}, "backend"),
            ({"backend": "simulation", "record": True}, "backend"),
        ):
            with pytest.raises(rk.InvalidArgument, match=f"{path}: is for a cluster that"):
                experiment.run(cluster=cluster, progress=False, **options)  # type: ignore[arg-type]
        result = experiment.run(cluster=cluster, progress=False)
        assert (result.backend, result.schedule) == ("simulation", "random")
    with pytest.raises(rk.InvalidArgument, match=r"record: .* backend='simulation'"):
        experiment.run(record=True)


@pytest.mark.parametrize(
    ("criteria", "told"),
    [
        (
            ["availability >= 0.5", "throughput >= 1000/s"],
            ["Failed: Of 2 criteria, 1 did not hold", "✗ throughput >= 1000/s  fail: "],
        ),
        (["p99.9 <= 1 s"], ["could not be decided", "? p99.9 <= 1 s  inconclusive: "]),
        ([], ["Nothing was judged, because there was no criterion."]),
    ],
    ids=["failed", "undecided", "nothing judged"],
)
def test_a_test_fails_in_one_line_and_says_what_did_not_hold(
    experiment: rk.Experiment, criteria: list[str], told: list[str]
) -> None:
    result = experiment.changed(scenario=rk.Scenario("calm", criteria=criteria)).run(
        "simulation", progress=False
    )
    with pytest.raises(TrialFailed) as caught:
        result.raise_if_failed()
    assert caught.value.outcome is result
    message = str(caught.value)
    assert all(part in message for part in told)
    assert "availability >= 0.5" not in message
    assert "It ran as: simulation, schedule random, virtual time, seed 7." in message
    assert len(caught.traceback.filter(caught)) == 1


def test_a_run_that_passed_raises_nothing(experiment: rk.Experiment) -> None:
    calm = rk.Scenario("calm", criteria=["availability >= 0.5"])
    experiment.changed(scenario=calm).run("simulation", progress=False).raise_if_failed()
