"""Small systems under test. A module of its own, so that nodes and commands can import it."""

from __future__ import annotations

from pathlib import Path

import resilkit as rk
from resilkit.experiment import Audit


class Counter(rk.Server):
    def init(self, start=0):
        self.value = start

    def increment(self, by=1):
        self.value += by
        return self.value

    def get(self):
        return self.value

    def fail(self):
        raise RuntimeError("always")


class Once(Counter):
    """Starts the first time only."""

    def init(self, mark):
        super().init()
        if Path(mark).exists():
            raise RuntimeError("not again")
        Path(mark).touch()


class Unstartable(rk.Server):
    def init(self):
        raise RuntimeError("cannot begin")


def applications(nodes):
    return {
        node: [
            rk.SupervisorSpec(
                f"counters-{node}", [rk.ChildSpec(Counter, name=f"counter-{node}")], max_restarts=99
            )
        ]
        for node in nodes
    }


def workload(nodes, rate=150.0):
    return rk.Workload(
        [
            rk.Operation.call(f"counter-{node}", "increment", name=f"increment-{node}", timeout=0.5)
            for node in nodes
        ],
        arrivals=rk.arrivals.constant(rate),
        drain=1.0,
    )


async def mistaken(user):
    return user.no_such_thing


def audit(cluster, history):
    acknowledged = sum(row.status == "ok" for row in history)
    total = sum(
        reference.call.get()
        for name, reference in cluster.names().items()
        if name.startswith("counter-")
    )
    share = min(1.0, total / acknowledged) if acknowledged else 1.0
    return Audit(share=share, n=acknowledged, summary=f"{acknowledged} acknowledged increments.")
