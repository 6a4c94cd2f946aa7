"""The README's experiment, one minute of it, in virtual time."""

from __future__ import annotations

from time import process_time

import resilkit as rk
from tests.benchmarks.contest import Aim, Row
from tests.benchmarks.rows.simulator_examples import Counter

__all__ = ["ROWS"]

DURATION = 60.0


def experiment() -> rk.Experiment:
    """Return it: three counters, 500 operations a second, nodes that crash and slow links."""
    counters = rk.SupervisorSpec(
        "counters",
        [rk.ChildSpec(Counter, name=f"counter-{i}", args=(i,)) for i in range(3)],
        strategy="one_for_one",
        max_restarts=3,
        max_seconds=5.0,
    )
    workload = rk.Workload(
        [
            rk.Operation.call("counter-0", "increment", weight=0.8),
            rk.Operation.call("counter-0", "get", weight=0.2),
        ],
        arrivals=rk.arrivals.poisson(rate=500),
    )
    scenario = rk.Scenario(
        "progressive node failures",
        [
            rk.faults.NodeCrash(every=2.0, count=2, restart_after=1.0),
            rk.faults.Latency(0.02, 0.2, fraction=0.3),
        ],
        criteria=[
            "availability >= 0.8",
            "recovery_time <= 5 s",
            "p95 <= 500 ms",
            "error_rate < 5 %",
        ],
    )
    return rk.Experiment(
        rk.ClusterSpec(nodes=3), system=counters, workload=workload, scenario=scenario,
        duration=DURATION, seed=7,
    )  # fmt: skip


def resilkit(seconds: float) -> float:
    """Run it, with its verdicts; the first run, which imports what judges, does not count."""
    subject = experiment()
    subject.run(backend="simulation", progress=False)
    start, runs = process_time(), 0
    while (spent := process_time() - start) < seconds or not runs:
        result = subject.run(backend="simulation", progress=False)
        assert len(result.verdicts) == 4
        runs += 1
    return spent / runs


ROWS = (
    Row(
        name="simulator-scenario",
        title="simulator, an experiment of 60 s (CPU)",
        unit="seconds",
        contestants={"resilkit": resilkit},
        aims=(Aim(None, 1.0),),
    ),
)
