"""Small systems with a bug that some seeds show. A module of its own, for workers to import."""

from __future__ import annotations

import asyncio
import posix

import resilkit as rk
from resilkit.experiment import Audit


class Account(rk.Server):
    """Holds a number, which clients read and then write: two of them at once lose an update."""

    def init(self):
        self.value = 0

    def get(self):
        return self.value

    def put(self, value):
        self.value = value


async def add(user):
    account = user.whereis("account")
    amount = user.rng.randrange(1, 10)
    value = await account.call.get()
    await account.call.put(value + amount)
    return amount


async def look(user):
    return await user.whereis("account").call.get()


class Bank:
    """The account, and an audit that knows what it should hold."""

    def __init__(self, name="account"):
        self.name = name

    def applications(self, nodes):
        child = rk.ChildSpec(Account, name=self.name)
        return {nodes[0]: [rk.SupervisorSpec("bank", [child], max_restarts=99)]}

    def audit(self, cluster, history):
        done = [row for row in history if row.operation == "add" and row.status == "ok"]
        total = sum(row.value for row in done)
        found = cluster.whereis(self.name).call.get()
        share = min(found / total, 1.0) if total else 1.0
        return Audit(share=share, n=len(done))


def workload(load=40.0, operation=add):
    return rk.Workload(
        [rk.Operation("add", operation, weight=0.8), rk.Operation("look", look, weight=0.2)],
        rk.arrivals.poisson(load) if isinstance(load, float) else load,
    )


def bank(*faults, rate=40.0, operation=add, **more):
    given = {
        "system": Bank(),
        "workload": workload(rate, operation),
        "scenario": rk.Scenario("bank", list(faults), criteria=["data_consistency >= 1"]),
        "duration": 1.0,
        "seed": 7,
    }
    return rk.Experiment(2, **{**given, **more})


def failing(**more):
    """Return the experiment with a seed that shows the bug, and the result of its run."""
    for seed in range(20):
        made = bank(**{**more, "seed": seed})
        result = made.run("simulation", progress=False)
        if result.passed is False:
            return made, result
    raise AssertionError("no seed of 20 shows the bug")


async def die(user):
    """Take the whole process down, for one draw of many."""
    if user.rng.random() < 0.005:
        posix._exit(3)  # the worker's own end: `os._exit` ends the simulated node
    return await add(user)


async def spin(user):
    """Give way again and again at one instant: that takes far longer than it is given."""
    while await asyncio.sleep(0, result=True):
        pass


async def stuck(user):
    """Compute for ever, and never give way."""
    while True:
        pass


class Unstartable(rk.Server):
    def init(self):
        raise RuntimeError("cannot begin")
