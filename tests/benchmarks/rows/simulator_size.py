"""How the cost of a simulation grows: with its nodes, and with its messages.

Processor time, not time on the wall: a simulation is one thread that never waits.
"""

from __future__ import annotations

from collections.abc import Callable
from time import process_time
from typing import Any

import resilkit as rk
from tests.benchmarks.contest import Aim, Contestant, Row

__all__ = ["NODES", "RATES", "ROWS"]

NODES = (3, 10, 30, 100, 300, 1000)
LARGEST = NODES[-1]
RATES = (10, 100, 1_000, 10_000, 100_000)
USUAL = 1_000
"""Messages a second."""

PATIENCE = 600.0
"""Virtual seconds that a large cluster may take to start."""


class Gossip(rk.Server):
    """Tells a random other node the largest rumour that it knows, once a round."""

    def init(self, number: int, nodes: int, every: float) -> None:
        """Know a rumour of one's own."""
        self.number, self.count, self.every = number, nodes, every
        self.best = number
        # Not all at the same instant.
        self.send_after(every * self.rng.random(), "round")

    def info(self, message: Any) -> None:
        """Tell somebody, and come back to it."""
        del message
        other = (self.number + self.rng.randrange(1, self.count)) % self.count
        self.whereis(f"gossip-{other}").cast.hear(self.best)
        self.send_after(self.every, "round")

    def hear(self, best: int) -> None:
        """Learn."""
        self.best = max(self.best, best)


def started(nodes: int) -> rk.Cluster:
    """Start a mesh: every node is connected with every other one."""
    return rk.Cluster(
        nodes=nodes, topology="mesh", backend="simulation", seed=1, start_timeout=PATIENCE
    )


def start(seconds: float, nodes: int) -> float:
    """Start it, until every node reaches every other one, and end it."""
    return repeated(seconds, lambda: started(nodes).close())


def gossip(seconds: float, nodes: int) -> float:
    """Start it, start a server on each node, and gossip until all know the largest rumour."""
    return repeated(seconds, lambda: converge(nodes))


def converge(nodes: int) -> None:
    """Do that once, with three rounds a virtual second."""
    with started(nodes) as cluster:
        servers = [
            cluster.start(
                Gossip, number, nodes, 1 / 3, name=f"gossip-{number}", node=f"n{number + 1}"
            )
            for number in range(nodes)
        ]
        while any(server.state()["best"] != nodes - 1 for server in servers):
            cluster.advance(1 / 3)


def repeated(seconds: float, work: Callable[[], object]) -> float:
    """Return the processor time that `work` takes; once is enough when that is long."""
    began, done = process_time(), 0
    while (spent := process_time() - began) < seconds or not done:
        work()
        done += 1
    return spent / done


class Talker(rk.Server):
    """Casts to a server on another node, so many times a second."""

    def init(self, other: str, rate: float) -> None:
        """Begin."""
        self.other = other
        self.every = max(0.001, 1 / rate)
        self.batch = round(rate * self.every)
        self.heard = 0
        self.send_after(self.every, "talk")

    def info(self, message: Any) -> None:
        """Cast what is due."""
        del message
        cast = self.whereis(self.other).cast
        for _ in range(self.batch):
            cast.hear()
        self.send_after(self.every, "talk")

    def hear(self) -> None:
        """Count."""
        self.heard += 1


def pace(seconds: float, rate: int) -> float:
    """Have three nodes send `rate` messages a second together; return virtual seconds a second."""
    with rk.Cluster(nodes=3, backend="simulation", seed=1) as cluster:
        for number in range(3):
            name, other = f"talker-{number}", f"talker-{(number + 1) % 3}"
            cluster.start(Talker, other, rate / 3, name=name, node=f"n{number + 1}")
        stretch = 100.0 / max(rate, 100)
        cluster.advance(stretch)
        began, virtual = process_time(), 0.0
        while (spent := process_time() - began) < seconds:
            cluster.advance(stretch)
            virtual += stretch
        return virtual / spent


def sizes(measure: Callable[[float, int], float]) -> dict[str, Contestant]:
    """Return a contestant a size; the largest has the plain name."""
    return {
        f"resilkit ({nodes} nodes)" if nodes < LARGEST else "resilkit": fixed(measure, nodes)
        for nodes in NODES
    }


def fixed(measure: Callable[[float, int], float], number: int) -> Contestant:
    """Return what measures with `number`."""
    return lambda seconds: measure(seconds, number)


ROWS = (
    Row(
        name="simulator-start",
        title=f"simulator, start a mesh of {LARGEST:,} nodes (CPU)",
        unit="seconds",
        contestants=sizes(start),
        longest=300.0,
    ),
    Row(
        name="simulator-nodes",
        title=f"simulator, {LARGEST:,} nodes gossip to convergence (CPU)",
        unit="seconds",
        contestants=sizes(gossip),
        aims=(Aim(None, 60.0),),
        longest=300.0,
    ),
    Row(
        name="simulator-pace",
        title=f"simulator, virtual seconds at {USUAL:,} messages a second",
        unit="per second",
        contestants={
            f"resilkit ({rate:,} messages/s)" if rate != USUAL else "resilkit": fixed(pace, rate)
            for rate in RATES
        },
    ),
)
