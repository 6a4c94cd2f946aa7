"""How users write resilkit in typed code. mypy reads this file (strictly); nothing runs it."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, assert_type

from hypothesis import strategies as st

import resilkit as rk
from resilkit.testing import Arguments, Call, Cast, Concurrent
from resilkit.testing import strategies as rst
from resilkit.testing.strategies.schedules import Scheduled

if TYPE_CHECKING:
    import pandas as pd


class Bank(rk.Server):
    def init(self, balance: int = 0) -> None:
        self.balance = balance
        self.waiting: dict[str, Any] = {}
        self.trap_exit = True

    async def transfer(self, target: str, amount: int) -> int:
        if amount > self.balance:
            raise rk.Refused("not enough money")
        self.balance -= amount
        return int(await self.whereis(target).call.deposit(amount))

    def hold(self, order: str) -> object:
        self.waiting[order] = self.defer()
        return rk.NO_REPLY

    def info(self, message: object) -> None:
        match message:
            case rk.Down(reason=reason):
                self.stop(reason)
            case rk.Published(topic=topic):
                assert_type(topic, str)


@rk.register_fault("typed_latency")
class TypedLatency(rk.LinkFault):
    low: float
    high: float

    def verdict(self, message: Any, rng: random.Random) -> rk.Deliver:
        return rk.Deliver(after=rng.uniform(self.low, self.high))


def launched() -> None:
    banks = rk.SupervisorSpec(
        "banks", [rk.ChildSpec(Bank, name="bank", args=(10,))], strategy="one_for_one"
    )
    with rk.Cluster(nodes=3, topology="mesh") as cluster:
        assert_type(cluster.seed, int)
        cluster.start(banks, node="n1")
        bank = cluster.whereis("bank").with_timeout(0.5)
        bank.call.transfer("other", 3)
        bank.cast.transfer("other", amount=3)
        cluster.nodes["n2"].kill()
        assert_type(cluster.nodes["n2"].status, str)
        with cluster.partition(["n1"], ["n2", "n3"]):
            bank.sync()
        with cluster.alert_when("queue_length[bank] > 1000", hold=2.0) as alert:
            assert_type(alert, rk.Alert)
            assert_type([each.value for each in alert.standing], list[float])
        assert_type(cluster.alerts, tuple[rk.Alert, ...])


async def deposit(user: Any) -> None:
    await user.whereis("bank").call.deposit(user.rng.choice([1, 2]))


def judged() -> bool | None:
    workload = rk.Workload(
        [rk.Operation("deposit", deposit, weight=0.2)], arrivals=rk.arrivals.poisson(rate=500)
    )
    scenario = rk.Scenario(
        "crashes", [rk.faults.NodeCrash(every=2.0, count=2)], criteria=["availability >= 0.8"]
    )
    banks = rk.SupervisorSpec("banks", [rk.ChildSpec(Bank, name="bank")])
    experiment = rk.Experiment(
        rk.ClusterSpec(nodes=3),
        system=banks,
        workload=workload,
        scenario=scenario,
        duration=10.0,
        seed=7,
    )
    result = experiment.run()
    verdicts: pd.DataFrame = result.verdicts
    assert len(verdicts) == 1
    return assert_type(result.passed, bool | None)


def strategies_compose() -> None:
    increments = rst.arguments(by=st.integers(1, 9))
    assert_type(increments, st.SearchStrategy[Arguments])
    counting = rst.operation_sequences({"increment": increments, "get": None}, max_size=5)
    assert_type(counting, st.SearchStrategy[list[Call | Cast]])
    assert_type(rst.concurrent_scenarios(counting), st.SearchStrategy[Concurrent])
    crashes = rst.faults(["server_crash"], servers=["bank"])
    assert_type(crashes | st.just(rk.faults.NodePause()), st.SearchStrategy[rk.Fault])
    assert_type(rst.chaos_scenarios(faults=crashes, quiet=2.0), st.SearchStrategy[rk.Scenario])
    trees = rst.supervisor_configurations({Bank: rst.arguments(st.integers(0, 9))})
    assert_type(trees, st.SearchStrategy[rk.SupervisorSpec])
    assert_type(rst.cluster_specs(max_nodes=3), st.SearchStrategy[rk.ClusterSpec])


def simulated(schedule: Scheduled) -> None:
    with rk.Cluster(nodes=3, backend="simulation", **schedule) as cluster:
        assert_type(cluster.seed, int)


def recorded() -> pd.DataFrame:
    history = assert_type(rk.History.read("etcd_000.log", format="jepsen_log"), rk.History)
    return history.frame()


def refused(error: rk.ClusterError) -> bool:
    return assert_type(error.definite, bool)
