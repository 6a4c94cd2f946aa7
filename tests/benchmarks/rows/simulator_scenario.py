"""The README's experiment, one minute of it, in virtual time."""

from __future__ import annotations

import asyncio
from random import Random
from time import process_time

import resilkit as rk
from tests.benchmarks.contest import Aim, Row
from tests.benchmarks.rows.simulator_examples import Counter
from tests.benchmarks.rows.simulator_hops import Mailboxes
from tests.benchmarks.virtual_loop import VirtualLoop

__all__ = ["ROWS"]

DURATION = 60.0
RATE = 500


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
        arrivals=rk.arrivals.poisson(rate=RATE),
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


async def minute() -> list[float]:
    """Send as many operations to a mailbox, and return how long each took."""
    loop, boxes, rng = asyncio.get_running_loop(), Mailboxes(), Random(7)  # noqa: S311
    took: list[float] = []

    async def operation(number: int) -> None:
        sent, answer = loop.time(), loop.create_future()
        boxes.send(1, (number, answer))
        await answer
        took.append(loop.time() - sent)

    async with asyncio.TaskGroup() as operations:
        number = 0
        while loop.time() < DURATION:
            await asyncio.sleep(rng.expovariate(RATE))
            operations.create_task(operation(number))
            number += 1
    boxes.end()
    return took


def bare(seconds: float) -> float:
    """The same load on a loop whose clock jumps: no faults, no nodes, no verdicts, no frames."""
    start, runs = process_time(), 0
    while (spent := process_time() - start) < seconds or not runs:
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            assert len(runner.run(minute())) > 0.9 * RATE * DURATION
        runs += 1
    return spent / runs


ROWS = (
    Row(
        name="simulator-scenario",
        title="simulator, an experiment of 60 s (CPU)",
        unit="seconds",
        contestants={"resilkit": resilkit, "virtual-time loop, load alone": bare},
        aims=(Aim(None, 1.0),),
    ),
)
