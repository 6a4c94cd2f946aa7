"""A run in which everything happens, and a script that tells what its traces were.

``python -m tests.simulation.everything random-mesh fifo-ring`` prints a line for each.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import resilkit as rk
from resilkit.simulation.trace import SimulationTrace

TOPOLOGIES: dict[str, Any] = {
    "ring": "ring",
    "star": "star",
    "mesh": "mesh",
    "chain": (("n1", "n2"), ("n2", "n3"), ("n3", "n4")),
}


class Store(rk.Server):
    """Keeps what it is told, calls its peers, watches its neighbours, and has late answers."""

    def init(self, peer: str = "") -> None:
        self.trap_exit = True
        self.peer = self.whereis(peer) if peer else None
        self.kept = dict(self.storage.items())
        self.waiting: list[rk.Deferred] = []
        self.seen: set[str] = set()
        self.downs = 0
        self.subscribe("orders.*")
        self.monitor_nodes()
        if self.peer is not None:
            self.monitor(self.peer)
        self.send_after(0.3, "tick")

    def put(self, key: str, value: Any) -> int:
        self.kept[key] = value
        self.storage.put(key, value)
        return len(self.kept)

    async def put_safely(self, key: str, value: Any) -> None:
        self.put(key, value)
        await self.storage.synced()

    def get(self, key: str) -> Any:
        return self.kept.get(key)

    def names(self) -> set[str]:
        return self.seen

    async def copy(self, key: str) -> Any:
        if self.peer is None:
            raise rk.Refused("no peer")
        value = await self.peer.with_timeout(0.4).call.get(key)
        self.peer.cast.put(key, self.rng.random())
        self.publish("orders.copied", {key})
        return value

    def later(self) -> Any:
        self.waiting.append(self.defer())
        if len(self.waiting) > 2:
            for each in self.waiting:
                each.reply(self.now())
            self.waiting.clear()
        return rk.NO_REPLY

    def info(self, message: Any) -> None:
        match message:
            case "tick":
                self.send_after(0.3 + 0.1 * self.rng.random(), "tick")
            case rk.Published(payload=payload):
                self.seen |= set(map(str, payload))
            case rk.Down():
                self.downs += 1
                if self.peer is not None:
                    self.send_after(0.2, "again")
            case "again" if self.peer is not None:
                self.monitor(self.peer)


async def put(user: rk.User) -> None:
    await user.whereis(f"store-{user.rng.randrange(3)}").call.put(f"k{user.rng.randrange(9)}", 1)


async def later(user: rk.User) -> None:
    await user.whereis("store-0").with_timeout(0.5).call.later()


def spec() -> dict[str, Any]:
    children = [
        rk.ChildSpec(Store, name=f"store-{i}", args=(f"store-{(i + 1) % 3}",)) for i in (0, 1)
    ]
    inner = rk.SupervisorSpec(
        "inner",
        [rk.ChildSpec(Store, name=f"inner-{i}") for i in range(2)],
        strategy="rest_for_one",
        max_restarts=50,
    )
    top = rk.SupervisorSpec("top", [*children, inner], strategy="one_for_all", max_restarts=99)
    other = rk.SupervisorSpec(
        "other", [rk.ChildSpec(Store, name="store-2", args=("store-0",))], max_restarts=99
    )
    return {"n1": [top], "n3": [other]}


def faults() -> list[rk.Fault]:
    f = rk.faults
    return [
        f.Latency(0.001, 0.02, at=0.2, duration=1.0, fraction=0.5),
        f.Loss(0.3, at=1.3, duration=0.8),
        f.Duplicate(0.5, at=0.5, duration=0.8),
        f.Reorder(0.5, at=0.6, duration=0.9),
        f.Bandwidth(20_000, at=0.7, duration=0.5),
        f.Partition("halves", at=1.2, duration=0.7),
        f.Partition("one_way", at=2.2, duration=0.5),
        f.Partition("bridge", at=3.0, duration=0.4),
        f.NodeCrash(at=1.0, every=1.1, count=2, restart_after=0.4),
        f.NodePause(at=2.0, duration=0.6, targets="n2"),
        f.ServerCrash(at=0.3, every=0.7, count=4, targets="matching:store-*"),
        # The stores trap exits, but nobody traps a kill.
        f.ServerCrash(share=0.1, reason="kill", at=0.9, duration=2.0, targets="matching:store-*"),
        f.KillChildren("inner", rate=3.0, at=0.5, duration=2.0),
        f.SlowNode(5.0, at=1.5, duration=0.8),
        f.ClockSkew(30.0, drift=0.01, at=0.6, duration=1.5),
        f.Hold(at=2.8, duration=0.3),
    ]


REFUSED = {"cpu", "memory", "open_files"}
"""Kinds of faults that a simulation refuses: its nodes have nothing of it to run out of."""


def by_hand(cluster: rk.Cluster) -> None:
    """Do what people do in cells."""
    for node, specs in spec().items():
        for each in specs:
            cluster.start(each, node=node)
    store = cluster.whereis("store-0")
    monitor, inbox = store.monitor(), cluster.subscribe("orders.**")
    trace = cluster.whereis("store-1").trace()
    store.call.put("a", 1)
    store.call.put_safely("b", [2, {"c", "d", "e"}])
    store.cast.later()
    cluster.publish("orders.new", {"x", "y", "z"})
    cluster.advance(0.5)
    store.kill()
    monitor.wait(5)
    with cluster.partition(["n1"], ["n2", "n3", "n4"]):
        cluster.advance(1.5)
        attempt(lambda: cluster.whereis("store-1").call.copy("a"))
    cluster.nodes["n3"].kill()
    cluster.nodes["n3"].restart()
    cluster.add_node("n5")
    cluster.start(Store, name="late", node="n5")
    cluster.nodes["n2"].pause()
    cluster.advance(1.2)
    cluster.nodes["n2"].resume()
    cluster.run_until(lambda: "store-1" in cluster.names(), timeout=5)
    attempt(lambda: cluster.whereis("store-1").call.copy("b"))
    cluster.health(), cluster.nodes["n1"].servers(), trace.messages, inbox.get()
    cluster.nodes["n4"].stop()
    cluster.advance(0.2)


def attempt(call: Any) -> None:
    """Do what may fail: what becomes of it stands in the trace."""
    try:
        call()
    except rk.ResilkitError:
        return


def experiment(loop: str, topology: str) -> rk.Experiment:
    """Return an experiment with faults of every kind."""
    operations = [
        rk.Operation.call("store-0", "put", "k", 1),
        rk.Operation("put anywhere", put),
        rk.Operation("later", later),
    ]
    arrivals = (
        rk.arrivals.closed(users=3, think_time=(0.02, 0.2))
        if loop == "closed"
        else rk.arrivals.poisson(rate=30)
    )
    return rk.Experiment(
        rk.ClusterSpec(nodes=4, topology=TOPOLOGIES[topology], restart="on_crash"),
        system=spec(),
        workload=rk.Workload(operations, arrivals, generators=2),
        scenario=rk.Scenario("everything", faults(), criteria=["availability >= 0.2"]),
        duration=4.0,
        seed=7,
    )


def under_load(cluster: rk.Cluster, plan: rk.Experiment) -> None:
    """Do what an experiment does, but for judging it: that takes longer than all the rest."""
    for node, specs in spec().items():
        for each in specs:
            cluster.start(each, node=node)
    with plan.workload.start(cluster, duration=plan.duration) as load:
        faults = plan.scenario.start(cluster, duration=plan.duration)
        load.wait()
        faults.wait()


def harmed() -> set[str]:
    """Return the kinds of faults that did something in the run that ten processes do.

    A clock that is off leaves nothing to count: that it was put off is all there is.
    """
    plan, found = experiment("open", "mesh"), set()
    with rk.Cluster(_spec("mesh"), backend="simulation", schedule="random", record=True) as cluster:
        under_load(cluster, plan)
        for event in cluster.events:
            if event.kind == "fault":
                detail = json.loads(event.detail)
                kind = detail["id"].rsplit("-", 1)[0]
                did = any(map(detail.get, ("touched", "cuts", "killed", "slowed", "back")))
                crashed = (event.event, detail.get("reason")) == ("struck", "kill")
                if did or crashed or (event.event, kind) == ("injected", "clock_skew"):
                    found.add(kind)
    return found


def _spec(topology: str) -> rk.ClusterSpec:
    return rk.ClusterSpec(nodes=4, topology=TOPOLOGIES[topology], seed=7, restart="on_crash")


def run(what: str) -> SimulationTrace:
    """Let everything happen once.

    Args:
        what: ``schedule-topology`` for what is done by hand; ``schedule-topology-loop`` for faults
            of every kind under an ``open`` or ``closed`` load; and with ``-judged`` behind that as
            an experiment.
    """
    schedule, topology, *more = what.split("-")
    plan = experiment(more[0] if more else "", topology)
    if more[1:]:
        result = plan.run("simulation", schedule=schedule, progress=False, record=True)
        assert result.trace is not None
        return result.trace
    with rk.Cluster(
        _spec(topology), backend="simulation", schedule=schedule, record=True
    ) as cluster:
        if more:
            under_load(cluster, plan)
        else:
            by_hand(cluster)
        simulation = cluster.simulation
    assert simulation is not None
    return simulation.trace()


if __name__ == "__main__":
    folder = sys.argv[1]
    for each in sys.argv[2:]:
        found = run(each)
        sys.stdout.write(f"{each} {len(found)} {found.digest}\n")
        if folder != "-":
            Path(folder, each).write_text(found.written())
