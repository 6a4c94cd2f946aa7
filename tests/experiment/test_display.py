"""How an experiment shows itself before it runs."""

from __future__ import annotations

import resilkit as rk
from tests.cluster.servers import Counter
from tests.seen import HOSTILE, seen


def experiment(**options) -> rk.Experiment:
    system = rk.SupervisorSpec("team", [rk.ChildSpec(Counter, name="counter")])
    given = {
        "system": system,
        "workload": rk.Workload([rk.Operation.call("counter", "get", name=HOSTILE)],
                                rk.arrivals.constant(20)),
        "scenario": rk.Scenario(HOSTILE, [rk.faults.NodePause(at=2.0, duration=1.0)],
                                criteria=["error_rate < 5 %"]),
        "duration": 8.0, "seed": 7,
    }  # fmt: skip
    return rk.Experiment(rk.ClusterSpec(nodes=2), **{**given, **options})


def test_an_experiment_shows_all_its_parts() -> None:
    text = seen(experiment(warmup=1.5))
    assert f"experiment {HOSTILE} 8 s of load after 1.5 s of warm-up, seed 7" in text
    assert "node pause at 2 s, until 3 s" in text
    assert f"{HOSTILE} 100 % counter.get" in text
    assert "team one_for_one · where the cluster likes counter Counter · permanent" in text
    assert "2 nodes, mesh, 1 link" in text
    assert "last run" not in text


def test_a_system_by_nodes_says_where_each_part_starts() -> None:
    text = seen(experiment(system={"n2": rk.ChildSpec(Counter, name="counter")}))
    assert "Counter on n2" in text


def test_what_no_spec_names_is_told() -> None:
    late = rk.Scenario("s", [rk.faults.ServerCrash(targets="late-one")])
    system = rk.SupervisorSpec("team", [])
    other = rk.Workload([rk.Operation.call("counter", "get")], rk.arrivals.constant(20))
    text = seen(experiment(system=system, scenario=late, workload=other))
    assert "No spec names counter, late-one: they may come while it runs." in text
