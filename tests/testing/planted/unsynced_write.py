"""Un-synced write trusted: a store says that it has a value which is not on the disk yet."""

from __future__ import annotations

import resilkit as rk
from resilkit.rng import stream
from resilkit.testing import Call, Trial


class Store(rk.Server):
    """Keeps values."""

    def init(self, careful):
        self.careful = careful

    async def put(self, key, value):
        self.storage.put(key, value)
        if self.careful:
            await self.storage.synced()
        return "stored"

    def get(self, key):
        return self.storage.get(key)


def acknowledged_is_there(cluster, history):
    """What was said to be stored is there, or something later is."""
    store = cluster.whereis("store").with_timeout(0.5)
    wanted, possible = {}, {}
    for each in history:
        if each.operation.method == "put":
            key, value = each.operation.args
            if each.status == "ok":
                wanted[key], possible[key] = value, {value}
            else:
                possible.setdefault(key, {None}).add(value)
    return all(store.call.get(key) in possible[key] for key in wanted)


def trial(seed, *, fixed):
    chance = stream(seed, "unsynced write")
    spec = rk.SupervisorSpec(
        "stores", [rk.ChildSpec(Store, name="store", args=(fixed,))], max_restarts=10
    )
    operations = [
        Call("put", chance.choice("ab"), chance.randint(1, 99)) for _ in range(chance.randint(2, 8))
    ]
    moment = round(chance.uniform(0.1, 0.9), 2)
    fault = chance.choice([
        rk.faults.NodeCrash(at=moment, restart_after=0.2, targets="n1"),
        rk.faults.ServerCrash(targets="store", at=moment),
    ])  # fmt: skip
    return Trial(
        {"n1": [spec]}, operations, faults=[fault], seed=seed, nodes=2, duration=1.0,
        invariants=[acknowledged_is_there], may_crash=True,
    )  # fmt: skip
